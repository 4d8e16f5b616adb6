// What the scenario language says about the network and its faults.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "sim/scenario_reader.h"

namespace shoal::sim {
namespace {

using testing::ElementsAre;

const std::string kLeast = "name: x\nduration: 10min\npopulation: {size: 10}\n";

Scenario must_parse(const std::string& more) {
  ScenarioOrErrors read = parse_scenario(kLeast + more, "x.yaml");
  for (const ScenarioError& error : read.errors) ADD_FAILURE() << error.to_string();
  return read.scenario;
}

std::vector<std::string> errors_of(const std::string& more) {
  std::vector<std::string> errors;
  for (const ScenarioError& error : parse_scenario(kLeast + more, "x.yaml").errors) {
    errors.push_back(error.to_string());
  }
  return errors;
}

TEST(NetworkReader, ReadsDisturbancesOfTheNetwork) {
  const NetworkSpec plain = must_parse("network: {duplicate: 2%, reorder: 3%}\n").network;
  EXPECT_DOUBLE_EQ(plain.duplicate, 0.02);
  EXPECT_DOUBLE_EQ(plain.reorder.share, 0.03);
  EXPECT_EQ(plain.reorder.by, 50ms);
  EXPECT_EQ(must_parse("network: {reorder: {share: 3%, by: 1s}}\n").network.reorder.by, 1s);
  EXPECT_THAT(errors_of("network: {reorder: {by: 1s}}\n"),
              ElementsAre("x.yaml:4:20: missing key 'network.reorder.share'"));
  EXPECT_THAT(errors_of("network: {reorder: {share: 3%, by: 11s}}\n"),
              ElementsAre("x.yaml:4:36: network.reorder.by: 11s was given, expected from 1us to 10s"));
}

TEST(NetworkReader, GivesHostsOfLansThePortOfASwitch) {
  const NetworkSpec lan =
      must_parse("network: {topology: {kind: lan, lans: 3, delay: 1ms, between: 9ms}}\n").network;
  EXPECT_EQ(lan.topology.lans, 3u);
  EXPECT_EQ(lan.topology.lan_delay, 1ms);
  EXPECT_EQ(lan.topology.between_lans_delay, 9ms);
  EXPECT_EQ(lan.up_bits_per_s, 1'000'000'000u);
  EXPECT_EQ(lan.access_delay.mean(), 0);
  EXPECT_EQ(must_parse("network: {topology: {kind: lan}, access: {up: 1Mbit/s}}\n").network.up_bits_per_s,
            1'000'000u);
  EXPECT_THAT(errors_of("network: {topology: {kind: lan}, nat: {full_cone: 50%}}\n"),
              ElementsAre("x.yaml:4:39: network.nat: there is none between LANs, expected another topology"));
  EXPECT_THAT(
      errors_of("network: {topology: {kind: lan, lans: 257}}\n"),
      ElementsAre("x.yaml:4:39: network.topology.lans: '257' was given, expected a whole number from 1 to "
                  "256"));
  const ScenarioOrErrors crowded = parse_scenario(
      "name: x\nduration: 1min\npopulation: {size: 60001}\nnetwork: {topology: {kind: lan}}\n", "x.yaml");
  ASSERT_EQ(crowded.errors.size(), 1u);
  EXPECT_EQ(crowded.errors[0].to_string(),
            "x.yaml:3:13: population: 60001 hosts were given, expected at most 60000 in 1 LANs");
}

TEST(NetworkReader, ReadsLevelsOfRouters) {
  const NetworkSpec plain = must_parse("network: {topology: {kind: routers}}\n").network;
  EXPECT_EQ(plain.fidelity, Fidelity::kPacket);
  EXPECT_EQ(region_count(plain.topology), 16u);
  const NetworkSpec network = must_parse(
                                  "network: {topology: {kind: routers, levels: [{fan_out: 3}, {fan_out: 5, "
                                  "down: 20Mbit/s, up: 4Mbit/s, delay: 1ms, queue: 200ms}]}}\n")
                                  .network;
  ASSERT_EQ(network.topology.levels.size(), 2u);
  const RouterLevel& level = network.topology.levels[1];
  EXPECT_EQ(level.fan_out, 5u);
  EXPECT_EQ(level.down_bits_per_s, 20'000'000u);
  EXPECT_EQ(level.up_bits_per_s, 4'000'000u);
  EXPECT_EQ(level.delay, 1ms);
  EXPECT_EQ(level.queue, 200ms);
  EXPECT_EQ(network.topology.levels[0].up_bits_per_s, RouterLevel{}.up_bits_per_s);
  EXPECT_EQ(region_count(network.topology), 15u);
  const ScenarioOrErrors crowded = parse_scenario(
      "name: x\nduration: 1min\npopulation: {size: 12289}\n"
      "network: {topology: {kind: routers, levels: [{fan_out: 2}]}}\n",
      "x.yaml");
  ASSERT_EQ(crowded.errors.size(), 1u);
  EXPECT_EQ(crowded.errors[0].to_string(),
            "x.yaml:3:13: population: 12289 hosts were given, expected at most 12288 at 2 edge routers");
}

TEST(NetworkReader, KnowsTheRegionsOfEveryTopology) {
  const auto error_of = [](const std::string& topology) {
    return errors_of("network: {topology: " + topology +
                     "}\nfaults:\n  - {at: 1min, kill: {where: {region: 99}}}\n");
  };
  const std::string prefix = "x.yaml:6:5: faults.0.kill.where: region 99 was given, expected 0 to ";
  EXPECT_THAT(error_of("{kind: coordinates, regions: 4}"), ElementsAre(prefix + "3"));
  EXPECT_THAT(error_of("{kind: lan, lans: 3}"), ElementsAre(prefix + "2"));
  EXPECT_THAT(error_of("{kind: routers, levels: [{fan_out: 2}, {fan_out: 3}]}"), ElementsAre(prefix + "5"));
  EXPECT_THAT(error_of("{kind: lan, lans: 100}"), ElementsAre());
}

TEST(NetworkReader, ReadsEveryKindOfPartition) {
  const auto partition_of = [](const std::string& text) {
    const Scenario s = must_parse("faults: [{at: 1min, for: 5min, partition: " + text + "}]\n");
    return std::get<PartitionFault>(s.faults.at(0).what);
  };
  EXPECT_EQ(partition_of("{}").groups, (std::vector{0.5, 0.5}));
  EXPECT_FALSE(partition_of("{}").one_way || partition_of("{}").by_region || partition_of("{}").flap);
  EXPECT_TRUE(partition_of("{direction: one_way}").one_way);
  EXPECT_FALSE(partition_of("{direction: both_ways}").one_way);
  EXPECT_TRUE(partition_of("{by: region}").by_region);
  const auto flap = partition_of("{flap: {up: 10s, down: 20s}}").flap;
  ASSERT_TRUE(flap);
  EXPECT_EQ(flap->up, 10s);
  EXPECT_EQ(flap->down, 20s);
}

TEST(NetworkReader, ReadsEveryDisturbanceAsAFault) {
  const Scenario s = must_parse(
      "faults: [{loss: 1%}, {delay: {uniform: [10ms, 30ms]}}, {duplicate: 2%}, {reorder: 3%}, "
      "{at: 1min, kill: {}}]\n");
  ASSERT_EQ(s.faults.size(), 5u);
  EXPECT_DOUBLE_EQ(std::get<LossFault>(s.faults[0].what).share, 0.01);
  EXPECT_DOUBLE_EQ(std::get<DelayFault>(s.faults[1].what).more.mean(), 0.02);
  EXPECT_DOUBLE_EQ(std::get<DuplicateFault>(s.faults[2].what).share, 0.02);
  EXPECT_DOUBLE_EQ(std::get<ReorderFault>(s.faults[3].what).reorder.share, 0.03);
}

TEST(NetworkReader, RefusesFaultsThatMeanNothing) {
  EXPECT_THAT(errors_of("faults:\n  - {partition: {direction: sideways}}\n"),
              ElementsAre("x.yaml:5:29: faults.0.partition.direction: 'sideways' was given, expected one of "
                          "both_ways, one_way"));
  EXPECT_THAT(errors_of("faults:\n  - {partition: {flap: {up: 10s}}}\n"),
              ElementsAre("x.yaml:5:24: missing key 'faults.0.partition.flap.down'"));
  EXPECT_THAT(errors_of("faults:\n  - {partition: {flap: {up: 10s, down: 0s}}}\n"),
              ElementsAre("x.yaml:5:40: faults.0.partition.flap.down: 0s was given, expected from 1ms to "
                          "8760h"));
  EXPECT_THAT(errors_of("faults:\n  - {delay: 10}\n"),
              ElementsAre(testing::StartsWith("x.yaml:5:13: faults.0.delay: '10' is not a duration")));
  EXPECT_THAT(errors_of("faults:\n  - {duplicate: 2}\n"),
              ElementsAre("x.yaml:5:17: faults.0.duplicate: '2' was given, expected a share from 0% to "
                          "100%, such as 0.5%"));
  EXPECT_THAT(errors_of("faults:\n  - {duplicate: 2%, loss: 2%}\n"),
              ElementsAre(testing::StartsWith("x.yaml:5:5: faults.0: 2 faults were given, expected one of")));
  EXPECT_THAT(errors_of("faults:\n  - {at: 1min, delay: 1s}\n  - {at: 2min, delay: 2s}\n"),
              ElementsAre("x.yaml:6:5: faults.1: overlaps faults.0, expected one of a kind at a time"));
}

}  // namespace
}  // namespace shoal::sim
