#include "sim/heap.h"

#include <malloc.h>

#include <utility>

namespace shoal::sim {

std::uint64_t HeapMeter::in_use() {
  const struct mallinfo2 heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

bool HeapMeter::works() {
  return in_use() > 0;
}

std::uint64_t HeapMeter::given_back() {
  const std::uint64_t before = std::exchange(before_, in_use());
  return before - (before < before_ ? before : before_);
}

std::uint64_t HeapMeter::taken() {
  const std::uint64_t before = std::exchange(before_, in_use());
  return before_ - (before_ < before ? before_ : before);
}

}  // namespace shoal::sim
