#include "sim/multicast_groups.h"

#include <algorithm>

namespace shoal::sim {

void MulticastGroups::join(const Group& group, HostIndex host) {
  std::vector<HostIndex>& members = members_[group];
  const auto place = std::ranges::lower_bound(members, host);
  if (place == members.end() || *place != host) members.insert(place, host);
}

void MulticastGroups::leave(const Group& group, HostIndex host) {
  const auto found = members_.find(group);
  if (found == members_.end()) return;
  std::erase(found->second, host);
  if (found->second.empty()) members_.erase(found);
}

void MulticastGroups::leave(HostIndex host) {
  for (auto& [group, members] : members_) std::erase(members, host);
  std::erase_if(members_, [](const auto& entry) { return entry.second.empty(); });
}

std::span<const HostIndex> MulticastGroups::members(const Group& group) const {
  const auto found = members_.find(group);
  return found == members_.end() ? std::span<const HostIndex>() : found->second;
}

}  // namespace shoal::sim
