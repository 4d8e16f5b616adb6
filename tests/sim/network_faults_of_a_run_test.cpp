// When a scenario's faults cut, heal and disturb the network. Each test runs in a process of its own under
// CTest.
#include <gmock/gmock.h>

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "node/secure/keys.h"
#include "sim/scenario_reader.h"
#include "sim/simulation.h"
#include "sim/units.h"
#include "tests/sim/network_decorator.h"

namespace shoal::sim {
namespace {

using testing::ElementsAre;

// Notes every change as "10s: what".
class NotingNetwork final : public NetworkDecorator {
 public:
  explicit NotingNetwork(std::unique_ptr<Network> inner) : NetworkDecorator(std::move(inner)) {}

  void set_partition(Partition partition) override {
    groups = partition.group_of_host.empty() ? groups : partition.group_of_host;
    note(partition.group_of_host.empty() ? "healed" : partition.one_way ? "cut one way" : "cut");
    NetworkDecorator::set_partition(std::move(partition));
  }
  void set_disturbance(const Disturbance& d) override {
    note(fmt::format("loss {:g}, delay {:g}, duplicate {:g}, reorder {:g} by {}", d.loss,
                     d.delay ? d.delay->mean() : 0, d.duplicate, d.reorder.share,
                     print_duration(d.reorder.by)));
    NetworkDecorator::set_disturbance(d);
  }

  std::vector<std::string> notes;
  std::vector<std::uint8_t> groups;  // of the last cut

 private:
  void note(const std::string& what) {
    notes.push_back(fmt::format("{:g}s: {}", to_seconds(now() - Instant{}), what));
  }
};

struct Happened {
  std::vector<std::string> notes;
  std::vector<std::uint8_t> groups;
  std::vector<std::uint32_t> regions;
};

Happened run(const std::string& faults, const std::string& topology = "{kind: star}") {
  init_crypto();
  const auto read =
      parse_scenario(fmt::format("name: x\nduration: 2min\ncrypto: modelled\npopulation: {{size: 40}}\n"
                                 "network: {{topology: {}}}\nfaults: [{}]\n",
                                 topology, faults),
                     "x.yaml");
  EXPECT_TRUE(read.errors.empty()) << read.errors.front().to_string();
  Oracle oracle;
  RunInfo info;
  info.duration = read.scenario.duration;
  Recorder recorder(info, oracle);
  NotingNetwork network(Network::make(read.scenario.network, 1));
  Simulation simulation(read.scenario, network, recorder);
  simulation.run([](Duration) { return true; });
  Happened out{network.notes, network.groups, {}};
  for (HostIndex host = 0; host < 40; ++host) out.regions.push_back(network.region(host));
  return out;
}

TEST(NetworkFaultsOfARun, PartitionCutsAndHealsOnce) {
  const Happened plain = run("{at: 10s, for: 20s, partition: {groups: [25%, 75%]}}");
  EXPECT_THAT(plain.notes, ElementsAre("10s: cut", "30s: healed"));
  EXPECT_EQ(std::ranges::count(plain.groups, 0), 10);
  EXPECT_THAT(run("{at: 10s, partition: {}}").notes, ElementsAre("10s: cut")) << "to the end of the run";
}

TEST(NetworkFaultsOfARun, OneWayPartitionSaysSo) {
  EXPECT_THAT(run("{at: 10s, for: 20s, partition: {direction: one_way}}").notes,
              ElementsAre("10s: cut one way", "30s: healed"));
}

TEST(NetworkFaultsOfARun, FlappingPartitionIsCutAgainAndAgainAndHealedAtItsLastCutsEnd) {
  EXPECT_THAT(run("{at: 10s, for: 45s, partition: {flap: {up: 5s, down: 10s}}}").notes,
              ElementsAre("10s: cut", "20s: healed", "25s: cut", "35s: healed", "40s: cut", "50s: healed"));
  EXPECT_THAT(run("{at: 10s, for: 20s, partition: {flap: {up: 5s, down: 10s}}}").notes,
              ElementsAre("10s: cut", "20s: healed", "25s: cut", "30s: healed"))
      << "the fault's end ends the cut";
}

TEST(NetworkFaultsOfARun, FlappingPartitionWithoutAnEndGoesOnToTheRunsEnd) {
  EXPECT_THAT(run("{at: 80s, partition: {flap: {up: 10s, down: 20s}}}").notes,
              ElementsAre("80s: cut", "100s: healed", "110s: cut"));
}

TEST(NetworkFaultsOfARun, PartitionByRegionKeepsRegionsWhole) {
  const Happened cut = run("{at: 10s, partition: {by: region}}", "{kind: transit_stub, regions: 4}");
  ASSERT_EQ(cut.groups.size(), 40u);
  std::vector<int> group_of_region(4, -1);
  for (HostIndex host = 0; host < 40; ++host) {
    int& group = group_of_region[cut.regions[host]];
    if (group < 0) group = cut.groups[host];
    EXPECT_EQ(cut.groups[host], group);
  }
  EXPECT_EQ(std::ranges::count(group_of_region, 0), 2) << "half of the regions";
}

TEST(NetworkFaultsOfARun, DisturbancesAddUpAndEndEachByItself) {
  const Happened disturbed = run(
      "{at: 10s, for: 40s, loss: 5%}, {at: 20s, for: 40s, delay: 300ms}, {at: 30s, for: 40s, duplicate: 2%},"
      "{at: 40s, for: 40s, reorder: {share: 10%, by: 80ms}}");
  EXPECT_THAT(disturbed.notes, ElementsAre("10s: loss 0.05, delay 0, duplicate 0, reorder 0 by 50ms",
                                           "20s: loss 0.05, delay 0.3, duplicate 0, reorder 0 by 50ms",
                                           "30s: loss 0.05, delay 0.3, duplicate 0.02, reorder 0 by 50ms",
                                           "40s: loss 0.05, delay 0.3, duplicate 0.02, reorder 0.1 by 80ms",
                                           "50s: loss 0, delay 0.3, duplicate 0.02, reorder 0.1 by 80ms",
                                           "60s: loss 0, delay 0, duplicate 0.02, reorder 0.1 by 80ms",
                                           "70s: loss 0, delay 0, duplicate 0, reorder 0.1 by 80ms",
                                           "80s: loss 0, delay 0, duplicate 0, reorder 0 by 50ms"));
}

}  // namespace
}  // namespace shoal::sim
