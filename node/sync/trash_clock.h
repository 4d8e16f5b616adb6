// TrashClock: counts the time for which a folder has lived, so that the age of what lies in its trash does
// not depend on the date. A pure value: now, date and lifetime are arguments.
//
// While the node runs, the count follows the monotonic clock. The time for which the node was off or the host
// slept is known by the date only, and a date may be wrong. So the count follows the date slowly:
// - A gap between the date and the count is closed at no more than kCatchUp times the speed of the clock, and
//   only as far as it was there at the previous advance() too.
// - A gap counts up to a quarter of the lifetime. A longer one is cut.
// - A date that lies behind holds nothing up.
// So no jump of the date expires anything at once, and one that is put right in time expires nothing early.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "node/base/instant.h"

namespace shoal::sync {

class TrashClock {
 public:
  static constexpr std::int64_t kCatchUp = 24;
  // Some 285,000 years: sums of such numbers do not overflow.
  static constexpr std::int64_t kNumberMax = std::int64_t{1} << 53;
  struct Saved {
    std::int64_t lived_ms = 0;
    std::int64_t epoch_ms = 0;  // the date at which the count would have been zero
    friend bool operator==(const Saved&, const Saved&) = default;
  };
  static std::string encode(const Saved& saved);
  static std::optional<Saved> decode(std::string_view text);

  // Goes on from what was saved, if anything, and never below `lived_ms_min`.
  void start(const std::optional<Saved>& saved, std::int64_t lived_ms_min, Instant now, WallTime date);
  void advance(Instant now, WallTime date, Duration lifetime);
  std::int64_t lived_ms(Instant now) const;
  // As of the last advance().
  const Saved& saved() const { return state_; }

 private:
  std::int64_t gap_ms(WallTime date) const;

  Saved state_;
  std::int64_t gap_ms_ = 0;  // at the last advance()
  Instant advanced_{};
};

}  // namespace shoal::sync
