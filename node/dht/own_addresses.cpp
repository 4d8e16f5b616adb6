#include "node/dht/own_addresses.h"

#include <algorithm>

#include "node/dht/item.h"

namespace shoal {

bool OwnAddresses::on_interfaces(std::span<const Endpoint> own) {
  const bool gone = std::any_of(interfaces_.begin(), interfaces_.end(), [&](const Endpoint& before) {
    return std::none_of(own.begin(), own.end(), [&](const Endpoint& now) { return now.same_place(before); });
  });
  interfaces_.assign(own.begin(), own.end());
  if (gone) observed_.clear();
  return gone;
}

void OwnAddresses::take_over(const OwnAddresses& before) {
  interfaces_ = before.interfaces_;
  observed_ = before.observed_;
  votes_ = before.votes_;
}

bool OwnAddresses::is_local() const {
  const auto local = [](const Endpoint& endpoint) {
    return endpoint.is_local() || endpoint.is_unspecified();
  };
  return std::all_of(interfaces_.begin(), interfaces_.end(), local) &&
         std::all_of(observed_.begin(), observed_.end(),
                     [&](const Observed& o) { return o.voters.size() < kVotesNeeded || local(o.endpoint); });
}

bool OwnAddresses::on_observed(const Endpoint& own, const Contact& by) {
  if (own.port == 0 || own.is_unspecified()) return false;
  auto seen = std::find_if(observed_.begin(), observed_.end(),
                           [&](const Observed& o) { return o.endpoint.same_place(own); });
  if (seen == observed_.end()) {
    if (observed_.size() == kObservedMax) {
      observed_.erase(
          std::min_element(observed_.begin(), observed_.end(),
                           [](const Observed& a, const Observed& b) { return a.order < b.order; }));
    }
    observed_.push_back(Observed{own, {}, 0});
    seen = observed_.end() - 1;
  }
  seen->order = ++votes_;
  if (seen->voters.size() == kVotesNeeded) return false;
  const std::uint64_t voter = by.endpoint.is_local() ? by.key.word(0) : subnet_of(by.endpoint.address);
  if (std::find(seen->voters.begin(), seen->voters.end(), voter) != seen->voters.end()) return false;
  seen->voters.push_back(voter);
  return seen->voters.size() == kVotesNeeded;
}

bool OwnAddresses::is_own(const Endpoint& endpoint) const {
  return std::any_of(interfaces_.begin(), interfaces_.end(),
                     [&](const Endpoint& own) { return own.same_place(endpoint); }) ||
         std::any_of(observed_.begin(), observed_.end(), [&](const Observed& o) {
           return o.voters.size() == kVotesNeeded && o.endpoint.same_place(endpoint);
         });
}

bool OwnAddresses::usable(const Contact& contact) const {
  if (contact.endpoint.is_v6_link_local() && contact.endpoint.interface == 0) return false;
  return is_other(contact) && (is_local() || !contact.endpoint.is_local());
}

bool OwnAddresses::is_other(const Contact& contact) const {
  if (contact.key == self_ || contact.endpoint.port == 0 || contact.endpoint.is_unspecified()) return false;
  return !is_own(contact.endpoint);
}

std::vector<Endpoint> OwnAddresses::advertised() const {
  std::vector<Observed> confirmed;
  std::copy_if(observed_.begin(), observed_.end(), std::back_inserter(confirmed),
               [](const Observed& o) { return o.voters.size() == kVotesNeeded; });
  std::sort(confirmed.begin(), confirmed.end(),
            [](const Observed& a, const Observed& b) { return a.order > b.order; });
  std::vector<Endpoint> all;
  const auto add = [&](const Endpoint& endpoint) {
    const bool known =
        std::any_of(all.begin(), all.end(), [&](const Endpoint& e) { return e.same_place(endpoint); });
    if (!known && !endpoint.is_unspecified() && all.size() < kItemEndpointsMax) all.push_back(endpoint);
  };
  for (const Observed& o : confirmed) add(o.endpoint);
  const bool only_loopback = std::all_of(interfaces_.begin(), interfaces_.end(),
                                         [](const Endpoint& endpoint) { return endpoint.is_loopback(); });
  for (const Endpoint& endpoint : interfaces_) {
    if (only_loopback || !endpoint.is_loopback()) add(endpoint);
  }
  return all;
}

}  // namespace shoal
