#include "sim/trace_comparison.h"

#include <algorithm>
#include <utility>

namespace shoal::sim {
namespace {

// A record has 32 bits of the hash.
bool same(const TraceEvent& stored, const TraceEvent& now) {
  return stored.when == now.when && stored.host == now.host && stored.kind == now.kind &&
         stored.guid == now.guid && stored.bytes == now.bytes &&
         static_cast<std::uint32_t>(stored.hash) == static_cast<std::uint32_t>(now.hash);
}

}  // namespace

const TraceEvent* TraceComparison::stored_event(std::uint64_t job) {
  const auto& chunks = stored_.chunks;
  while (chunk_ < chunks.size() && job >= chunks[chunk_].first_job + chunks[chunk_].jobs) {
    ++chunk_;
    unpacked_.clear();
  }
  if (chunk_ == chunks.size() || job < chunks[chunk_].first_job) return nullptr;
  if (unpacked_.empty()) unpacked_ = chunks[chunk_].unpack().value_or(std::vector<TraceEvent>{});
  const auto place = static_cast<std::size_t>(job - chunks[chunk_].first_job);
  return place < unpacked_.size() ? &unpacked_[place] : nullptr;
}

const TraceCheckpoint* TraceComparison::checkpoint(std::uint64_t job) {
  const auto& checkpoints = stored_.checkpoints;
  while (next_checkpoint_ < checkpoints.size() && checkpoints[next_checkpoint_].job < job) ++next_checkpoint_;
  const bool there = next_checkpoint_ < checkpoints.size() && checkpoints[next_checkpoint_].job == job;
  return there ? &checkpoints[next_checkpoint_] : nullptr;
}

void TraceComparison::on_event(const TraceEvent& event) {
  if (parting_) return;
  jobs_ = event.job;
  unjudged_.push_back(event);
  const TraceEvent* const stored = stored_event(event.job);
  const TraceCheckpoint* const at = checkpoint(event.job);
  const bool stored_has_ended = stored_.checkpoints.empty() || event.job > stored_.checkpoints.back().job;
  if (stored == nullptr && at == nullptr && !stored_has_ended) return;  // a later one will tell
  if (stored_has_ended || (stored != nullptr && !same(*stored, event)) ||
      (at != nullptr && at->hash != event.hash)) {
    return part(event.job, stored, &event);
  }
  good_until_ = event.job;
  for (const TraceEvent& good : std::exchange(unjudged_, {})) {
    common_.push_back(good);
    if (common_.size() > kCommonShown) common_.pop_front();
  }
}

void TraceComparison::finish() {
  if (parting_ || stored_.checkpoints.empty() || good_until_ == stored_.checkpoints.back().job) return;
  const std::uint64_t next = jobs_ + 1;
  part(next, stored_event(next), nullptr);
}

void TraceComparison::part(std::uint64_t last_job, const TraceEvent* stored, const TraceEvent* now) {
  Parting parting;
  parting.first_job = good_until_ + 1;
  parting.last_job = last_job;
  if (parting.is_known()) {
    if (stored != nullptr) parting.stored = *stored;
    if (now != nullptr) parting.now = *now;
  } else {
    parting.between = unjudged_;
    parting.done = unjudged_.back().when;
    if (next_checkpoint_ < stored_.checkpoints.size()) {
      parting.done = std::max(parting.done, stored_.checkpoints[next_checkpoint_].when);
    }
  }
  parting.common.assign(common_.begin(), common_.end());
  parting_ = std::move(parting);
}

}  // namespace shoal::sim
