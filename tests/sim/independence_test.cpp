// Streams of randomness are keyed by name and purpose: one more host, or one more workload, takes nothing
// from the draws of the others.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sim/deal.h"
#include "sim/world.h"
#include "tests/sim/run_scenario_process.h"

namespace shoal::sim {
namespace {

// Both kinds of leaving, strangers, and every workload.
constexpr const char* kBusy = R"(name: busy
duration: 3min
warm_up: 30s
network: {fidelity: message, topology: {kind: coordinates, regions: 4}, loss: 1%, jitter: 2ms}
population: {size: 20, arrival: {over: 5s}}
churn:
  session: {exponential: {mean: 60s}}
  absence: {exponential: {mean: 10s}}
  leave: {crash: 50%, clean: 50%}
  identity: {keep: 50%}
workload:
  lookups: {every: 5s}
  items: {count: 20, size: [10B, 500B], put_over: 60s, get_every: 5s}
  publish: {count: 5, update_every: 10s, get_every: 5s}
)";

class Independence : public RunScenario {
 protected:
  void SetUp() override {
    RunScenario::SetUp();
    write("busy.yaml", kBusy);
  }
  // Where its results are.
  std::string run_with(const std::string& folder, const std::string& settings) {
    const Outcome outcome = run("busy.yaml --no-report --quiet --out results/" + folder + settings);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return folder + "/busy-seed1";
  }
  // What the first 20 hosts drew: keys and sessions. When a node has said goodbye is no draw.
  std::vector<std::string> sessions_of_20(const std::string& run_name) {
    return query(run_name,
                 "SELECT host || ' ' || id || ' ' || begin_s || ' ' || coalesce(left_by, 'online') || ' ' || "
                 "iif(left_by = 'crash', end_s, '') FROM sessions WHERE host < 20 ORDER BY host, begin_s");
  }
  std::vector<std::string> lookups_of_20(const std::string& run_name) {
    return query(run_name,
                 "SELECT origin || ' ' || started_s || ' ' || target FROM lookups WHERE origin < 20 "
                 "ORDER BY origin, started_s");
  }
  // Times and values of puts and updates.
  std::vector<std::string> puts(const std::string& run_name, const std::string& kind) {
    return query(run_name, "SELECT started_s || ' ' || location || ' ' || bytes FROM items WHERE kind = '" +
                               kind + "' ORDER BY started_s, location");
  }
  std::vector<std::string> gets(const std::string& run_name, const std::string& kind) {
    return query(run_name,
                 "SELECT started_s || ' ' || location || ' ' || origin FROM item_gets WHERE kind = '" + kind +
                     "' ORDER BY started_s, location");
  }
};

TEST_F(Independence, OneMoreHostLeavesTheDrawsOfTheOthersAlone) {
  const std::string a = run_with("a", "");
  const std::string b = run_with("b", " --set population.size=21");
  ASSERT_EQ(query(b, "SELECT count(*) > 0 FROM sessions WHERE host = 20"), std::vector<std::string>{"1"});
  EXPECT_GT(sessions_of_20(a).size(), 40u);
  EXPECT_EQ(sessions_of_20(a), sessions_of_20(b));
  EXPECT_GT(lookups_of_20(a).size(), 400u);
  EXPECT_EQ(lookups_of_20(a), lookups_of_20(b));
  EXPECT_EQ(puts(a, "hash").size(), 20u);
  EXPECT_EQ(puts(a, "hash"), puts(b, "hash"));
  EXPECT_GT(puts(a, "publish").size(), 50u);
  EXPECT_EQ(puts(a, "publish"), puts(b, "publish"));
  EXPECT_NE(summary(a)["run.trace_hash"], summary(b)["run.trace_hash"]);
}

// The new host, which is always there, does its share; nobody's work moves to another of the old ones.
TEST_F(Independence, OneMoreHostTakesWorkOnlyUponItself) {
  const std::string steady = " --set churn=null --set population.arrival.over=0s";
  const std::string a = run_with("a", steady);
  const std::string b = run_with("b", steady + " --set population.size=21");
  const auto origins = [this](const std::string& run_name) {
    return query(run_name, "SELECT origin FROM items ORDER BY started_s, location");
  };
  const auto before = origins(a), after = origins(b);
  ASSERT_EQ(before.size(), after.size());
  std::size_t taken = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (after[i] == "20") {
      ++taken;
    } else {
      EXPECT_EQ(before[i], after[i]) << i;
    }
  }
  EXPECT_GT(taken, 0u);
  EXPECT_LT(taken, before.size() / 4);
}

TEST_F(Independence, OneMoreWorkloadLeavesTheOthersAndTheChurnAlone) {
  const std::string all = run_with("a", "");
  const std::string no_records = run_with("b", " --set workload.publish=null");
  const std::string no_lookups = run_with("c", " --set workload.lookups=null");
  EXPECT_EQ(sessions_of_20(all), sessions_of_20(no_records));
  EXPECT_EQ(sessions_of_20(all), sessions_of_20(no_lookups));
  EXPECT_EQ(lookups_of_20(all), lookups_of_20(no_records));
  EXPECT_EQ(puts(all, "hash"), puts(no_records, "hash"));
  EXPECT_EQ(puts(all, "hash"), puts(no_lookups, "hash"));
  EXPECT_EQ(puts(all, "publish"), puts(no_lookups, "publish"));
  EXPECT_GT(gets(all, "hash").size(), 400u);
  EXPECT_EQ(gets(all, "hash"), gets(no_records, "hash"));
  EXPECT_EQ(gets(all, "hash"), gets(no_lookups, "hash"));
  EXPECT_EQ(gets(all, "publish"), gets(no_lookups, "publish"));
  EXPECT_TRUE(puts(no_records, "publish").empty());
}

TEST(Placement, OfAHostDoesNotDependOnTheOthers) {
  for (const auto kind :
       {TopologySpec::Kind::kStar, TopologySpec::Kind::kTransitStub, TopologySpec::Kind::kCoordinates}) {
    NetworkSpec spec;
    spec.topology.kind = kind;
    World few(spec, 7), more(spec, 7);
    for (int i = 0; i < 50; ++i) few.add_host();
    for (int i = 0; i < 51; ++i) more.add_host();
    for (HostIndex a = 0; a < 50; ++a) {
      EXPECT_EQ(few.endpoint(a), more.endpoint(a));
      EXPECT_EQ(few.region(a), more.region(a));
      for (HostIndex b = 0; b < 50; ++b) EXPECT_EQ(few.delay(a, b), more.delay(a, b));
    }
  }
}

TEST(Deal, PicksAllHostsAlikeAndMovesNoneButToTheNewOne) {
  Rng rng = Rng::keyed(1, "pick", "test");
  constexpr int kDraws = 100'000;
  std::vector<int> picked(20);
  for (int i = 0; i < kDraws; ++i) {
    const std::uint64_t draw = rng.next();
    const HostIndex of_20 = pick(draw, 20), of_21 = pick(draw, 21);
    ++picked.at(of_20);
    EXPECT_TRUE(of_21 == of_20 || of_21 == 20u) << of_20 << " became " << of_21;
  }
  // Five standard deviations of 5,000.
  for (const int count : picked) EXPECT_NEAR(count, kDraws / 20, 350);
}

TEST(Deal, MovesHostsOnlyAcrossABorderWhenOneIsAdded) {
  Rng few_rng = Rng::keyed(1, "deal", "test"), more_rng = few_rng;
  const auto few = deal_groups(200, {0.25, 0.5, 0.25}, few_rng);
  const auto more = deal_groups(201, {0.25, 0.5, 0.25}, more_rng);
  int moved = 0;
  for (std::size_t host = 0; host < few.size(); ++host) moved += few[host] != more[host] ? 1 : 0;
  EXPECT_LE(moved, 2);
}

TEST(Deal, ChoosesNearlyTheSameVictimsWhenOneIsAdded) {
  Rng few_rng = Rng::keyed(1, "deal", "test"), more_rng = few_rng;
  std::vector<HostIndex> few, more;
  for (HostIndex host = 0; host < 200; ++host) few.push_back(host);
  more = few;
  more.push_back(200);
  shuffle(few, few_rng);
  shuffle(more, more_rng);
  std::erase(more, HostIndex{200});
  EXPECT_EQ(few, more);
  EXPECT_FALSE(std::is_sorted(few.begin(), few.end()));
}

}  // namespace
}  // namespace shoal::sim
