// The program run_scenario, as a person runs it: what it prints, what it writes, its exit status, and that a
// run is a function of scenario and seed.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/sim/run_scenario_process.h"

namespace shoal::sim {
namespace {

using testing::HasSubstr;

TEST_F(RunScenario, GivesTheSameTraceForTheSameSeedInTwoProcesses) {
  ASSERT_EQ(run("tiny.yaml --no-report --quiet --out results/a").status, 0);
  ASSERT_EQ(run("tiny.yaml --no-report --quiet --out results/b").status, 0);
  ASSERT_EQ(run("tiny.yaml --no-report --quiet --out results/c --seed 2").status, 0);
  const auto a = summary("a/tiny-seed1"), b = summary("b/tiny-seed1"), c = summary("c/tiny-seed2");
  EXPECT_EQ(a["run.trace_hash"], b["run.trace_hash"]);
  EXPECT_EQ(a["sim.events"], b["sim.events"]);
  EXPECT_EQ(a["lookup.count"], b["lookup.count"]);
  EXPECT_EQ(sessions("a/tiny-seed1"), sessions("b/tiny-seed1"));
  EXPECT_NE(a["run.trace_hash"], c["run.trace_hash"]);
  EXPECT_NE(sessions("a/tiny-seed1"), sessions("c/tiny-seed2"));
}

TEST_F(RunScenario, SaysWhatHoldsItsMemory) {
  ASSERT_EQ(run("tiny.yaml --no-report --quiet --out results").status, 0);
  const auto tiny = summary("tiny-seed1");
  double sum = 0;
  for (const char* holder :
       {"node", "tables", "contacts", "stores", "population", "network", "recorder", "rest"}) {
    const auto found = tiny.find(fmt::format("sim.memory.{}_bytes_per_node", holder));
    ASSERT_NE(found, tiny.end()) << holder;
    EXPECT_GT(found->get<double>(), 100) << holder;
    sum += found->get<double>();
  }
  EXPECT_NEAR(sum, tiny["sim.rss_bytes_per_node"], 1);
  EXPECT_GT(tiny["sim.cpu_s"], 0);
}

TEST_F(RunScenario, GivesTheSameTraceThroughRoutersInTwoProcesses) {
  const std::string through_routers =
      "tiny.yaml --no-report --quiet --set network.fidelity=packet --set crypto=modelled --set duration=1min "
      "--set 'network.topology={kind: routers, levels: [{fan_out: 3, up: 500kbit/s}]}' "
      "--set 'workload.items.size=[30KiB, 60KiB]' --out results/";
  ASSERT_EQ(run(through_routers + "a").status, 0);
  ASSERT_EQ(run(through_routers + "b").status, 0);
  const auto a = summary("a/tiny-seed1"), b = summary("b/tiny-seed1");
  EXPECT_EQ(a["run.trace_hash"], b["run.trace_hash"]);
  EXPECT_EQ(a["sim.events"], b["sim.events"]);
  EXPECT_EQ(a["router.packets_dropped"], b["router.packets_dropped"]);
  EXPECT_GT(a["router.packets_dropped"], 0);
}

TEST_F(RunScenario, LeavesChurnAloneWhenAWorkloadIsAdded) {
  ASSERT_EQ(run("tiny.yaml --no-report --quiet --out results/a").status, 0);
  ASSERT_EQ(run("tiny.yaml --no-report --quiet --out results/b "
                "--set workload.publish.count=5 --set workload.lookups.every=1s")
                .status,
            0);
  const auto with = sessions("b/tiny-seed1");
  EXPECT_GT(with.size(), 12u);
  EXPECT_EQ(sessions("a/tiny-seed1"), with);
  EXPECT_NE(summary("a/tiny-seed1")["run.trace_hash"], summary("b/tiny-seed1")["run.trace_hash"]);
}

TEST_F(RunScenario, KillsHostsAndBringsThemBackAsTheyWere) {
  ASSERT_EQ(run("tiny.yaml --no-report --quiet --out results --set churn=null --set population.size=23 "
                "--set population.bootstrap_hosts=3 "
                "--set 'faults=[{at: 40s, for: 20s, kill: {share: 50%}}, {at: 90s, kill: {share: 10%}}]'")
                .status,
            0);
  // 50 % of 23, and 10 % of 23 for good; the three bootstrap hosts are spared.
  EXPECT_EQ(query("tiny-seed1", "SELECT count(*) FROM sessions WHERE left_by = 'killed' AND end_s = 40"),
            std::vector<std::string>{"12"});
  EXPECT_EQ(query("tiny-seed1",
                  "SELECT count(*) FROM sessions a JOIN sessions b USING (host, id) "
                  "WHERE a.end_s = 40 AND b.begin_s = 60"),
            std::vector<std::string>{"12"});
  EXPECT_EQ(query("tiny-seed1", "SELECT count(*) FROM sessions WHERE left_by = 'killed' AND end_s = 90"),
            std::vector<std::string>{"2"});
  EXPECT_EQ(query("tiny-seed1", "SELECT count(*) FROM sessions WHERE left_by = 'killed' AND host < 3"),
            std::vector<std::string>{"0"});
  EXPECT_EQ(query("tiny-seed1", "SELECT count(*) FROM sessions WHERE end_s IS NULL"),
            std::vector<std::string>{"21"});
  EXPECT_EQ(query("tiny-seed1", "SELECT what FROM faults ORDER BY begin_s"),
            (std::vector<std::string>{"50 % of hosts killed", "10 % of hosts killed"}));
}

TEST_F(RunScenario, ReplacesHostsThatLeaveByStrangersInTheirPlace) {
  ASSERT_EQ(run("tiny.yaml --no-report --quiet --out results --set 'churn.leave={clean: 100%}' "
                "--set churn.identity.keep=0% --set churn.absence=null")
                .status,
            0);
  const auto count = [&](const std::string& what) {
    return std::stoi(query("tiny-seed1", "SELECT " + what).at(0));
  };
  const int sessions = count("count(*) FROM sessions");
  EXPECT_GT(sessions, 20);
  EXPECT_EQ(count("count(DISTINCT id) FROM sessions"), sessions);
  EXPECT_EQ(count("count(*) FROM sessions WHERE left_by IS NOT NULL AND left_by != 'clean'"), 0);
  EXPECT_EQ(count("count(*) FROM sessions WHERE end_s IS NULL"), 12);
  // At once: the next begins when the one before it has ended.
  EXPECT_EQ(count("count(*) FROM sessions a JOIN sessions b ON a.host = b.host AND a.end_s = b.begin_s"),
            sessions - 12);
}

TEST_F(RunScenario, CutsAndHealsTheNetworkAtItsTimes) {
  ASSERT_EQ(run("tiny.yaml --no-report --quiet --out results --set churn=null "
                "--set workload.lookups.every=1s --set 'faults=[{at: 40s, for: 20s, partition: {}}]'")
                .status,
            0);
  const auto success_between = [&](int from, int to) {
    return std::stod(
        query("tiny-seed1", "SELECT avg(outcome = 'success') FROM lookups WHERE started_s BETWEEN " +
                                std::to_string(from) + " AND " + std::to_string(to))
            .at(0));
  };
  EXPECT_GT(success_between(30, 38), 0.99);
  EXPECT_NEAR(success_between(42, 58), 0.5, 0.15);
  EXPECT_GT(success_between(100, 118), 0.99);
  EXPECT_EQ(query("tiny-seed1", "SELECT kind || ' ' || begin_s || ' ' || end_s FROM faults"),
            std::vector<std::string>{"partition 40.0 60.0"});
}

TEST_F(RunScenario, RunsEachSeedIntoADirectoryOfItsOwn) {
  const Outcome outcome = run("tiny.yaml --no-report --quiet --seeds 3..5 --jobs 2 --out results");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  for (const int seed : {3, 4, 5}) {
    EXPECT_EQ(summary("tiny-seed" + std::to_string(seed))["run.seed"], seed);
    EXPECT_THAT(outcome.out, HasSubstr("tiny seed " + std::to_string(seed) + ": 2min simulated"));
  }
}

TEST_F(RunScenario, ExitsWith1WhenAnExpectationFails) {
  const Outcome outcome =
      run("tiny.yaml --no-report --out results "
          "--set 'expect=[lookup.count >= 1, lookup.count <= 0]'");
  EXPECT_EQ(outcome.status, 1) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("met      lookup.count >= 1"));
  EXPECT_THAT(outcome.out, HasSubstr("NOT MET  lookup.count <= 0"));
  EXPECT_EQ(summary("tiny-seed1")["run.expectations_failed"], 1);
  EXPECT_EQ(
      run("tiny.yaml --no-report --quiet --seeds 1..2 --out results --set 'expect=[sim.events < 0]'").status,
      1);
}

TEST_F(RunScenario, ExitsWith2AndRunsNothingWhenAFileIsWrong) {
  write("bad.yaml", std::string(kTiny) + "network2: {}\n");
  const Outcome outcome = run("tiny.yaml bad.yaml --out results");
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("bad.yaml:10:1: unknown key 'network2': expected one of churn, "));
  EXPECT_FALSE(fs::exists(directory_ / "results"));
  EXPECT_EQ(run("bad.yaml --check").status, 2);
  const Outcome missing = run("missing.yaml");
  EXPECT_EQ(missing.status, 2);
  EXPECT_THAT(missing.err, HasSubstr("missing.yaml: cannot be read, expected a scenario file"));
}

TEST_F(RunScenario, ExitsWith2WhenTheCommandLineIsWrong) {
  EXPECT_EQ(run("").status, 2);
  EXPECT_EQ(run("tiny.yaml --sed 1").status, 2);
  EXPECT_EQ(run("tiny.yaml --seed x").status, 2);
  EXPECT_EQ(run("tiny.yaml --seeds 5..3").status, 2);
  EXPECT_EQ(run("tiny.yaml --seed 1 --seeds 1..2").status, 2);
  EXPECT_EQ(run("tiny.yaml --set network.loss").status, 2);
  const Outcome outcome = run("tiny.yaml --set network.loss=1 --check");
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("--set network.loss: network.loss: '1' was given, expected a share"));
}

TEST_F(RunScenario, OnlyChecksWhenAskedTo) {
  const Outcome outcome = run("tiny.yaml --check --out results");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_FALSE(fs::exists(directory_ / "results"));
}

TEST_F(RunScenario, FindsShippedScenariosAndThoseOfTheProjectAround) {
  EXPECT_EQ(run("bootstrap_50.yaml --check").status, 0);
  fs::create_directories(directory_ / "scenarios");
  fs::create_directories(directory_ / "deep" / "down");
  write("scenarios/around.yaml", kTiny);
  EXPECT_EQ(run("around.yaml --check; cd deep/down && " SHOAL_RUN_SCENARIO " around.yaml --check").status, 0);
}

TEST_F(RunScenario, ExplainsItselfWithAnExample) {
  const Outcome outcome = run("--help");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, HasSubstr("run_scenario churn_500.yaml --seeds 1..8"));
}

TEST_F(RunScenario, ExitsWith3WhenResultsCannotBeWritten) {
  write("results", "a file, not a directory");
  const Outcome outcome = run("tiny.yaml --no-report --quiet --out results");
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.err, HasSubstr("cannot make results/tiny-seed1"));
}

// A run that would take hours ends within a slice, and says that it is partial.
TEST_F(RunScenario, EndsCleanlyWhenInterrupted) {
  const std::string out = (directory_ / "results").string();
  const std::string file = (directory_ / "tiny.yaml").string();
  const std::vector<std::string> argv = {
      SHOAL_RUN_SCENARIO, file,    "--no-report",          "--quiet", "--out", out, "--set",
      "duration=8000h",   "--set", "workload.lookups=null"};
  const auto child = spawn(argv);
  ASSERT_TRUE(child.has_value());
  while (!fs::exists(directory_ / "results" / "tiny-seed1") && waitpid(*child, nullptr, WNOHANG) == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  kill(*child, SIGINT);
  EXPECT_EQ(wait_for(*child).status, 3);
  EXPECT_EQ(summary("tiny-seed1")["run.interrupted"], 1);
  EXPECT_LT(summary("tiny-seed1")["sim.duration_s"], 8000.0 * 3600);
}

}  // namespace
}  // namespace shoal::sim
