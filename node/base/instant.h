// Time as the core sees it: an Instant of a monotonic clock whose origin means nothing, a Duration, and the
// wall time for what crosses hosts or restarts (expiries). All come from the Clock port.
#pragma once

#include <chrono>
#include <cstdint>

namespace shoal {

using Duration = std::chrono::nanoseconds;
using namespace std::chrono_literals;

struct MonotonicClock {  // a tag: it has no now()
  using duration = Duration;
  using rep = Duration::rep;
  using period = Duration::period;
  using time_point = std::chrono::time_point<MonotonicClock, Duration>;
  static constexpr bool is_steady = true;
};
using Instant = MonotonicClock::time_point;
inline constexpr Instant kNever = Instant::max();

// Milliseconds since the Unix epoch, UTC.
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

inline double to_seconds(Duration d) {
  return std::chrono::duration<double>(d).count();
}
inline double to_milliseconds(Duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}
inline Duration from_seconds(double s) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(s));
}

}  // namespace shoal
