// Tracer: sees every job a node runs, in order. The simulator hashes them into the trace hash of a run; the
// real node has none.
#pragma once

#include <cstdint>

#include "node/base/bytes.h"
#include "node/base/guid.h"
#include "node/base/instant.h"
#include "node/jobs/job_kind.h"

namespace shoal {

class Tracer {
 public:
  virtual ~Tracer() = default;
  // `bytes` is the job's own content: a datagram as it arrived, a request's key and body, a command.
  virtual void on_job(Instant when, JobKind kind, Guid guid, ByteView bytes) = 0;
};

}  // namespace shoal
