// What this process uses of the machine, from /proc (Linux).
#pragma once

#include "node/control/metrics_text.h"

namespace shoal {

// Zero for what cannot be read.
ProcessUsage process_usage();

}  // namespace shoal
