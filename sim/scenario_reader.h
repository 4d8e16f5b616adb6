// Reads the scenario language: one YAML file, or its text, into a Scenario. All errors of a file are reported
// together, each with file, line, column and what was expected; with any error there is no scenario.
// scenarios/schema.json says the same for editors.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/scenario.h"
#include "sim/yaml_section.h"

namespace shoal::sim {

struct ScenarioOrErrors {
  Scenario scenario;  // meaningful only without errors
  std::vector<ScenarioError> errors;
};

// `name` is what errors call the file. Settings are applied in their order, then everything is checked. Files
// that the scenario names are asked of `read_file`; without one there are none.
ScenarioOrErrors parse_scenario(std::string_view text, const std::string& name,
                                std::span<const Setting> settings = {}, FileReader read_file = {});
// Files that it names are found from its own folder.
ScenarioOrErrors read_scenario(const std::filesystem::path& file, std::span<const Setting> settings = {});

// As a result shows it: the settings as comments at its end.
std::string text_with_settings(std::string_view text, std::span<const Setting> settings);

// "network.loss=1%"; nothing when there is no key before a '='.
std::optional<Setting> parse_setting(std::string_view text);

}  // namespace shoal::sim
