// scenarios/schema.json has the reader's keys, and every scenario that we ship is valid by both.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "tests/sim/scenario_texts.h"
#include "tests/sim/schema_verdicts.h"

namespace shoal::sim {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> shipped_scenarios() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(kProject / "scenarios")) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

TEST(ScenarioReader, EveryShippedScenarioIsValidByReaderAndSchema) {
  const auto files = shipped_scenarios();
  ASSERT_GE(files.size(), 6u);
  for (const fs::path& file : files) {
    for (const ScenarioError& error : read_scenario(file).errors) ADD_FAILURE() << error.to_string();
    const auto read = read_scenario(file);
    EXPECT_EQ(read.scenario.name, file.stem().string());
    EXPECT_FALSE(read.scenario.description.empty()) << file;
    EXPECT_FALSE(read.scenario.source.empty()) << file;
    EXPECT_TRUE(read.scenario.text.starts_with("# ")) << file << " does not open with what it shows";
  }
  const auto verdicts = schema_verdicts(files);
  ASSERT_EQ(verdicts.size(), files.size());
  for (const std::string& verdict : verdicts) EXPECT_THAT(verdict, testing::StartsWith("valid "));
}

// A section of the language: a scenario that has an unknown key 'zz' there and nothing else wrong, and where
// the schema lists its keys.
struct SchemaSection {
  std::string text;
  std::string pointer;
};

class EverySection : public testing::TestWithParam<SchemaSection> {};

TEST_P(EverySection, HasTheSameKeysInReaderAndSchema) {
  std::ifstream file(kProject / "scenarios/schema.json");
  const auto schema = nlohmann::json::parse(file);
  std::vector<std::string> schema_keys;
  for (const auto& [key, value] : schema.at(nlohmann::json::json_pointer(GetParam().pointer)).items()) {
    schema_keys.push_back(key);
  }
  std::vector<std::string> reader_keys;
  for (const std::string& error : errors_of(kLeast, {{GetParam().text, "{}"}})) {
    std::smatch match;
    if (!std::regex_search(error, match, std::regex("unknown key 'zz': expected one of (.*)$"))) continue;
    std::istringstream keys(match[1].str());
    for (std::string key; std::getline(keys >> std::ws, key, ',');) reader_keys.push_back(key);
  }
  EXPECT_EQ(reader_keys, schema_keys);
}

INSTANTIATE_TEST_SUITE_P(
    ScenarioReader, EverySection,
    testing::Values(
        SchemaSection{"zz", "/properties"}, SchemaSection{"network.zz", "/properties/network/properties"},
        SchemaSection{"network.access.zz", "/properties/network/properties/access/properties"},
        SchemaSection{"network.topology.zz", "/definitions/topology/oneOf/0/properties"},
        SchemaSection{"population.zz", "/properties/population/properties"},
        SchemaSection{"population.arrival.zz", "/properties/population/properties/arrival/properties"},
        SchemaSection{"population.clock.zz", "/properties/population/properties/clock/properties"},
        SchemaSection{"population.node.zz", "/properties/population/properties/node/properties"},
        SchemaSection{"churn.zz", "/properties/churn/properties"},
        SchemaSection{"churn.diurnal.zz", "/properties/churn/properties/diurnal/properties"},
        SchemaSection{"churn.leave.zz", "/properties/churn/properties/leave/properties"},
        SchemaSection{"churn.identity.zz", "/properties/churn/properties/identity/properties"},
        SchemaSection{"churn.session.zz", "/definitions/law/anyOf/1/properties"},
        SchemaSection{"churn.session.exponential.zz",
                      "/definitions/law/anyOf/1/properties/exponential/properties"},
        SchemaSection{"churn.session.weibull.zz", "/definitions/law/anyOf/1/properties/weibull/properties"},
        SchemaSection{"churn.session.pareto.zz", "/definitions/law/anyOf/1/properties/pareto/properties"},
        SchemaSection{"churn.session.lognormal.zz",
                      "/definitions/law/anyOf/1/properties/lognormal/properties"},
        SchemaSection{"workload.zz", "/properties/workload/properties"},
        SchemaSection{"workload.lookups.zz", "/properties/workload/properties/lookups/properties"},
        SchemaSection{"workload.items.zz", "/properties/workload/properties/items/properties"},
        SchemaSection{"workload.items.flash_crowd.zz",
                      "/properties/workload/properties/items/properties/flash_crowd/properties"},
        SchemaSection{"workload.items.popularity.zipf.zz",
                      "/definitions/popularity/anyOf/1/properties/zipf/properties"},
        SchemaSection{"workload.groups.zz", "/properties/workload/properties/groups/properties"},
        SchemaSection{"workload.publish.zz", "/properties/workload/properties/publish/properties"}));

TEST(ScenarioReader, EntriesOfListsHaveTheSameKeysInReaderAndSchema) {
  std::ifstream file(kProject / "scenarios/schema.json");
  const auto schema = nlohmann::json::parse(file);
  const auto keys_of = [&](const std::string& pointer) {
    std::string keys;
    for (const auto& [key, value] : schema.at(nlohmann::json::json_pointer(pointer)).items()) {
      keys += (keys.empty() ? "" : ", ") + key;
    }
    return "unknown key 'zz': expected one of " + keys;
  };
  const std::string fault = "/definitions/fault/properties";
  EXPECT_THAT(errors_of(kLeast + "faults: [{loss: 1%, zz: 1}]\n"),
              testing::ElementsAre(testing::EndsWith(keys_of(fault))));
  EXPECT_THAT(errors_of(kLeast + "faults: [{partition: {zz: 1}}]\n"),
              testing::ElementsAre(testing::EndsWith(keys_of(fault + "/partition/properties"))));
  EXPECT_THAT(errors_of(kLeast + "faults: [{kill: {zz: 1}}]\n"),
              testing::ElementsAre(testing::EndsWith(keys_of(fault + "/kill/properties"))));
  EXPECT_THAT(errors_of(kLeast + "faults: [{change_address: {zz: 1}}]\n"),
              testing::ElementsAre(testing::EndsWith(keys_of(fault + "/change_address/properties"))));
  EXPECT_THAT(errors_of(kLeast + "network: {topology: {kind: routers, levels: [{zz: 1}]}}\n"),
              testing::ElementsAre(testing::EndsWith(keys_of("/definitions/router_level/properties"))));
}

}  // namespace
}  // namespace shoal::sim
