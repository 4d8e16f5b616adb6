// HeapTrim: memory that a burst of work has left free goes back to the system once the work is over.
#include "node/os/heap_trim.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "node/os/event_loop.h"
#include "node/os/process_usage.h"

namespace shoal {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

TEST(HeapTrim, ReturnsWhatLiesFreeBelowWhatIsUsed) {
  EventLoop loop;
  HeapTrim trim(*loop.uv(), 1);
  const std::uint64_t before = process_usage().resident_bytes;
  using Block = std::array<std::uint8_t, 1024>;
  std::vector<std::unique_ptr<Block>> blocks(64 * 1024);
  for (auto& block : blocks) {
    block = std::make_unique<Block>();
    block->fill(1);
  }
  // The last stays: it keeps glibc from returning what lies below.
  blocks.erase(blocks.begin(), blocks.end() - 1);
  ASSERT_GT(process_usage().resident_bytes, before + 60 * kMiB);

  trim.work_was_done();
  const UvHandle<uv_timer_t> end(new uv_timer_t);
  uv_timer_init(loop.uv(), end.get());
  end->data = &loop;
  const auto stop = [](uv_timer_t* timer) { static_cast<EventLoop*>(timer->data)->stop(); };
  uv_timer_start(end.get(), stop, 50, 0);
  loop.run();
  EXPECT_LT(process_usage().resident_bytes, before + 8 * kMiB);
}

}  // namespace
}  // namespace shoal
