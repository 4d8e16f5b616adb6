// One command of the command line against a running node: reads its files, asks, prints, and gives the exit
// status.
#pragma once

#include "node/control/cli.h"
#include "node/os/control_client.h"

namespace shoal {

// Fills in what comes from files, from the working directory and from the clock. Errors as read_input() and
// read_key_file().
Result<void> read_files(ControlOptions& options);

// The object under "ok", or why there is none. Results go to standard output, all else to standard error; the
// exit status.
using ControlResult = tl::expected<nlohmann::json, ControlClient::Failure>;
int report(const ControlOptions& options, ControlResult answer);

// Results go to standard output, all else to standard error.
int run_control_command(ControlOptions options);

}  // namespace shoal
