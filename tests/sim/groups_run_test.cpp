// Groups of whole runs, in both fidelities: real nodes find each other, keep sessions and tell each other.
#include <gmock/gmock.h>

#include "tests/sim/run_scenario_process.h"

namespace shoal::sim {
namespace {

constexpr const char* kFamilies = R"(name: families
duration: 6min
warm_up: 1min
network: {fidelity: message, topology: {kind: lan, lans: 2}}
population: {size: 24, bootstrap_hosts: 1, arrival: {over: 10s}, node: {session_keep_alive: 2s, primary_lease: 10s}}
workload:
  groups: {count: 3, hosts_per_group: 3, same_region: 2, broadcast_every: 10s}
)";

class GroupsOfARun : public RunScenario, public testing::WithParamInterface<const char*> {
 protected:
  nlohmann::json run_families(const std::string& settings = "") {
    write("families.yaml", kFamilies);
    const Outcome outcome = run("families.yaml --no-report --quiet --out results --set network.fidelity=" +
                                std::string(GetParam()) + " " + settings);
    EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
    return summary("families-seed1");
  }
};

TEST_P(GroupsOfARun, MeetStayTogetherAndTellEachOther) {
  const auto results = run_families();
  EXPECT_EQ(results.at("group.met_ratio"), 1);
  EXPECT_LE(results.at("group.meeting_s.p99"), 30);
  EXPECT_EQ(results.at("group.session_ratio"), 1);
  EXPECT_EQ(results.at("group.one_primary_ratio"), 1);
  EXPECT_NEAR(results.at("group.broadcast_count"), 90, 40) << "three groups, five minutes, one each 10 s";
  EXPECT_EQ(results.at("group.event_delivery_ratio"), 1);
  EXPECT_EQ(results.at("oracle.violations"), 0);
}

TEST_P(GroupsOfARun, AreTheSameForTheSameSeedAndNotForAnother) {
  const auto first = run_families().at("run.trace_hash");
  EXPECT_EQ(run_families().at("run.trace_hash"), first);
  EXPECT_NE(run_families("--set workload.groups.broadcast_every=11s").at("run.trace_hash"), first);
}

TEST_P(GroupsOfARun, SessionsBreakInAPartitionAndAreBackAfterIt) {
  const auto results =
      run_families("--set 'faults=[{at: 2min, for: 1min, partition: {groups: [50%, 50%], by: region}}]'");
  EXPECT_EQ(results.at("group.last_session_ratio"), 1);
  EXPECT_LT(results.at("group.session_ratio"), 1);
  EXPECT_GT(results.at("group.session_ratio"), 0.9);
  const auto lowest = query(
      "families-seed1", "SELECT min(value) FROM series WHERE metric = 'group.session_ratio' AND t_s > 60");
  EXPECT_LT(std::stod(lowest.at(0)), 1) << "after the heal, until they have met again";
}

// The story of tests/os/test_three_hosts.py.
TEST_P(GroupsOfARun, ThreeHostsSurviveACrashAPartitionAndANewAddress) {
  const Outcome outcome = run(SHOAL_PROJECT_DIR "/scenarios/three_hosts.yaml --no-report --quiet " +
                              std::string("--out results --set network.fidelity=") + GetParam());
  EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  const auto kinds = query("three_hosts-seed1", "SELECT kind FROM faults ORDER BY begin_s");
  EXPECT_THAT(kinds, testing::ElementsAre("kill", "partition", "change_address"));
  EXPECT_THAT(
      query("three_hosts-seed1", "SELECT count(*) FROM fault_hosts WHERE part IS NULL GROUP BY fault"),
      testing::ElementsAre("1", "1"));
  const auto taken_over = summary("three_hosts-seed1").at("group.takeover_s.p99");
  EXPECT_GT(taken_over, 30) << "nobody takes over while the lease lasts";
}

class GroupsUnderChurn : public RunScenario {};

// The scenario that we ship, smaller and shorter.
TEST_F(GroupsUnderChurn, FindEachOtherThroughNatsAndLosses) {
  const Outcome outcome = run(SHOAL_PROJECT_DIR
                              "/scenarios/groups_churn.yaml --no-report --quiet --out results "
                              "--set population.size=60 --set workload.groups.count=30 "
                              "--set duration=16min --set warm_up=6min "
                              "--set workload.groups.broadcast_every=30s");
  EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  const auto results = summary("groups_churn-seed1");
  EXPECT_GT(results.at("churn.departures"), 10);
  EXPECT_GT(results.at("group.broadcast_count"), 50);
  EXPECT_LE(results.at("group.join_s.p90"), 30);
}

INSTANTIATE_TEST_SUITE_P(Fidelities, GroupsOfARun, testing::Values("message", "packet"),
                         [](const auto& fidelity) { return std::string(fidelity.param); });

}  // namespace
}  // namespace shoal::sim
