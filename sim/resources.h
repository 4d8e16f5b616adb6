// What this process has used of its machine.
#pragma once

#include <cstdint>

namespace shoal::sim {

// CPU time so far, all threads.
double cpu_seconds();
// The most that was resident so far.
std::uint64_t peak_memory_bytes();

// What is taken from the heap, and given back to it, between two moments, the allocator's own overhead
// included.
class HeapMeter {
 public:
  // False under an allocator that does not tell, such as that of AddressSanitizer: all is 0 then.
  static bool works();

  HeapMeter() : before_(in_use()) {}
  // Since the last call of either, or since the start.
  std::uint64_t given_back();
  std::uint64_t taken();

 private:
  static std::uint64_t in_use();
  std::uint64_t before_;
};

}  // namespace shoal::sim
