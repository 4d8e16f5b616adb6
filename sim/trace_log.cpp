#include "sim/trace_log.h"

#include <algorithm>

namespace shoal::sim {

TraceLog::TraceLog(std::optional<TraceWindow> window)
    : window_(window.value_or(TraceWindow{})), bytes_max_(window ? kWindowBytesMax : kEventBytesMax) {}

void TraceLog::on_event(const TraceEvent& event) {
  last_ = {event.job, event.when, event.hash};
  if (event.job % stride_ == 0) {
    record_.checkpoints.push_back(last_);
    if (record_.checkpoints.size() == kCheckpointsMax) thin_out_checkpoints();
  }
  if (event.when >= window_.from && event.when < window_.to && bytes_ < bytes_max_) keep(event);
}

void TraceLog::keep(const TraceEvent& event) {
  if (record_.chunks.empty() || record_.chunks.back().jobs == TraceChunk::kJobsMax) {
    if (!record_.chunks.empty()) {
      record_.chunks.back().events.shrink_to_fit();
      bytes_ += record_.chunks.back().events.size();
    }
    if (bytes_ >= bytes_max_) return;
    record_.chunks.emplace_back();
  }
  record_.chunks.back().append(event);
}

void TraceLog::thin_out_checkpoints() {
  stride_ *= 2;
  std::erase_if(record_.checkpoints, [this](const TraceCheckpoint& at) { return at.job % stride_ != 0; });
}

void TraceLog::finish() {
  if (record_.checkpoints.empty() || record_.checkpoints.back().job != last_.job) {
    record_.checkpoints.push_back(last_);
  }
}

}  // namespace shoal::sim
