// Faults of single hosts in whole runs: that they bite, that they are recorded, and that nothing is lost by
// them. Each test runs in a process of its own under CTest.
#include "sim/host_faults.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "node/secure/keys.h"
#include "sim/scenario_reader.h"
#include "sim/simulation.h"

namespace shoal::sim {
namespace {

const std::string kThirtyHosts = R"(name: x
duration: 10min
warm_up: 1min
network: {fidelity: message, jitter: 2ms}
crypto: modelled
workload:
  lookups: {every: 5s}
  items: {count: 60, size: [100B, 800B], put_over: 8min, get_every: 20s}
)";

struct Result {
  Summary summary;
  NetworkTotals totals;

  double number(std::string_view name) const {
    const auto found = summary.find(name);
    if (found == summary.end()) return -1;
    if (const auto* whole = std::get_if<std::uint64_t>(&found->second)) return static_cast<double>(*whole);
    return std::get<double>(found->second);
  }
  void expect_nothing_lost() const {
    EXPECT_EQ(number("item.lost_count"), 0);
    EXPECT_EQ(number("oracle.violations"), 0);
    EXPECT_GE(number("item.get_success_ratio"), 0.999);
    EXPECT_GE(number("item.put_success_ratio"), 0.999);
    EXPECT_GE(number("lookup.success_ratio"), 0.999);
  }
};

Result run(const std::string& rest, const std::string& population = "{size: 30, arrival: {over: 10s}}") {
  init_crypto();
  const ScenarioOrErrors read =
      parse_scenario(kThirtyHosts + "population: " + population + "\n" + rest, "x.yaml");
  for (const ScenarioError& error : read.errors) ADD_FAILURE() << error.to_string();
  const Scenario& scenario = read.scenario;
  Oracle oracle;
  RunInfo info;
  info.duration = scenario.duration;
  info.warm_up = scenario.warm_up;
  info.population = scenario.population.size;
  Recorder recorder(info, oracle);
  const auto network = Network::make(scenario.network, scenario.seed);
  Simulation simulation(scenario, *network, recorder);
  simulation.run([](Duration) { return true; });
  return {recorder.finish(network->now(), {}).summary, network->totals()};
}

TEST(HostFaults, SlowCpusTakeTheirTime) {
  // 2,000 times slower than the table: some 8 ms a request.
  const Result slow = run("faults: [{at: 2min, slow: {share: 100%, cpu: 0.0005}}]\n");
  slow.expect_nothing_lost();
  EXPECT_GE(slow.number("lookup.latency_ms.p50"), 100);
  EXPECT_LE(slow.number("lookup.latency_ms.p50"), 200);
}

TEST(HostFaults, CpusOfTheTablesSpeedHardlyShow) {
  const Result modelled = run("", "{size: 30, arrival: {over: 10s}, cpu: 1}");
  modelled.expect_nothing_lost();
  EXPECT_GE(modelled.number("lookup.latency_ms.p50"), 50);
  EXPECT_LE(modelled.number("lookup.latency_ms.p50"), 80);
}

TEST(HostFaults, ClocksThatJumpLoseNothing) {
  const Result jumped =
      run("faults:\n"
          "  - {at: 2min, clock: {share: 20%, jump: 2d}}\n"
          "  - {at: 3min, clock: {share: 20%, jump: -2d}}\n"
          "  - {at: 4min, for: 2min, clock: {share: 50%, jump: 30min, drift: -1000ppm}}\n",
          "{size: 30, arrival: {over: 10s}, clock: {drift: 200ppm, offset: {exponential: {mean: 2s}}}}");
  jumped.expect_nothing_lost();
}

TEST(HostFaults, FullDisksAreAnsweredWithErrorsAndLoseNothing) {
  const Result full = run("faults: [{at: 2min, for: 4min, store: {share: 30%, full: true}}]\n");
  full.expect_nothing_lost();
  EXPECT_GT(full.number("store.commits_failed"), 0);
  EXPECT_EQ(full.number("store.items_damaged"), 0);
}

TEST(HostFaults, RottenValuesAreFoundAndDropped) {
  const Result rotten = run("faults: [{at: 4min, bit_rot: {share: 30%, items: 30%}}]\n",
                            "{size: 30, arrival: {over: 10s}, node: {republish_interval: 2min}}");
  rotten.expect_nothing_lost();
  EXPECT_GT(rotten.number("store.items_damaged"), 10);
}

TEST(HostFaults, TornWritesAreFoundAfterTheRestart) {
  const Result torn =
      run("faults:\n"
          "  - {at: 1min, store: {share: 100%, torn_writes: true}}\n"
          "churn: {session: {exponential: {mean: 20s}}, absence: {fixed: 1s}, leave: {crash: 100%}}\n");
  EXPECT_EQ(torn.number("oracle.violations"), 0);
  EXPECT_EQ(torn.number("item.lost_count"), 0);
}

}  // namespace
}  // namespace shoal::sim
