#include "node/dht/own_addresses.h"

#include <algorithm>
#include <iterator>

#include "node/dht/item.h"

namespace shoal {
namespace {

bool contains(const std::vector<Endpoint>& endpoints, const Endpoint& wanted) {
  return std::any_of(endpoints.begin(), endpoints.end(),
                     [&](const Endpoint& endpoint) { return endpoint.same_place(wanted); });
}

}  // namespace

bool OwnAddresses::on_interfaces(std::span<const Endpoint> own) {
  const bool gone = std::any_of(interfaces_.begin(), interfaces_.end(), [&](const Endpoint& before) {
    return std::none_of(own.begin(), own.end(), [&](const Endpoint& now) { return now.same_place(before); });
  });
  interfaces_.assign(own.begin(), own.end());
  if (gone) {
    votes_.clear();
    confirmed_.clear();
    foreign_.clear();
  }
  return gone;
}

void OwnAddresses::take_over(const OwnAddresses& before) {
  interfaces_ = before.interfaces_;
  votes_ = before.votes_;
  confirmed_ = before.confirmed_;
  foreign_ = before.foreign_;
}

bool OwnAddresses::is_local() const {
  const auto local = [](const Endpoint& endpoint) {
    return endpoint.is_local() || endpoint.is_unspecified();
  };
  return std::all_of(interfaces_.begin(), interfaces_.end(), local) &&
         std::all_of(confirmed_.begin(), confirmed_.end(), local);
}

bool OwnAddresses::on_observed(const Endpoint& own, const Contact& by) {
  if (own.port == 0 || own.is_unspecified()) return false;
  const std::uint64_t voice = voice_of(by.endpoint);
  std::size_t of_family = 0;
  auto oldest = votes_.end();
  auto known = votes_.end();
  for (auto vote = votes_.begin(); vote != votes_.end(); ++vote) {
    if (vote->endpoint.is_v4() != own.is_v4()) continue;
    if (oldest == votes_.end()) oldest = vote;
    if (vote->voice == voice) known = vote;
    ++of_family;
  }
  if (known != votes_.end()) {
    votes_.erase(known);
  } else if (of_family == kVoicesMax) {
    votes_.erase(oldest);
  }
  votes_.push_back({voice, own});
  const std::vector<Endpoint> before = advertised();
  count();
  return advertised() != before;
}

void OwnAddresses::count() {
  confirmed_.clear();
  for (const bool v4 : {true, false}) {
    std::size_t all = 0;
    for (const Vote& vote : votes_) all += vote.endpoint.is_v4() == v4 ? 1 : 0;
    for (const Vote& candidate : votes_) {
      if (candidate.endpoint.is_v4() != v4) continue;
      std::size_t votes = 0;
      for (const Vote& vote : votes_) votes += vote.endpoint.same_place(candidate.endpoint) ? 1 : 0;
      const bool enough = votes >= kVotesNeeded || (votes == all && votes >= 2);
      if (!enough || 2 * votes <= all || is_foreign(candidate.endpoint)) continue;
      confirmed_.push_back(candidate.endpoint);
      break;
    }
  }
}

bool OwnAddresses::on_answered(const Contact& contact) {
  const bool claimed = std::any_of(votes_.begin(), votes_.end(), [&](const Vote& vote) {
    return vote.endpoint.same_place(contact.endpoint);
  });
  if (contact.key == self_ || !claimed || is_interface(contact.endpoint)) return false;
  std::erase_if(foreign_, [&](const Endpoint& endpoint) { return endpoint.same_place(contact.endpoint); });
  if (foreign_.size() == kForeignMax) foreign_.erase(foreign_.begin());
  foreign_.push_back(contact.endpoint);
  const std::vector<Endpoint> before = advertised();
  count();
  return advertised() != before;
}

std::vector<Endpoint> OwnAddresses::unproven() const {
  std::vector<Endpoint> out;
  std::copy_if(confirmed_.begin(), confirmed_.end(), std::back_inserter(out),
               [&](const Endpoint& endpoint) { return !is_interface(endpoint); });
  return out;
}

bool OwnAddresses::is_interface(const Endpoint& endpoint) const {
  return contains(interfaces_, endpoint);
}

bool OwnAddresses::is_foreign(const Endpoint& endpoint) const {
  return contains(foreign_, endpoint);
}

bool OwnAddresses::is_own(const Endpoint& endpoint) const {
  return is_interface(endpoint) || contains(confirmed_, endpoint);
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
  std::vector<Endpoint> all;
  const auto add = [&](const Endpoint& endpoint) {
    if (!contains(all, endpoint) && !endpoint.is_unspecified() && all.size() < kItemEndpointsMax) {
      all.push_back(endpoint);
    }
  };
  for (const Endpoint& endpoint : interfaces_) {
    if (!endpoint.is_local()) add(endpoint);
  }
  for (const Endpoint& endpoint : confirmed_) add(endpoint);
  const bool only_loopback = std::all_of(interfaces_.begin(), interfaces_.end(),
                                         [](const Endpoint& endpoint) { return endpoint.is_loopback(); });
  for (const Endpoint& endpoint : interfaces_) {
    if (only_loopback || !endpoint.is_loopback()) add(endpoint);
  }
  return all;
}

}  // namespace shoal
