// Kills of whole runs: whom they take, who comes back and when, and what heal.recovery_s says of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/sim/run_scenario_process.h"

namespace shoal::sim {
namespace {

using testing::ElementsAre;

constexpr const char* kSteady = R"(name: steady
duration: 3min
warm_up: 20s
network: {fidelity: message, topology: {kind: coordinates, regions: 4}}
crypto: modelled
population: {size: 40, bootstrap_hosts: 3, arrival: {over: 5s}}
workload:
  lookups: {every: 1s}
  items: {count: 5, size: [10B, 500B], put_over: 10s, get_every: 5s}
)";

class Kill : public RunScenario {
 protected:
  void SetUp() override {
    RunScenario::SetUp();
    write("steady.yaml", kSteady);
  }
  void run_with(const std::string& faults, const std::string& more = "") {
    const Outcome outcome =
        run("steady.yaml --no-report --quiet --out results --set 'faults=" + faults + "' " + more);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
  }
  std::vector<std::string> of_sessions(const std::string& what) {
    return query("steady-seed1", "SELECT " + what);
  }
  double recovery_s() { return summary("steady-seed1")["heal.recovery_s"]; }
};

TEST_F(Kill, TakesARegionAndNothingElse) {
  run_with("[{at: 60s, kill: {where: {region: 1}, spare_bootstrap: false}}]");
  EXPECT_THAT(query("steady-seed1", "SELECT what FROM faults"), ElementsAre("100 % of region 1 killed"));
  const int killed =
      std::stoi(of_sessions("count(*) FROM sessions WHERE end_s = 60 AND left_by = 'killed'").at(0));
  EXPECT_GT(killed, 3);
  EXPECT_LT(killed, 20);
  EXPECT_THAT(of_sessions("count(*) FROM sessions WHERE end_s IS NULL"),
              ElementsAre(std::to_string(40 - killed)));
  // A host is of the same region in every run: so another kill of it takes the same hosts.
  const auto hosts = of_sessions("host FROM sessions WHERE left_by = 'killed' ORDER BY host");
  run_with("[{at: 90s, kill: {where: {region: 1}, spare_bootstrap: false}}]");
  EXPECT_EQ(of_sessions("host FROM sessions WHERE left_by = 'killed' ORDER BY host"), hosts);
  EXPECT_LE(recovery_s(), 10);
}

TEST_F(Kill, TakesTheHostsClosestToAKey) {
  const std::string key = "8000000000000000000000000000000000000000000000000000000000000000";
  run_with("[{at: 60s, kill: {count: 6, where: {closest_to: \"" + key + "\"}}}]");
  const auto ids = of_sessions("id FROM sessions WHERE left_by = 'killed' ORDER BY id");
  ASSERT_EQ(ids.size(), 6u);
  const auto survivors = of_sessions("id FROM sessions WHERE left_by IS NULL AND host >= 3 ORDER BY id");
  ASSERT_EQ(survivors.size(), 31u);
  // Of the upper half of the ids, those with the smallest rest; the six fit there.
  for (const std::string& id : ids) EXPECT_GE(id, "8");
  for (const std::string& id : survivors) EXPECT_TRUE(id < "8" || id > ids.back()) << id;
}

TEST_F(Kill, OfEverythingBringsAllHostsBackAsTheyWere) {
  run_with("[{at: 60s, for: 30s, kill: {share: 100%, spare_bootstrap: false, return_over: 5s}}]");
  EXPECT_THAT(of_sessions("count(*) FROM sessions WHERE end_s = 60 AND left_by = 'killed'"),
              ElementsAre("40"));
  EXPECT_THAT(of_sessions("count(*) FROM sessions a JOIN sessions b USING (host, id) "
                          "WHERE a.end_s = 60 AND b.begin_s BETWEEN 90 AND 95"),
              ElementsAre("40"));
  EXPECT_GT(std::stoi(of_sessions("count(DISTINCT begin_s) FROM sessions WHERE begin_s > 60").at(0)), 30);
  const auto results = summary("steady-seed1");
  EXPECT_EQ(results["item.lost_count"], 0);
  // Hosts are asked from ten seconds after their start: it cannot be less.
  EXPECT_GE(recovery_s(), 10);
  EXPECT_LE(recovery_s(), 30);
  EXPECT_THAT(query("steady-seed1", "SELECT kind || ' ' || begin_s || ' ' || end_s FROM faults"),
              ElementsAre("kill 60.0 90.0"));
}

TEST_F(Kill, WithAnEndKeepsAwayWhoWouldComeMeanwhile) {
  run_with("[{at: 60s, for: 30s, kill: {share: 100%, spare_bootstrap: false}}]",
           "--set 'churn={session: {exponential: {mean: 60s}}, absence: {exponential: {mean: 20s}}}'");
  EXPECT_THAT(of_sessions("count(*) FROM sessions WHERE begin_s >= 60 AND begin_s < 90"), ElementsAre("0"));
  EXPECT_GT(std::stoi(of_sessions("count(*) FROM sessions WHERE begin_s = 90").at(0)), 35);
}

TEST_F(Kill, ForGoodIsRecoveredFromAtOnceWhenLookupsGoOn) {
  run_with("[{at: 60s, kill: {share: 30%}}]");
  EXPECT_LE(recovery_s(), 10);
  EXPECT_GT(std::stoi(of_sessions("count(*) FROM faults WHERE recovery_s IS NOT NULL").at(0)), 0);
}

}  // namespace
}  // namespace shoal::sim
