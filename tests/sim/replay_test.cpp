// run_scenario replay, as a person runs it: the same run again, and the first event where another one parts
// from it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "tests/sim/run_scenario_process.h"

namespace shoal::sim {
namespace {

using testing::HasSubstr;
using testing::Not;

class Replay : public RunScenario {
 protected:
  void record(const std::string& arguments) {
    const Outcome outcome = run(arguments + " --no-report --quiet --out results");
    ASSERT_EQ(outcome.status, 0) << outcome.err;
  }
  Outcome replay(const std::string& arguments = "") {
    return run("replay results/tiny-seed1 --quiet " + arguments);
  }
  void change(const std::string& sql) {
    SQLite::Database database((directory_ / "results/tiny-seed1/run.sqlite").string(),
                              SQLite::OPEN_READWRITE);
    ASSERT_GT(database.exec(sql), 0) << sql;
  }
  // The number in "They part at job N".
  static std::uint64_t job_in(const std::string& text) {
    std::smatch match;
    return std::regex_search(text, match, std::regex("They part at job (\\d+):")) ? std::stoull(match[1]) : 0;
  }
};

TEST_F(Replay, IsTheSameRun) {
  record("tiny.yaml");
  const Outcome outcome = replay();
  EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("tiny seed 1: the same run: trace hash " +
                                     summary("tiny-seed1")["run.trace_hash"].get<std::string>()));
  EXPECT_THAT(outcome.out, Not(HasSubstr("the result is of build")));
}

TEST_F(Replay, NeedsNothingButTheResult) {
  record("tiny.yaml --seed 1 --set network.loss=3% --set 'workload.lookups={every: 2s}'");
  fs::remove(directory_ / "tiny.yaml");
  const Outcome outcome = replay();
  EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
}

TEST_F(Replay, GoesAsFarAsAnInterruptedRunHadGot) {
  const std::string out = (directory_ / "results").string(), file = (directory_ / "tiny.yaml").string();
  const std::vector<std::string> argv = {
      SHOAL_RUN_SCENARIO, file, "--no-report", "--quiet", "--out", out, "--set", "duration=8000h"};
  const auto child = spawn(argv);
  ASSERT_TRUE(child.has_value());
  while (!fs::exists(directory_ / "results" / "tiny-seed1") && waitpid(*child, nullptr, WNOHANG) == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  kill(*child, SIGINT);
  ASSERT_EQ(wait_for(*child).status, 3);
  const Outcome outcome = replay();
  EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("the same run"));
}

TEST_F(Replay, NamesTheFirstEventThatAnotherScenarioChanges) {
  record("tiny.yaml");
  change(
      "UPDATE run SET value = replace(value, 'lookups: {every: 5s}', 'lookups: {every: 6s}') "
      "WHERE key = 'scenario_text'");
  const Outcome outcome = replay();
  EXPECT_EQ(outcome.status, 1) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("tiny seed 1: NOT the same run"));
  EXPECT_GT(job_in(outcome.out), 100u);
  EXPECT_THAT(outcome.out, HasSubstr("\n  stored  "));
  EXPECT_THAT(outcome.out, HasSubstr("\n  now     "));
  EXPECT_THAT(outcome.out, HasSubstr("handle_command"));
  EXPECT_THAT(outcome.out, HasSubstr("The last jobs that are the same:"));
}

TEST_F(Replay, NamesTheFirstEventThatASettingChanges) {
  record("tiny.yaml");
  const Outcome outcome = replay("--set workload.lookups.every=6s");
  EXPECT_EQ(outcome.status, 1) << outcome.err;
  EXPECT_GT(job_in(outcome.out), 100u);
  EXPECT_EQ(replay("--set workload.lookups.every=6").status, 2);
}

TEST_F(Replay, NamesTheJobWhoseStoredHashIsAnotherOne) {
  record("tiny.yaml");
  change("UPDATE trace_checkpoints SET hash = '0123456789abcdef' WHERE job = 640");
  const Outcome outcome = replay();
  EXPECT_EQ(outcome.status, 1) << outcome.err;
  EXPECT_EQ(job_in(outcome.out), 640u);
}

TEST_F(Replay, NamesTheIntervalWhereNoEventsAreKept) {
  record("tiny.yaml --trace-events 0s..1ms");
  const Outcome outcome = replay("--set workload.lookups.every=6s");
  EXPECT_EQ(outcome.status, 1) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("They part at one of the jobs "));
  EXPECT_THAT(outcome.out, HasSubstr("… and 54 more"));
  std::smatch window;
  ASSERT_TRUE(std::regex_search(outcome.out, window, std::regex("--trace-events ([0-9]+ms\\.\\.[0-9]+ms)")));

  record("tiny.yaml --trace-events " + window[1].str());
  EXPECT_GT(job_in(replay("--set workload.lookups.every=6s").out), 100u);
}

TEST_F(Replay, SaysWhenTheBuildIsAnotherOne) {
  record("tiny.yaml");
  change("UPDATE run SET value = '0123456789ab' WHERE key = 'run.commit'");
  const Outcome outcome = replay();
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("the result is of build 0123456789ab, this is "));
}

TEST_F(Replay, ExitsWith2WhenThereIsNoResult) {
  EXPECT_EQ(run("replay").status, 2);
  EXPECT_EQ(run("replay nowhere --wrong").status, 2);
  const Outcome nowhere = run("replay nowhere");
  EXPECT_EQ(nowhere.status, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("nowhere/run.sqlite: is not there, expected the directory of a result"));
  fs::create_directories(directory_ / "results/tiny-seed1");
  write("results/tiny-seed1/run.sqlite", "not a database, but long enough to be read as if it were one");
  EXPECT_EQ(replay().status, 2);
}

TEST_F(Replay, ExitsWith2WhenTheTraceIsDamaged) {
  record("tiny.yaml");
  change("UPDATE trace_events SET events = substr(events, 1, 100)");
  const Outcome outcome = replay();
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("its trace is damaged"));
}

TEST_F(Replay, ExitsWith3WhenThisVersionDoesNotReadTheScenario) {
  record("tiny.yaml");
  change("UPDATE run SET value = replace(value, 'fidelity', 'faithfulness') WHERE key = 'scenario_text'");
  const Outcome outcome = replay();
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.err, HasSubstr("the stored scenario:4:11: unknown key 'faithfulness'"));
}

TEST_F(Replay, ExplainsItselfWithAnExample) {
  const Outcome outcome = run("replay --help");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, HasSubstr("run_scenario replay out/churn_500-seed1"));
}

}  // namespace
}  // namespace shoal::sim
