#include "sim/session_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "sim/scenario_reader.h"

namespace shoal::sim {
namespace {

using testing::ElementsAre;

constexpr auto kForever = TracedSession::kForever;

std::vector<std::string> errors_of(std::string_view text) {
  std::vector<std::string> lines;
  for (const ScenarioError& error : parse_session_trace(text, "t.csv").errors) {
    lines.push_back(error.to_string());
  }
  return lines;
}

TEST(SessionTrace, IsReadExactly) {
  const auto read = parse_session_trace(
      "# measured\n\nhost,joins_s,leaves_s,leave\n"
      "alice,0,1260.5,clean\r\nbob, 300 ,, \nbob,35,80,crash\nalice,1260.5,1261,\n",
      "t.csv");
  ASSERT_TRUE(read.errors.empty()) << read.errors.front().to_string();
  ASSERT_EQ(read.trace.hosts.size(), 2u);
  const auto& alice = read.trace.hosts[0];
  ASSERT_EQ(alice.size(), 2u);
  EXPECT_EQ(alice[0].joins, 0s);
  EXPECT_EQ(alice[0].leaves, 1260500ms);
  EXPECT_EQ(alice[0].crash, false);
  EXPECT_EQ(alice[1].joins, 1260500ms);
  EXPECT_FALSE(alice[1].crash);
  const auto& bob = read.trace.hosts[1];
  ASSERT_EQ(bob.size(), 2u);
  EXPECT_EQ(bob[0].joins, 35s);
  EXPECT_EQ(bob[0].crash, true);
  EXPECT_EQ(bob[1].joins, 300s);
  EXPECT_EQ(bob[1].leaves, kForever);
}

TEST(SessionTrace, NeedsNoColumnThatSaysHowHostsLeave) {
  const auto read = parse_session_trace("host,joins_s,leaves_s\na,1,2\n", "t.csv");
  ASSERT_TRUE(read.errors.empty());
  EXPECT_FALSE(read.trace.hosts.at(0).at(0).crash);
}

TEST(SessionTrace, SaysWhereItIsWrongAndWhatWasExpected) {
  const std::string header = "host,joins_s,leaves_s,leave\n";
  EXPECT_THAT(errors_of(""), ElementsAre("t.csv:1:1: expected the header host,joins_s,leaves_s,leave"));
  EXPECT_THAT(errors_of("host,from,to\n"),
              ElementsAre("t.csv:1:1: 'host,from,to' was given, expected the header host,joins_s,leaves_s or "
                          "host,joins_s,leaves_s,leave"));
  EXPECT_THAT(errors_of(header + "a,1,2\n"), ElementsAre("t.csv:2:1: 3 fields were given, expected 4"));
  EXPECT_THAT(errors_of(header + ",1,2,\n"), ElementsAre("t.csv:2:1: host: expected a name"));
  EXPECT_THAT(errors_of(header + "a, 1s,2,\n"),
              ElementsAre("t.csv:2:4: joins_s: '1s' was given, expected seconds since the start of the run"));
  EXPECT_THAT(errors_of(header + "a,-1,2,\n"),
              ElementsAre("t.csv:2:3: joins_s: '-1' was given, expected seconds since the start of the run"));
  EXPECT_THAT(errors_of(header + "a,2,2,\n"),
              ElementsAre("t.csv:2:5: leaves_s: '2' was given, expected more than joins_s '2'"));
  EXPECT_THAT(errors_of(header + "a,1,2,died\n"),
              ElementsAre("t.csv:2:7: leave: 'died' was given, expected crash or clean"));
  EXPECT_THAT(
      errors_of(header + "a,1,5,\nb,1,5,\na,4,6,\n"),
      ElementsAre("t.csv:4:1: this session of 'a' overlaps the one of line 2, expected one at a time"));
  EXPECT_THAT(
      errors_of(header + "a,7,,\na,4,6,\na,8,9,\n"),
      ElementsAre("t.csv:4:1: this session of 'a' overlaps the one of line 2, expected one at a time"));
}

std::vector<std::string> scenario_errors(const std::string& churn, const std::string& trace) {
  const std::string text = "name: x\nduration: 10min\npopulation: {size: 5, bootstrap_hosts: 3}\n" + churn;
  std::vector<std::string> lines;
  const auto read =
      parse_scenario(text, "x.yaml", {}, [&](const std::string&) -> Result<std::string> { return trace; });
  for (const ScenarioError& error : read.errors) lines.push_back(error.to_string());
  return lines;
}

TEST(SessionTrace, IsCheckedWithTheScenarioThatNamesIt) {
  const std::string churn = "churn: {session: {trace: t.csv}}\n";
  const std::string header = "host,joins_s,leaves_s\n";
  EXPECT_THAT(scenario_errors(churn, header + "a,1,2\nb,1,2\n"), ElementsAre());
  EXPECT_THAT(scenario_errors(churn, header + "a,1,2\nb,1,x\n"),
              ElementsAre("x.yaml:4:26: churn.session.trace: t.csv:3:5: leaves_s: 'x' was given, expected "
                          "seconds since the start of the run"));
  EXPECT_THAT(scenario_errors(churn, header + "a,1,2\nb,1,2\nc,1,2\n"),
              ElementsAre("x.yaml:4:26: churn.session.trace: 3 hosts and 3 bootstrap hosts were given, "
                          "expected at most population.size = 5"));
  EXPECT_THAT(scenario_errors("churn: {session: {trace: t.csv}, absence: 1min}\n", header + "a,1,2\n"),
              ElementsAre("x.yaml:4:43: churn.absence: the trace says it already, expected one of the two"));
}

}  // namespace
}  // namespace shoal::sim
