#include "node/os/heap_trim.h"

#include <cstdlib>  // defines __GLIBC__

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace shoal {
namespace {

void trim(uv_timer_t* /*timer*/) {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

}  // namespace

HeapTrim::HeapTrim(uv_loop_t& loop, std::uint64_t quiet_ms) : timer_(new uv_timer_t), quiet_ms_(quiet_ms) {
  uv_timer_init(&loop, timer_.get());
}

void HeapTrim::work_was_done() {
  uv_timer_start(timer_.get(), trim, quiet_ms_, 0);
}

}  // namespace shoal
