// DiskRoom: how much of a folder's disk may still be given to what is being fetched. A pure value.
//
// Room is reserved before anything is fetched. A measurement says what is free; what is reserved and perhaps
// not written yet is subtracted from it, and so is a floor that stays free for others. What is reserved until
// the next measurement is subtracted too. So files that come at one time do not take the same room.
#pragma once

#include <cstdint>
#include <optional>

#include "node/base/instant.h"
#include "node/ports/folder.h"

namespace shoal::sync {

class DiskRoom {
 public:
  // Others write to the disk as well: a measurement is good for so long.
  static constexpr Duration kMeasuredFor = std::chrono::seconds(5);
  // What does not fit is measured again before it is refused, unless that was done so recently.
  static constexpr Duration kRefusedFor = std::chrono::seconds(1);
  // Blocks and names take some room themselves.
  static constexpr std::uint64_t kPerFile = 8192;

  enum class Answer : std::uint8_t { kReserved, kMeasureFirst, kTooLittle };
  Answer reserve(std::uint64_t bytes, Instant now);
  // They are written, or not needed any longer.
  void release(std::uint64_t bytes) { reserved_ -= bytes; }

  void begin_measuring();
  // Nothing: the disk does not say, so nothing is refused.
  void measured(const std::optional<DiskSpace>& space, std::uint64_t floor, Instant now);
  bool is_measuring() const { return is_measuring_; }
  Instant measured_at() const { return measured_at_; }
  // Beyond what is reserved.
  std::uint64_t free_bytes() const { return free_bytes_; }
  std::uint64_t floor_bytes() const { return floor_bytes_; }

 private:
  std::uint64_t reserved_ = 0;
  std::uint64_t reserved_before_ = 0;  // when the measuring began
  std::uint64_t free_bytes_ = 0;
  std::uint64_t floor_bytes_ = 0;
  bool is_measuring_ = false;
  bool is_known_ = false;
  Instant measured_at_{};
};

}  // namespace shoal::sync
