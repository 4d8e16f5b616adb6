#include "node/sync/disk_room.h"

#include <algorithm>
#include <limits>

namespace shoal::sync {
namespace {

constexpr std::uint64_t kDiskPerFloor = 16;  // a small disk keeps at most one part in so many free

}  // namespace

DiskRoom::Answer DiskRoom::reserve(std::uint64_t bytes, Instant now) {
  if (is_measuring_ || !is_known_ || now - measured_at_ >= kMeasuredFor) return Answer::kMeasureFirst;
  if (bytes > free_bytes_) {
    return now - measured_at_ >= kRefusedFor ? Answer::kMeasureFirst : Answer::kTooLittle;
  }
  free_bytes_ -= bytes;
  reserved_ += bytes;
  return Answer::kReserved;
}

void DiskRoom::begin_measuring() {
  is_measuring_ = true;
  reserved_before_ = reserved_;
}

void DiskRoom::measured(const std::optional<DiskSpace>& space, std::uint64_t floor, Instant now) {
  is_measuring_ = false;
  is_known_ = true;
  measured_at_ = now;
  floor_bytes_ = space ? std::min(floor, space->total_bytes / kDiskPerFloor) : 0;
  free_bytes_ = space ? space->free_bytes : std::numeric_limits<std::uint64_t>::max();
  free_bytes_ -= std::min(free_bytes_, floor_bytes_);
  free_bytes_ -= std::min(free_bytes_, reserved_before_);
}

}  // namespace shoal::sync
