// shoal key: the keys of groups on this host.
#pragma once

#include "node/control/cli.h"

namespace shoal {

// Does it, prints what came of it, and returns the exit status.
int run_key_command(const KeyOptions& options);

}  // namespace shoal
