// shoal share, shoal join: a key in the key directory, and the running node told to sync a directory under
// it.
#pragma once

#include "node/control/cli.h"

namespace shoal {

// Does it, prints what came of it, and returns the exit status. Unless the node takes the folder, the key and
// the directory that were made for it are removed again; they stay when the node does not answer in time,
// since it may have taken the folder all the same.
int run_share_command(ShareOptions options);

}  // namespace shoal
