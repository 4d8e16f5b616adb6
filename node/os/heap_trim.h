// HeapTrim: hands back to the system what a burst of work leaves free in the heap. By itself glibc returns
// only what lies at its end, and a host that has just received a folder would hold on to as much again as it
// needs.
#pragma once

#include <cstdint>

#include "node/os/uv_handle.h"

namespace shoal {

class HeapTrim {
 public:
  explicit HeapTrim(uv_loop_t& loop, std::uint64_t quiet_ms = 2'000);
  // Trims once nothing has been done for `quiet_ms`. From the loop's thread.
  void work_was_done();

 private:
  UvHandle<uv_timer_t> timer_;
  std::uint64_t quiet_ms_;
};

}  // namespace shoal
