// TraceLog: keeps a TraceRecord of a run while it lasts, in bounded memory: of a long run, the hash at fewer
// of its jobs, and its first events only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "sim/trace_record.h"

namespace shoal::sim {

// The events that are kept; by default, from the start.
struct TraceWindow {
  Instant from{};
  Instant to = Instant::max();  // exclusive
};

class TraceLog final : public TraceObserver {
 public:
  explicit TraceLog(std::optional<TraceWindow> window = std::nullopt);

  void on_event(const TraceEvent& event) override;
  // The run has ended: no event follows.
  void finish();
  const TraceRecord& record() const { return record_; }

  // About 1.5 million events; of a window that was asked for, sixteen times as many.
  static constexpr std::size_t kEventBytesMax = 16u << 20;
  static constexpr std::size_t kWindowBytesMax = 256u << 20;
  static constexpr std::size_t kCheckpointsMax = 1u << 15;

 private:
  void keep(const TraceEvent& event);
  void thin_out_checkpoints();

  TraceWindow window_;
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;      // of full chunks
  std::uint64_t stride_ = 64;  // jobs from checkpoint to checkpoint
  TraceCheckpoint last_;
  TraceRecord record_;
};

}  // namespace shoal::sim
