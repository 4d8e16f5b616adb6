// The days, in UTC, of keys that change daily (DESIGN §5). Clocks differ: within kMidnightMargin of midnight
// two days count.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "node/base/instant.h"

namespace shoal {

// Whole days since the Unix epoch.
using UtcDay = std::uint32_t;
inline constexpr auto kMidnightMargin = std::chrono::hours(2);

// The day of `now`, and around midnight the other one too; earlier first.
inline std::vector<UtcDay> utc_days_at(WallTime now) {
  const auto day_of = [](WallTime when) {
    return static_cast<UtcDay>(std::chrono::floor<std::chrono::days>(when.time_since_epoch()).count());
  };
  const UtcDay first = day_of(now - kMidnightMargin);
  const UtcDay last = day_of(now + kMidnightMargin);
  return first == last ? std::vector<UtcDay>{first} : std::vector<UtcDay>{first, last};
}

}  // namespace shoal
