// The configuration file, shoal.yaml: one mapping of the keys of DaemonConfig to values; a list is written as
// one, or as its values separated by commas.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "node/control/daemon_config.h"

namespace shoal {

struct ConfigError {
  std::string where;  // "shoal.yaml:12:9"
  std::string message;
  std::string to_string() const { return where + ": " + message; }
};

// Sets what the text of a file says. `name` is the file's, for messages. All errors of the file, in its
// order; keys that are wrong are left as they were.
std::vector<ConfigError> read_config(std::string_view text, const std::string& name, DaemonConfig& config);

// A whole file with the values of `config`: every key, above it what it means, what it takes, its default.
std::string config_text(const DaemonConfig& config);

}  // namespace shoal
