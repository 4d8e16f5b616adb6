#include "node/os/system_clock.h"

#include <uv.h>

namespace shoal {

Instant SystemClock::now() const {
  return Instant(Duration(static_cast<Duration::rep>(uv_hrtime())));
}

WallTime SystemClock::wall_time() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace shoal
