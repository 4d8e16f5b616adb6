#include "sim/group_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "sim/deal.h"

namespace shoal::sim {
namespace {

// Draws in vain before hosts are taken in their order: where hardly any host will do.
constexpr int kDrawsMax = 1'000;

// The members of one group, as they are found.
class Choice {
 public:
  Choice(const Scenario& scenario, const std::function<std::uint32_t(HostIndex)>& region, Rng rng)
      : first_(scenario.population.bootstrap_hosts),
        count_(scenario.population.size - first_),
        region_(region),
        rng_(std::move(rng)) {}

  // One more; in the region of the first, elsewhere, or wherever it is.
  void add(std::optional<bool> where_first_is) {
    const auto suits = [&](HostIndex host) {
      return is_new(host) && (!where_first_is || members.empty() ||
                              (region_(host) == region_(members.front())) == *where_first_is);
    };
    for (int i = 0; i < kDrawsMax; ++i) {
      const HostIndex host = first_ + pick(rng_.next(), count_);
      if (suits(host)) return members.push_back(host);
    }
    if (!add_first(suits)) add_first([&](HostIndex host) { return is_new(host); });
  }

  std::vector<HostIndex> members;

 private:
  bool is_new(HostIndex host) const { return std::ranges::find(members, host) == members.end(); }
  template <class Suits>
  bool add_first(Suits&& suits) {
    for (HostIndex host = first_; host < first_ + count_; ++host) {
      if (!suits(host)) continue;
      members.push_back(host);
      return true;
    }
    return false;
  }

  HostIndex first_;
  std::uint32_t count_;
  const std::function<std::uint32_t(HostIndex)>& region_;
  Rng rng_;
};

}  // namespace

GroupPlan::GroupPlan(const Scenario& scenario, const std::function<std::uint32_t(HostIndex)>& region) {
  const auto add = [&](const std::string& name, std::uint32_t hosts,
                       const std::optional<std::uint32_t>& same_region) {
    Choice choice(scenario, region, Rng::keyed(scenario.seed, name, "hosts"));
    for (std::uint32_t i = 0; i < hosts; ++i) {
      choice.add(same_region ? std::optional(i < *same_region) : std::nullopt);
    }
    const Secret sync_key(Rng::keyed(scenario.seed, name, "key").seed());
    const auto group = static_cast<std::uint32_t>(groups_.size());
    for (const HostIndex host : choice.members) groups_of_host_[host].push_back(group);
    groups_.push_back({GroupKey::from_sync_key(sync_key), std::move(choice.members)});
  };
  const auto& groups = scenario.workload.groups;
  const auto& folders = scenario.workload.folders;
  if (groups || folders) groups_of_host_.resize(scenario.population.size);
  for (std::uint32_t i = 0; groups && i < groups->count; ++i) {
    add(fmt::format("group-{}", i), groups->hosts_per_group, groups->same_region);
  }
  first_folder_ = static_cast<std::uint32_t>(groups_.size());
  for (std::uint32_t i = 0; folders && i < folders->count; ++i) {
    add(fmt::format("folder-{}", i), folders->hosts_per_group, std::nullopt);
  }
}

std::span<const std::uint32_t> GroupPlan::groups_of(HostIndex host) const {
  if (host >= groups_of_host_.size()) return {};
  return groups_of_host_[host];
}

std::vector<GroupKey> GroupPlan::keys_of(HostIndex host) const {
  std::vector<GroupKey> keys;
  for (const std::uint32_t group : groups_of(host)) keys.push_back(groups_[group].key);
  return keys;
}

}  // namespace shoal::sim
