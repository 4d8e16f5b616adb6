#include "sim/metrics.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <numeric>

namespace shoal::sim {
namespace {

Expectation parsed(std::string_view text) {
  const Result<Expectation> expectation = parse_expectation(text);
  EXPECT_TRUE(expectation) << (expectation ? "" : expectation.error().message);
  return expectation.value_or(Expectation{});
}

std::string error_of(std::string_view text) {
  const Result<Expectation> expectation = parse_expectation(text);
  return expectation ? "" : expectation.error().message;
}

TEST(Metrics, PercentileIsTheNearestRank) {
  std::vector<double> hundred(100);
  std::iota(hundred.begin(), hundred.end(), 1.0);
  EXPECT_EQ(percentile(hundred, 50), 50);
  EXPECT_EQ(percentile(hundred, 99), 99);
  EXPECT_EQ(percentile(hundred, 99.5), 100);
  EXPECT_EQ(percentile(hundred, 100), 100);
  EXPECT_EQ(percentile(hundred, 0.1), 1);
  const std::vector<double> five = {15, 20, 35, 40, 50};
  EXPECT_EQ(percentile(five, 30), 20);
  EXPECT_EQ(percentile(five, 40), 20);
  EXPECT_EQ(percentile(five, 50), 35);
  EXPECT_EQ(percentile(std::vector<double>{7}, 1), 7);
}

TEST(Metrics, KnowsNumbersAndNothingElse) {
  EXPECT_TRUE(known_metric("lookup.success_ratio"));
  EXPECT_TRUE(known_metric("heal.recovery_s"));
  EXPECT_FALSE(known_metric("lookup.success"));
  EXPECT_FALSE(known_metric("run.trace_hash"));
  EXPECT_FALSE(known_metric(""));
}

TEST(Metrics, ReadsEveryComparison) {
  EXPECT_EQ(parsed("lookup.success_ratio >= 0.995").comparison, Comparison::kAtLeast);
  EXPECT_EQ(parsed("lookup.latency_ms.p99 <= 3000").comparison, Comparison::kAtMost);
  EXPECT_EQ(parsed("oracle.violations == 0").comparison, Comparison::kEqual);
  EXPECT_EQ(parsed("lookup.count > 1e3").comparison, Comparison::kAbove);
  EXPECT_EQ(parsed("sim.wall_s<180").comparison, Comparison::kBelow);
  const Expectation expectation = parsed("lookup.count > 1e3");
  EXPECT_EQ(expectation.metric, "lookup.count");
  EXPECT_EQ(expectation.number, 1000);
  EXPECT_EQ(expectation.text, "lookup.count > 1e3");
}

TEST(Metrics, SaysWhatIsWrongWithAnExpectation) {
  EXPECT_NE(error_of("lookup.sucess_ratio >= 1").find("nearest known one is 'lookup.success_ratio'"),
            std::string::npos);
  EXPECT_NE(error_of("lookup.count").find("no comparison"), std::string::npos);
  EXPECT_NE(error_of("lookup.count != 3").find("unknown comparison '!='"), std::string::npos);
  EXPECT_NE(error_of("lookup.count = 3").find("unknown comparison '='"), std::string::npos);
  EXPECT_NE(error_of("lookup.count >= many").find("'many' is no number"), std::string::npos);
  EXPECT_NE(error_of("lookup.count >= 3 %").find("'3 %' is no number"), std::string::npos);
  EXPECT_NE(error_of("lookup.count >= inf").find("'inf' is no number"), std::string::npos);
  EXPECT_NE(error_of("lookup.count >=").find("'' is no number"), std::string::npos);
  EXPECT_NE(error_of("run.commit == 0").find("unknown metric"), std::string::npos);
  EXPECT_NE(error_of("").find("no comparison"), std::string::npos);
}

TEST(Metrics, JudgesAtTheBound) {
  const Summary summary = {{"lookup.count", std::uint64_t{10}}, {"lookup.success_ratio", 0.5}};
  EXPECT_TRUE(evaluate(parsed("lookup.count >= 10"), summary).met);
  EXPECT_TRUE(evaluate(parsed("lookup.count <= 10"), summary).met);
  EXPECT_TRUE(evaluate(parsed("lookup.count == 10"), summary).met);
  EXPECT_FALSE(evaluate(parsed("lookup.count > 10"), summary).met);
  EXPECT_FALSE(evaluate(parsed("lookup.count < 10"), summary).met);
  EXPECT_FALSE(evaluate(parsed("lookup.success_ratio >= 0.51"), summary).met);
  EXPECT_EQ(evaluate(parsed("lookup.success_ratio >= 0.51"), summary).value, 0.5);
}

TEST(Metrics, WhatHasNoValueIsNotMet) {
  const Summary summary = {{"heal.recovery_s", std::string("never")}};
  EXPECT_FALSE(evaluate(parsed("heal.recovery_s <= 20"), summary).met);
  EXPECT_FALSE(evaluate(parsed("item.lost_count == 0"), summary).met);
  EXPECT_EQ(evaluate(parsed("item.lost_count == 0"), summary).value, std::nullopt);
}

TEST(Metrics, JsonIsFlatSortedAndExact) {
  const Summary summary = {{"sim.wall_s", 0.1},
                           {"run.seed", std::uint64_t{18446744073709551615u}},
                           {"run.scenario", std::string("a \"quoted\" name \xff")}};
  const std::string json = to_json(summary);
  const auto read = nlohmann::json::parse(json);
  EXPECT_EQ(read["sim.wall_s"], 0.1);
  EXPECT_EQ(read["run.seed"], 18446744073709551615u);
  EXPECT_LT(json.find("run.scenario"), json.find("run.seed"));
  EXPECT_LT(json.find("run.seed"), json.find("sim.wall_s"));
}

}  // namespace
}  // namespace shoal::sim
