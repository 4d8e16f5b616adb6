// Values of a configuration as YAML has them.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/yaml.h>

#include <optional>
#include <string>
#include <vector>

namespace shoal {

// As NodeConfig::set takes it: lists with commas. Nothing for what is neither a scalar nor a list of scalars.
inline std::optional<std::string> config_value_text(const YAML::Node& value) {
  if (value.IsScalar()) return value.Scalar();
  if (!value.IsSequence()) return std::nullopt;
  std::vector<std::string> parts;
  for (const YAML::Node& part : value) {
    if (!part.IsScalar()) return std::nullopt;
    parts.push_back(part.Scalar());
  }
  return fmt::format("{}", fmt::join(parts, ","));
}

}  // namespace shoal
