// `shoal wait`: returns when a node that was just started is of use.
#pragma once

#include "node/control/cli.h"
#include "node/os/control_command.h"

namespace shoal {

// The status of the node once it answers and has options.wait_for contacts. Failures: kTimeout, it runs but
// has fewer by the end of options.timeout; kNotConnected, none runs by then, or it ended.
ControlResult wait_node(const ControlOptions& options);

}  // namespace shoal
