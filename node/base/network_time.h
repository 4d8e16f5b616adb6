// NetworkTime: the wall time that most networks agree on. Expiries are absolute times signed by others; a
// host whose own clock is wrong would drop what others still want, keep what has expired, and publish what is
// born expired. So each answer says what time its sender has, and a host that finds itself far from the
// median goes by that.
//
// Offsets are kept against our own monotonic clock, so a jump of our wall clock changes none of them. One
// network has one vote (voice_of), its latest, so many keys at one address have no more weight than one; only
// answers to questions that this host chose to ask are votes. The correction is bounded: within an hour the
// time that we go by moves by kStepMax at most, whatever others say. Nothing may be deleted by it alone.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "node/base/endpoint.h"
#include "node/base/instant.h"

namespace shoal {

class NetworkTime {
 public:
  // Our own clock is right if it is so close to the others'. Real clocks that are set at all are within
  // seconds.
  static constexpr std::chrono::milliseconds kToleratedSkew = 60s;
  static constexpr std::size_t kVoicesMax = 15;
  // Fewer voices correct nothing …
  static constexpr std::size_t kVoicesMin = 5;
  // … but for so many that all say the same (within kToleratedSkew): a network may have no more hosts.
  static constexpr std::size_t kUnanimousMin = 3;
  // A wrong time zone is put right at once; who deceives most of the networks that we ask gets no further.
  static constexpr std::chrono::milliseconds kStepMax = 12h;
  static constexpr Duration kStepPeriod = 1h;

  // A host at `from` answered us now that its time is `theirs`, when our own clock said `own`.
  void heard(const Endpoint& from, WallTime theirs, WallTime own, Instant now) {
    if (!anchored_at_ || now - *anchored_at_ >= kStepPeriod) {
      anchor_ = (wall_time(own, now).time_since_epoch() - since_origin(now)).count();
      anchored_at_ = now;
    }
    place_of(voice_of(from)).offset = (theirs.time_since_epoch() - since_origin(now)).count();
    std::array<std::int64_t, kVoicesMax> sorted{};
    std::transform(voices_.begin(), voices_.begin() + static_cast<std::ptrdiff_t>(known_), sorted.begin(),
                   [](const Voice& voice) { return voice.offset; });
    std::sort(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(known_));
    median_ = sorted[known_ / 2];
    agree_ = sorted[known_ - 1] - sorted[0] <= kToleratedSkew.count();
  }

  // Have enough answers come to go by them?
  bool is_known() const { return known_ >= kVoicesMin || (known_ >= kUnanimousMin && agree_); }

  WallTime wall_time(WallTime own, Instant now) const {
    if (!is_known() || !is_off(own, now)) return own;
    const std::int64_t step = kStepMax.count();
    return at(std::clamp(median_, anchor_ - step, anchor_ + step), now);
  }

  // How far `wall` is ahead of the median of all answers; 0: there is none. Also of few answers, which may
  // all be wrong: show it to people, and correct nothing by it.
  std::chrono::milliseconds ahead(WallTime wall, Instant now) const {
    return known_ == 0 ? std::chrono::milliseconds::zero() : wall - at(median_, now);
  }
  // Is `wall` further from it than clocks may be apart?
  bool is_off(WallTime wall, Instant now) const {
    return std::chrono::abs(ahead(wall, now)) > kToleratedSkew;
  }

 private:
  struct Voice {
    std::uint64_t voice;
    std::int64_t offset;  // ms, their wall time less our monotonic one
  };

  // That of a new voice is the next free one; when there is none, it follows from the voice, which takes the
  // place of another.
  Voice& place_of(std::uint64_t voice) {
    const auto end = voices_.begin() + static_cast<std::ptrdiff_t>(known_);
    const auto found = std::find_if(voices_.begin(), end, [&](const Voice& v) { return v.voice == voice; });
    if (found != end) return *found;
    Voice& place = known_ < kVoicesMax ? voices_[known_++] : voices_[voice % kVoicesMax];
    place.voice = voice;
    return place;
  }
  static WallTime at(std::int64_t offset, Instant now) {
    return WallTime(since_origin(now) + std::chrono::milliseconds(offset));
  }
  static std::chrono::milliseconds since_origin(Instant now) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  }

  std::array<Voice, kVoicesMax> voices_{};
  std::size_t known_ = 0;
  std::int64_t median_ = 0;
  bool agree_ = false;
  // What we went by when this hour of corrections began.
  std::int64_t anchor_ = 0;
  std::optional<Instant> anchored_at_;
};

}  // namespace shoal
