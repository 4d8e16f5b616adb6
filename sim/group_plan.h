// GroupPlan: which places of the population are in which group, and the groups' keys. A pure function of the
// scenario and of where its hosts are; each group's choice is its own, and one more host changes it only
// where it is drawn itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "node/secure/group_key.h"
#include "sim/host_index.h"
#include "sim/scenario.h"

namespace shoal::sim {

class GroupPlan {
 public:
  GroupPlan() = default;  // no groups
  // `region` of each host of the population.
  GroupPlan(const Scenario& scenario, const std::function<std::uint32_t(HostIndex)>& region);

  std::size_t size() const { return groups_.size(); }
  // In the order in which they were chosen.
  std::span<const HostIndex> members(std::uint32_t group) const { return groups_[group].members; }
  const GroupKey& key(std::uint32_t group) const { return groups_[group].key; }
  // The groups of a host, in ascending order.
  std::span<const std::uint32_t> groups_of(HostIndex host) const;
  std::vector<GroupKey> keys_of(HostIndex host) const;
  // The groups from this one on keep folders.
  std::uint32_t first_folder() const { return first_folder_; }
  bool keeps_folders(HostIndex host) const {
    return !groups_of(host).empty() && groups_of(host).back() >= first_folder_;
  }

 private:
  struct Group {
    GroupKey key;
    std::vector<HostIndex> members;
  };

  std::uint32_t first_folder_ = 0;
  std::vector<Group> groups_;
  std::vector<std::vector<std::uint32_t>> groups_of_host_;  // empty: no groups
};

}  // namespace shoal::sim
