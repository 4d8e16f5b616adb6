// The operating system's entropy pool, as a seed.
#pragma once

#include "node/base/rng.h"

namespace shoal {

Rng os_seeded_rng();

}  // namespace shoal
