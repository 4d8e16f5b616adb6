// TraceEvent: one job of a run as its trace knows it, and who hears of each.
#pragma once

#include <cstdint>

#include "node/base/guid.h"
#include "node/base/instant.h"
#include "node/jobs/job_kind.h"
#include "sim/host_index.h"

namespace shoal::sim {

struct TraceEvent {
  std::uint64_t job = 0;  // its number in the run, from 1
  Instant when{};
  HostIndex host = 0;
  JobKind kind = JobKind::kHandleDatagram;
  Guid guid;
  std::uint32_t bytes = 0;  // size of the job's content
  std::uint64_t hash = 0;   // of the trace up to and with this job (sim/trace_hash.h)
};

class TraceObserver {
 public:
  virtual ~TraceObserver() = default;
  virtual void on_event(const TraceEvent& event) = 0;
};

}  // namespace shoal::sim
