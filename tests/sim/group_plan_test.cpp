#include "sim/group_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "tests/sim/scenario_texts.h"

namespace shoal::sim {
namespace {

std::uint32_t three_regions(HostIndex host) {
  return host % 3;
}

GroupPlan plan_of(const std::string& groups, std::uint32_t size = 60) {
  return {must_parse("name: x\nduration: 1min\npopulation: {size: " + std::to_string(size) +
                     ", bootstrap_hosts: 2}\nworkload: {groups: {" + groups + "}}\n"),
          three_regions};
}

std::vector<HostIndex> members_of(const GroupPlan& plan, std::uint32_t group) {
  return {plan.members(group).begin(), plan.members(group).end()};
}

TEST(GroupPlan, GivesEachGroupDifferentHostsThatAreNoBootstrapHosts) {
  const GroupPlan plan = plan_of("count: 40, hosts_per_group: 7");
  ASSERT_EQ(plan.size(), 40u);
  std::set<HostIndex> used;
  for (std::uint32_t group = 0; group < plan.size(); ++group) {
    const auto members = plan.members(group);
    const std::set<HostIndex> different(members.begin(), members.end());
    EXPECT_EQ(different.size(), 7u);
    EXPECT_GE(*different.begin(), 2u);
    EXPECT_LT(*different.rbegin(), 60u);
    used.insert(different.begin(), different.end());
  }
  EXPECT_GT(used.size(), 50u) << "of 58 hosts, 280 places leave hardly any out";
}

TEST(GroupPlan, TellsEachHostItsGroupsAndTheirKeys) {
  const GroupPlan plan = plan_of("count: 40, hosts_per_group: 7");
  std::size_t places = 0;
  for (HostIndex host = 0; host < 60; ++host) {
    const auto groups = plan.groups_of(host);
    const std::vector<GroupKey> keys = plan.keys_of(host);
    ASSERT_EQ(keys.size(), groups.size());
    for (std::size_t i = 0; i < groups.size(); ++i) {
      EXPECT_NE(std::ranges::find(plan.members(groups[i]), host), plan.members(groups[i]).end());
      EXPECT_EQ(keys[i], plan.key(groups[i]));
    }
    places += groups.size();
  }
  EXPECT_EQ(places, 280u);
  EXPECT_NE(plan.key(0).id(), plan.key(1).id());
}

TEST(GroupPlan, KeepsSoManyTogetherAndTheOthersApart) {
  const GroupPlan plan = plan_of("count: 40, hosts_per_group: 3, same_region: 2");
  for (std::uint32_t group = 0; group < plan.size(); ++group) {
    const auto members = plan.members(group);
    EXPECT_EQ(three_regions(members[0]), three_regions(members[1]));
    EXPECT_NE(three_regions(members[0]), three_regions(members[2]));
  }
}

// There are two hosts of each region; the third has to come from elsewhere.
TEST(GroupPlan, TakesOtherHostsWhereARegionHasTooFew) {
  const GroupPlan plan = plan_of("count: 1, hosts_per_group: 3, same_region: 3", 8);
  const auto members = plan.members(0);
  ASSERT_EQ(members.size(), 3u);
  EXPECT_EQ(three_regions(members[0]), three_regions(members[1]));
  EXPECT_NE(three_regions(members[0]), three_regions(members[2]));
}

TEST(GroupPlan, OneMoreHostChangesFewGroupsAndOneMoreGroupNone) {
  const GroupPlan plan = plan_of("count: 40, hosts_per_group: 3");
  const GroupPlan wider = plan_of("count: 41, hosts_per_group: 3");
  const GroupPlan larger = plan_of("count: 40, hosts_per_group: 3", 61);
  int changed = 0;
  for (std::uint32_t group = 0; group < plan.size(); ++group) {
    EXPECT_EQ(members_of(plan, group), members_of(wider, group));
    changed += members_of(plan, group) != members_of(larger, group) ? 1 : 0;
  }
  EXPECT_LE(changed, 8) << "in each group the new host is drawn with a chance of 3 in 59";
}

TEST(GroupPlan, WithoutTheWorkloadThereAreNoGroups) {
  const GroupPlan plan(must_parse(kLeast), three_regions);
  EXPECT_EQ(plan.size(), 0u);
  EXPECT_TRUE(plan.groups_of(3).empty());
}

}  // namespace
}  // namespace shoal::sim
