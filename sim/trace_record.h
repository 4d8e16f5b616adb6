// TraceRecord: what a result keeps of its run's trace, so that a replay can say where it parts from it: the
// hash at regular jobs of the whole run, and every event of its beginning, or of a window that was asked for.
//
// Events are packed, about ten bytes each: in chunks, of which each can be read by itself. An event is, as
// LEB128 numbers: nanoseconds since the one before it (the first: since the chunk's time), host, kind, guid's
// slot and generation, size of its content; then the low 32 bits of the hash, little-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "node/base/bytes.h"
#include "sim/trace_event.h"

namespace shoal::sim {

struct TraceCheckpoint {
  std::uint64_t job = 0;
  Instant when{};
  std::uint64_t hash = 0;
};

struct TraceChunk {
  static constexpr std::uint32_t kJobsMax = 4096;

  std::uint64_t first_job = 0;
  std::uint32_t jobs = 0;
  Instant when{};  // of the first job
  Bytes events;

  // Precondition of append: it is the job after the last one, and there is room. The times of jobs are their
  // hosts' own.
  void append(const TraceEvent& event);
  // Nothing when the bytes are not what append() makes.
  std::optional<std::vector<TraceEvent>> unpack() const;

 private:
  Instant last_{};
};

struct TraceRecord {
  std::vector<TraceCheckpoint> checkpoints;  // by job; the last is of the run's last job
  std::vector<TraceChunk> chunks;            // by job
};

}  // namespace shoal::sim
