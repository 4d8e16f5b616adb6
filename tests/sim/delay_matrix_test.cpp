#include "sim/delay_matrix.h"

#include <gmock/gmock.h>

#include <memory>

#include "node/secure/keys.h"
#include "sim/scenario_reader.h"
#include "sim/world.h"

namespace shoal::sim {
namespace {

using testing::ElementsAre;

std::vector<std::string> errors_of(std::string_view text) {
  std::vector<std::string> errors;
  for (const ScenarioError& error : parse_delay_matrix(text, "m.csv", true).errors) {
    errors.push_back(error.to_string());
  }
  return errors;
}

TEST(DelayMatrix, ReadsRoundTripsAndOneWayDelays) {
  const std::string text = "# three places\n0.5, 20, 30\n 22,1,40\n\n30,40,2\n";
  const auto round_trips = parse_delay_matrix(text, "m.csv", true);
  ASSERT_TRUE(round_trips.errors.empty()) << round_trips.errors.front().to_string();
  EXPECT_EQ(round_trips.matrix.size(), 3u);
  EXPECT_EQ(round_trips.matrix.one_way(0, 0), 250us);
  EXPECT_EQ(round_trips.matrix.one_way(0, 1), 10ms);
  EXPECT_EQ(round_trips.matrix.one_way(1, 0), 11ms);
  EXPECT_EQ(parse_delay_matrix(text, "m.csv", false).matrix.one_way(2, 1), 40ms);
}

TEST(DelayMatrix, NamesLineAndColumnOfWhatIsWrong) {
  EXPECT_THAT(errors_of("1,2\n3,x\n"),
              ElementsAre("m.csv:2:3: 'x' was given, expected milliseconds from 0 to 20000"));
  EXPECT_THAT(errors_of("# c\n1, -2\n3,4ms\n"),
              ElementsAre("m.csv:2:4: '-2' was given, expected milliseconds from 0 to 20000",
                          "m.csv:3:3: '4ms' was given, expected milliseconds from 0 to 20000"));
  EXPECT_THAT(errors_of("1,\n2,3\n"),
              ElementsAre("m.csv:1:3: '' was given, expected milliseconds from 0 to 20000"));
  EXPECT_THAT(errors_of("1,nan\n2,20001\n"),
              ElementsAre("m.csv:1:3: 'nan' was given, expected milliseconds from 0 to 20000",
                          "m.csv:2:3: '20001' was given, expected milliseconds from 0 to 20000"));
  EXPECT_THAT(errors_of("1,2\n3\n"),
              ElementsAre("m.csv:2:1: 1 numbers were given, expected 2 as in the first row"));
  EXPECT_THAT(errors_of("1,2\n3,4\n5,6\n"),
              ElementsAre("m.csv:3:1: one row more, expected 2, as many as there are columns"));
  EXPECT_THAT(errors_of("1,2\n"),
              ElementsAre("m.csv:1:1: the file ends after 1 rows, expected as many as there "
                          "are columns (2)"));
  EXPECT_THAT(errors_of(""),
              ElementsAre("m.csv:1:1: the file ends after 0 rows, expected as many as there are "
                          "columns (0)"));
  std::string wide = "1";
  for (std::uint32_t i = 0; i < DelayMatrix::kSizeMax; ++i) wide += ",1";
  EXPECT_THAT(errors_of(wide), ElementsAre("m.csv:1:1: 4097 columns were given, expected at most 4096"));
  std::string junk;
  for (int i = 0; i < 100; ++i) junk += "a,b,c\n";
  EXPECT_EQ(errors_of(junk).size(), 20u) << "a few say it";
}

ScenarioOrErrors parse_with(const std::string& topology, const std::string& content) {
  return parse_scenario(
      "name: x\nduration: 10min\npopulation: {size: 10}\nnetwork: {topology: " + topology + "}\n", "x.yaml",
      {}, [&](const std::string& name) -> Result<std::string> {
        if (name == "m.csv") return content;
        return fail(ErrorCode::kNotFound, name + " cannot be read, expected a file");
      });
}

TEST(DelayMatrix, IsReadWithItsScenario) {
  const auto read = parse_with("{kind: matrix, file: m.csv, values: one_way, assign: random}", "1,2\n3,4\n");
  ASSERT_TRUE(read.errors.empty()) << read.errors.front().to_string();
  const TopologySpec& topology = read.scenario.network.topology;
  EXPECT_EQ(topology.matrix->one_way(1, 0), 3ms);
  EXPECT_TRUE(topology.at_random_places);
  EXPECT_EQ(read.scenario.network.access_delay.mean(), 0) << "the measured delays have it in them";

  const auto errors_with = [](const std::string& topology_text, const std::string& content) {
    std::vector<std::string> errors;
    for (const ScenarioError& error : parse_with(topology_text, content).errors)
      errors.push_back(error.to_string());
    return errors;
  };
  EXPECT_THAT(errors_with("{kind: matrix}", ""),
              ElementsAre("x.yaml:4:21: missing key 'network.topology.file'"));
  EXPECT_THAT(errors_with("{kind: matrix, file: other.csv}", ""),
              ElementsAre("x.yaml:4:42: network.topology.file: other.csv cannot be read, expected a file"));
  EXPECT_THAT(
      errors_with("{kind: matrix, file: m.csv}", "1,2\n3,?\n"),
      ElementsAre("x.yaml:4:42: network.topology.file: m.csv:2:3: '?' was given, expected milliseconds "
                  "from 0 to 20000"));
}

TEST(DelayMatrix, PlacesHostsInOrderOrSitesAtRandom) {
  init_crypto();
  NetworkSpec spec;
  spec.access_delay = Distribution::fixed(0);
  spec.topology.kind = TopologySpec::Kind::kMatrix;
  spec.topology.matrix = std::make_shared<const DelayMatrix>(
      parse_delay_matrix("1,20,30\n40,2,50\n60,70,3\n", "m.csv", false).matrix);
  const auto world_of = [&] {
    World world(spec, 1);
    for (HostIndex host = 0; host < 300; ++host) world.add_host();
    return world;
  };
  const World in_order = world_of();
  EXPECT_EQ(in_order.delay(0, 1), 20ms);
  EXPECT_EQ(in_order.delay(1, 0), 40ms);
  EXPECT_EQ(in_order.delay(0, 3), 1ms);
  EXPECT_EQ(in_order.delay(5, 4), 70ms);
  EXPECT_EQ(in_order.region(5), 2u);
  spec.topology.at_random_places = true;
  const World random = world_of();
  std::vector<int> hosts_at(3);
  for (HostIndex host = 0; host < 300; ++host) ++hosts_at.at(random.region(host));
  for (const int hosts : hosts_at) EXPECT_NEAR(hosts, 100, 40);
  EXPECT_EQ(random.region(0), random.region(1)) << "one site";
}

}  // namespace
}  // namespace shoal::sim
