// `shoal status --watch`: the status of a running node again and again, in place in a terminal.
#pragma once

#include "node/control/cli.h"
#include "node/os/control_client.h"

namespace shoal {

// Until the node is gone or refuses, or standard output does not take it (kIo), which is returned. SIGINT and
// SIGTERM end the process with kExitOk, the terminal as it was.
ControlClient::Failure watch_status(ControlClient& client, const ControlOptions& options);

}  // namespace shoal
