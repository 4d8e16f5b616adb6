// The configuration of `shoal run`: from its file, and `shoal config`.
#pragma once

#include <vector>

#include "node/control/cli.h"
#include "node/control/config_file.h"

namespace shoal {

// Makes options.config what the file and the settings come to. All errors, of the file first.
std::vector<ConfigError> load_config(RunOptions& options);
// On standard error; the exit status.
int report(const std::vector<ConfigError>& errors);

int run_config_command(ConfigOptions options);

}  // namespace shoal
