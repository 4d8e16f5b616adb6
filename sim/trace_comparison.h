// TraceComparison: holds the events of a run, as they come, against the record of another one, and finds the
// first where the two part. It is named exactly where the record has the events; elsewhere as one of those
// between two checkpoints.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "sim/trace_record.h"

namespace shoal::sim {

class TraceComparison final : public TraceObserver {
 public:
  // The record, which is well-formed, must outlive it.
  explicit TraceComparison(const TraceRecord& stored) : stored_(stored) {}

  void on_event(const TraceEvent& event) override;
  // The run has ended: no event follows.
  void finish();

  struct Parting {
    // The first event that differs is one of these; they are equal when it is known.
    std::uint64_t first_job = 0, last_job = 0;
    // When it is known. Nothing: that run has ended before.
    std::optional<TraceEvent> stored, now;
    std::vector<TraceEvent> common;  // the last ones before it
    // When it is not known: this run's events of those jobs, and when both runs had done them.
    std::vector<TraceEvent> between;
    Instant done{};
    bool is_known() const { return first_job == last_job; }
  };
  const std::optional<Parting>& parting() const { return parting_; }
  std::uint64_t jobs() const { return jobs_; }

  static constexpr std::size_t kCommonShown = 5;

 private:
  const TraceEvent* stored_event(std::uint64_t job);
  const TraceCheckpoint* checkpoint(std::uint64_t job);
  void part(std::uint64_t last_job, const TraceEvent* stored, const TraceEvent* now);

  const TraceRecord& stored_;
  std::size_t chunk_ = 0;             // of the event asked for last
  std::vector<TraceEvent> unpacked_;  // of that chunk
  std::size_t next_checkpoint_ = 0;
  std::uint64_t jobs_ = 0;         // seen
  std::uint64_t good_until_ = 0;   // up to this job the two are the same
  std::deque<TraceEvent> common_;  // the last of those
  std::vector<TraceEvent> unjudged_;
  std::optional<Parting> parting_;
};

}  // namespace shoal::sim
