// NetworkTime: the wall time that most hosts agree on. Expiries are absolute times signed by others; a host
// whose own clock is wrong would drop what others still want, keep what has expired, and publish what is born
// expired. So each answer says what time its sender has, and a host that finds itself far from the median
// goes by that.
//
// Offsets are kept against our own monotonic clock, so a jump of our wall clock changes none of them. Every
// contact writes to one place, chosen by its key: one that talks much has no more weight than one that talks
// little, and whoever would move the median must answer most of what we ask.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "node/base/id.h"
#include "node/base/instant.h"

namespace shoal {

class NetworkTime {
 public:
  // Our own clock is right if it is so close to the others'. Real clocks that are set at all are within
  // seconds.
  static constexpr std::chrono::milliseconds kToleratedSkew = 60s;
  static constexpr std::size_t kPlaces = 15;
  // Fewer answers say nothing.
  static constexpr std::size_t kAnswersMin = 5;

  // `contact` answered us now that its time is `wall`.
  void heard(const Id& contact, WallTime wall, Instant now) {
    std::int64_t& place = offsets_[contact.bytes.back() % kPlaces];
    if (place == kUnknown) ++known_;
    place = (wall.time_since_epoch() - since_origin(now)).count();
    std::array<std::int64_t, kPlaces> sorted = offsets_;
    std::sort(sorted.begin(), sorted.end());  // what is unknown comes last
    median_ = sorted[known_ / 2];
  }

  // Have enough answers come for wall_time() to be right?
  bool is_known() const { return known_ >= kAnswersMin; }

  WallTime wall_time(WallTime own, Instant now) const {
    if (!is_known()) return own;
    return std::chrono::abs(ahead(own, now)) <= kToleratedSkew ? own : theirs(now);
  }

  // How far our own clock is ahead of the median of all answers; 0: there is none. Also of few answers, which
  // may all be wrong: show it to people, and correct nothing by it.
  std::chrono::milliseconds ahead(WallTime own, Instant now) const {
    return known_ == 0 ? std::chrono::milliseconds::zero() : own - theirs(now);
  }

 private:
  static constexpr std::int64_t kUnknown = INT64_MAX;
  WallTime theirs(Instant now) const {
    return WallTime(since_origin(now) + std::chrono::milliseconds(median_));
  }
  static std::chrono::milliseconds since_origin(Instant now) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  }
  static constexpr std::array<std::int64_t, kPlaces> none_known() {
    std::array<std::int64_t, kPlaces> offsets{};
    offsets.fill(kUnknown);
    return offsets;
  }

  std::array<std::int64_t, kPlaces> offsets_ = none_known();  // ms, their wall time less our monotonic one
  std::int64_t median_ = 0;
  std::size_t known_ = 0;
};

}  // namespace shoal
