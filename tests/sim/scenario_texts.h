// Scenarios as text, and what the reader makes of them: for the tests of the reader.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "sim/scenario_reader.h"

namespace shoal::sim {

inline const std::filesystem::path kProject = SHOAL_PROJECT_DIR;
inline const std::string kLeast = "name: x\nduration: 10min\npopulation: {size: 10}\n";

inline Scenario must_parse(const std::string& text, std::vector<Setting> settings = {}) {
  ScenarioOrErrors read = parse_scenario(text, "x.yaml", settings);
  for (const ScenarioError& error : read.errors) ADD_FAILURE() << error.to_string();
  return std::move(read.scenario);
}

inline std::vector<std::string> errors_of(const std::string& text, std::vector<Setting> settings = {}) {
  std::vector<std::string> lines;
  for (const ScenarioError& error : parse_scenario(text, "x.yaml", settings).errors) {
    lines.push_back(error.to_string());
  }
  return lines;
}

}  // namespace shoal::sim
