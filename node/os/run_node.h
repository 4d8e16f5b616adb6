// `shoal run`: one node on this machine, from its data directory to its clean end.
#pragma once

#include "node/control/cli.h"

namespace shoal {

// Runs until SIGINT, SIGTERM or a stop command, logging to standard error; one line on standard output tells
// when it is ready. The exit status.
int run_node(RunOptions options);

}  // namespace shoal
