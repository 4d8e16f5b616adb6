#include "node/lan/lan_hosts.h"

#include <algorithm>
#include <utility>

namespace shoal {

bool LanHost::is_at(const Endpoint& endpoint) const {
  return std::ranges::any_of(places, [&](const Place& place) {
    return place.endpoint == endpoint && (place.round == round || place.round == round_before);
  });
}

const Endpoint& LanHost::best_place() const {
  const auto better = [&](const Place& place) {
    return !place.endpoint.is_v6_link_local() && is_at(place.endpoint);
  };
  const auto found = std::ranges::find_if(places, better);
  return (found == places.end() ? places.front() : *found).endpoint;
}

LanHost* LanHosts::find(const Id& key) {
  const auto found = hosts_.find(key);
  return found == hosts_.end() ? nullptr : &found->second;
}

const LanHost* LanHosts::find(const Id& key) const {
  const auto found = hosts_.find(key);
  return found == hosts_.end() ? nullptr : &found->second;
}

bool LanHosts::has_heard(const LanMessage& message) const {
  const LanHost* const host = find(message.host);
  return host != nullptr &&
         std::pair(message.boot_number, message.counter) <= std::pair(host->boot_number, host->counter);
}

LanHost& LanHosts::take(const LanMessage& message, const Endpoint& from, Instant now) {
  if (hosts_.size() == kHostsMax && !hosts_.contains(message.host)) make_room();
  LanHost& host = hosts_[message.host];
  if (host.boot_number != message.boot_number) host = LanHost{};  // what it proved, it proved before
  host.boot_number = message.boot_number;
  host.counter = message.counter;
  host.heard = now;
  if (message.time != host.round) host.round_before = std::exchange(host.round, message.time);
  std::erase_if(host.places, [&](const LanHost::Place& place) { return place.endpoint == from; });
  host.places.insert(host.places.begin(), {from, message.time});
  if (host.places.size() > LanHost::kPlacesMax) host.places.pop_back();
  return host;
}

void LanHosts::make_room() {
  const auto quietest = std::ranges::min_element(
      hosts_, [](const auto& a, const auto& b) { return a.second.heard < b.second.heard; });
  hosts_.erase(quietest);
}

void LanHosts::forget_silent(Instant now) {
  std::erase_if(hosts_, [&](const auto& entry) { return now - entry.second.heard > kForgottenAfter; });
}

void LanHosts::forget_groups() {
  for (auto& [key, host] : hosts_) {
    host.tags_digest = {};
    host.groups.clear();
    host.reported.reset();
  }
}

}  // namespace shoal
