// One command of the command line against a running node: reads its files, asks, prints, and gives the exit
// status.
#pragma once

#include "node/control/cli.h"

namespace shoal {

// Results go to standard output, all else to standard error.
int run_control_command(ControlOptions options);

}  // namespace shoal
