// shoal put --tree, shoal get LINK: whole directories as values of the DHT, by way of the running node.
#pragma once

#include "node/control/cli.h"

namespace shoal {

// Shows how far it is on standard error; the link of a put is the last line of standard output. Returns the
// exit status: kExitUsage too when an entry could not be read, or was in the way of what was to be written.
// Standard error says of each why it was left out; pipes, sockets and devices always are.
int run_tree_command(const TreeOptions& options);

}  // namespace shoal
