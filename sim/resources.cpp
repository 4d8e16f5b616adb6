#include "sim/resources.h"

#include <malloc.h>
#include <sys/resource.h>

#include <utility>

namespace shoal::sim {
namespace {

rusage used() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage;
}

}  // namespace

double cpu_seconds() {
  const rusage usage = used();
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::uint64_t peak_memory_bytes() {
  return static_cast<std::uint64_t>(used().ru_maxrss) * 1024;
}

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
