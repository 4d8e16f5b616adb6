// Workloads of whole runs: rates, popularity and flash crowds, recovered from what a run has recorded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/sim/run_scenario_process.h"

namespace shoal::sim {
namespace {

using testing::ElementsAre;

constexpr const char* kLibrary = R"(name: library
duration: 4min
warm_up: 30s
network: {fidelity: message}
crypto: modelled
population: {size: 15}
workload:
  items: {count: 10, size: [10B, 50B], put_over: 10s, get_every: 2s}
)";

class WorkloadOfARun : public RunScenario {
 protected:
  void SetUp() override {
    RunScenario::SetUp();
    write("library.yaml", kLibrary);
  }
  void run_with(const std::string& settings) {
    const Outcome outcome = run("library.yaml --no-report --quiet --out results " + settings);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
  }
  double number(const std::string& what) { return std::stod(query("library-seed1", "SELECT " + what).at(0)); }
  // How often each location was got from 60 s on, the most wanted first.
  std::vector<double> gets_by_rank() {
    std::vector<double> gets;
    for (const std::string& count : query("library-seed1",
                                          "SELECT count(*) AS n FROM item_gets WHERE started_s >= 60 "
                                          "GROUP BY location ORDER BY n DESC")) {
      gets.push_back(std::stod(count));
    }
    return gets;
  }
};

TEST_F(WorkloadOfARun, GetsItemsAtTheRateThatItNames) {
  run_with("");
  // Ten items, 180 s, one get each 2 s: 900, within five standard deviations.
  EXPECT_NEAR(number("count(*) FROM item_gets WHERE started_s >= 60"), 900, 150);
  EXPECT_EQ(summary("library-seed1")["item.get_success_ratio"], 1.0);
}

TEST_F(WorkloadOfARun, FollowsZipfsLaw) {
  run_with("--set 'workload.items.popularity={zipf: {exponent: 1}}' --set workload.items.get_every=0.5s");
  const std::vector<double> gets = gets_by_rank();
  ASSERT_EQ(gets.size(), 10u);
  // The rates are still 2/s on average; the slope of log(gets) over log(rank) is the exponent.
  double total = 0, x_mean = 0, y_mean = 0, xy = 0, xx = 0;
  for (const double n : gets) total += n;
  EXPECT_NEAR(total, 3600, 300);
  for (std::size_t i = 0; i < 10; ++i) {
    x_mean += std::log(static_cast<double>(i + 1)) / 10;
    y_mean += std::log(gets[i]) / 10;
  }
  for (std::size_t i = 0; i < 10; ++i) {
    const double x = std::log(static_cast<double>(i + 1)) - x_mean;
    xy += x * (std::log(gets[i]) - y_mean);
    xx += x * x;
  }
  EXPECT_NEAR(-xy / xx, 1, 0.12);
}

TEST_F(WorkloadOfARun, PutsFurtherItemsAllAlong) {
  run_with("--set workload.items.put_every=2s");
  // From 10 s on, beside the ten at first; within five standard deviations.
  EXPECT_NEAR(number("count(*) FROM items"), 10 + 115, 54);
  EXPECT_NEAR(number("count(*) FROM items WHERE started_s > 30"), 105, 51);
  EXPECT_EQ(summary("library-seed1")["item.put_success_ratio"], 1.0);
  // And gets them too.
  EXPECT_GT(number("count(DISTINCT location) FROM item_gets"), 90);
}

TEST_F(WorkloadOfARun, SendsAFlashCrowdToOneItemAndLeavesTheRestAlone) {
  const std::string gets =
      "SELECT started_s || location || origin FROM item_gets WHERE NOT "
      "(started_s BETWEEN 100 AND 130) ORDER BY started_s";
  run_with("");
  const auto without = query("library-seed1", gets);
  run_with("--set 'workload.items.flash_crowd={at: 100s, for: 30s, factor: 40}'");
  EXPECT_EQ(query("library-seed1", gets), without);
  const std::string crowd = "count(*) FROM item_gets WHERE started_s BETWEEN 100 AND 130 ";
  // 40 times one get each 2 s, and nine items as ever.
  EXPECT_NEAR(number(crowd + "AND location = (SELECT location FROM item_gets GROUP BY location "
                             "ORDER BY count(*) DESC LIMIT 1)"),
              600, 125);
  EXPECT_NEAR(number(crowd), 600 + 135, 140);
  EXPECT_EQ(summary("library-seed1")["item.get_success_ratio"], 1.0);
}

TEST_F(WorkloadOfARun, LooksUpSoManyTimesInEachHost) {
  run_with("--set 'workload.lookups={every: 5s, times: 2}'");
  EXPECT_EQ(number("count(DISTINCT origin) FROM lookups"), 15);
  EXPECT_EQ(number("max(n) FROM (SELECT count(*) AS n FROM lookups GROUP BY origin)"), 2);
  EXPECT_EQ(number("min(n) FROM (SELECT count(*) AS n FROM lookups GROUP BY origin)"), 2);
}

TEST_F(WorkloadOfARun, LooksForHostsOrItems) {
  run_with("--set 'workload.lookups={every: 5s, targets: items}'");
  EXPECT_EQ(number("count(DISTINCT target) FROM lookups"), 10);
  EXPECT_EQ(number("count(*) FROM lookups WHERE target NOT IN (SELECT location FROM items)"), 0);
  run_with("--set 'workload.lookups={every: 5s, targets: hosts}'");
  EXPECT_EQ(number("count(DISTINCT target) FROM lookups"), 15);
  EXPECT_EQ(number("count(*) FROM lookups WHERE target NOT IN (SELECT id FROM sessions)"), 0);
  EXPECT_EQ(summary("library-seed1")["lookup.success_ratio"], 1.0);
}

TEST_F(WorkloadOfARun, ReadsPopularRecordsMoreOften) {
  run_with(
      "--set workload.items=null --set 'workload.publish={count: 5, update_every: 30s, get_every: 1s, "
      "popularity: {zipf: {exponent: 2}}}'");
  const std::vector<double> gets = gets_by_rank();
  ASSERT_GE(gets.size(), 4u);
  EXPECT_GT(gets[0], 3 * gets[1]);
}

}  // namespace
}  // namespace shoal::sim
