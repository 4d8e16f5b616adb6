// SystemClock: the Clock port on the machine's clocks. Its origin is that of libuv's timers.
#pragma once

#include "node/ports/clock.h"

namespace shoal {

class SystemClock final : public Clock {
 public:
  Instant now() const override;
  WallTime wall_time() const override;
};

}  // namespace shoal
