// The oracle's rules of groups: which fire when a test breaks a run on purpose (sabotaged_run.h).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "sim/group_plan.h"
#include "tests/sim/sabotaged_run.h"

namespace shoal::sim {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

// One group of three, whose sessions and primary are soon settled.
Plan family() {
  Plan plan;
  plan.scenario = R"(name: x
duration: 3min
network: {fidelity: message, topology: {kind: lan, lans: 2}}
crypto: modelled
population:
  size: 12
  bootstrap_hosts: 1
  arrival: {over: 2s}
  node: {session_keep_alive: 2s, primary_lease: 6s}
workload: {groups: {count: 1, hosts_per_group: 3, same_region: 2, broadcast_every: 5s}}
)";
  return plan;
}

TEST(OracleGroupSabotage, AFamilyThatNobodyBreaksFiresNothing) {
  const Seen seen = perform(family());
  EXPECT_THAT(seen.fired(), IsEmpty());
  for (const char* rule :
       {"group_stranger", "event_forged", "event_lost", "primary_disputed", "epoch_backwards"}) {
    EXPECT_GT(seen.checks.at(rule), 10u) << rule;
  }
}

// Somebody has stolen the key string.
TEST(OracleGroupSabotage, SeesAPeerThatIsNoMember) {
  Plan plan = family();
  plan.sabotage = [](Stage& stage) {
    const auto thief =
        std::make_shared<Stranger>(stage.network, stage.scenario.population.node, stage.network.endpoint(0));
    thief->join({stage.simulation.population().groups().key(0)});
    stage.props = thief;
  };
  EXPECT_THAT(perform(plan).fired(), Contains("group_stranger"));
}

TEST(OracleGroupSabotage, SeesAnEventThatNobodyWasAskedToBroadcast) {
  Plan plan = family();
  plan.sabotage = [](Stage& stage) {
    stage.at(1min, [&stage] {
      Population& population = stage.simulation.population();
      const HostIndex host = population.groups().members(0)[1];
      population.command(host, {}, BroadcastCommand{population.groups().key(0).id(), Bytes{1, 2, 3}});
    });
  };
  EXPECT_THAT(perform(plan).fired(), ElementsAre("event_forged"));
}

// What the workload believes to have been broadcast never leaves its origin.
TEST(OracleGroupSabotage, SeesAnEventThatDoesNotArrive) {
  Plan plan = family();
  plan.sabotage = [](Stage& stage) {
    stage.at(1min, [&stage] {
      Population& population = stage.simulation.population();
      const HostIndex host = population.groups().members(0)[1];
      stage.recorder.broadcast_started({0, 1'000'000}, population.id(host), {}, stage.network.now());
    });
  };
  EXPECT_THAT(perform(plan).fired(), ElementsAre("event_lost"));
}

// With a lease of a minute it takes some seconds until one of them claims to be it.
TEST(OracleGroupSabotage, SeesThatNobodyIsPrimary) {
  Plan plan = family();
  const std::string lease = "primary_lease: 6s";
  plan.scenario.replace(plan.scenario.find(lease), lease.size(), "primary_lease: 60s");
  plan.config = [](OracleConfig& config) { config.primary_agreed_within = 0s; };
  EXPECT_THAT(perform(plan).fired(), ElementsAre("primary_disputed"));
}

TEST(OracleGroupSabotage, SeesAMemberThatForgetsItsEpoch) {
  Plan plan = family();
  plan.sabotage = [](Stage& stage) {
    stage.at(1min + 500ms, [&stage] {
      std::vector<GroupPicture::Member> members = stage.simulation.population().online_members(0);
      members.at(1).epoch = 0;
      stage.recorder.begin_groups(stage.network.now());
      stage.recorder.saw_group(0, members);
      stage.recorder.end_groups();
    });
  };
  EXPECT_THAT(perform(plan).fired(), ElementsAre("epoch_backwards"));
}

}  // namespace
}  // namespace shoal::sim
