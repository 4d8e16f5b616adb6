// Hosts of a simulated LAN that know no bootstrap address, in both fidelities, with the scenario that we
// ship.
#include <gmock/gmock.h>

#include "tests/sim/run_scenario_process.h"

namespace shoal::sim {
namespace {

class LanDiscoveryRun : public RunScenario, public testing::WithParamInterface<const char*> {
 protected:
  // The scenario's first part: no faults yet.
  Outcome run_shipped(const std::string& more = "") {
    const std::string scenario = SHOAL_PROJECT_DIR "/scenarios/lan_discovery.yaml";
    return run(scenario + " --no-report --quiet --out results --set duration=4min --set faults=[] " +
               "--set network.fidelity=" + GetParam() + " " + more);
  }
  double count_of(const std::string& counter) {
    return std::stod(
        query("lan_discovery-seed1",
              "SELECT coalesce(sum(value), 0) FROM host_counters WHERE counter = '" + counter + "'")
            .at(0));
  }
};

TEST_P(LanDiscoveryRun, HostsFindEachOtherByMulticastAlone) {
  const Outcome outcome = run_shipped();
  ASSERT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  const auto results = summary("lan_discovery-seed1");
  EXPECT_GE(results.at("lookup.success_ratio"), 0.99);
  EXPECT_GT(results.at("lookup.count"), 300);
  EXPECT_EQ(results.at("oracle.violations"), 0);
  EXPECT_GT(count_of("lan.pings_heard"), 10 * count_of("lan.pings_sent")) << "each is heard by many";
  EXPECT_LT(count_of("lan.asks_sent"), count_of("lan.pings_heard") / 4) << "who is known is not asked";
  EXPECT_EQ(count_of("lan.dropped_unverified") + count_of("lan.dropped_malformed"), 0);
}

TEST_P(LanDiscoveryRun, WithoutItNobodyFindsAnybody) {
  const Outcome outcome = run_shipped("--set population.node.lan_ping_interval=0s");
  EXPECT_EQ(outcome.status, 1) << outcome.out << outcome.err;
  EXPECT_EQ(summary("lan_discovery-seed1").at("lookup.success_ratio"), 0);
}

INSTANTIATE_TEST_SUITE_P(Fidelities, LanDiscoveryRun, testing::Values("message", "packet"),
                         [](const auto& fidelity) { return std::string(fidelity.param); });

}  // namespace
}  // namespace shoal::sim
