// NodeContext: what every part of a node needs, held once by the Node and handed to its parts by reference.
#pragma once

#include <cstdint>
#include <utility>

#include "node/base/agenda.h"
#include "node/base/guid.h"
#include "node/base/rng.h"
#include "node/config.h"
#include "node/counters.h"
#include "node/jobs/job_queue.h"
#include "node/ports/clock.h"

namespace shoal {

// What a deadline is for; the guid names the work, if it is one piece of many.
enum class DeadlineKind : std::uint8_t {
  kRequest,            // an out worker has waited long enough
  kConnection,         // handshake or idle time-out of a session
  kBootstrap,          // a round of bootstrap ends, or the next begins
  kCheckContact,       // ping the contact that was silent for longest
  kRefreshBuckets,     // look up ids in buckets nobody was seen in
  kRefreshNeighbours,  // look up our own id
  kRenewItems,         // renew or expire items we hold
  kPublishSelf,        // renew our connection item
  kSaveHosts,          // write the known hosts
  kStop,               // do not wait any longer for answers to shutdown_host
};

struct Deadline {
  DeadlineKind kind;
  Guid guid;
};

struct NodeContext {
  NodeConfig config;
  Clock& clock;
  Rng rng;
  JobQueue jobs;
  Agenda<Deadline> agenda;
  NodeCounters counters;

  Instant now() const { return clock.now(); }
  void at(Instant when, DeadlineKind kind, Guid guid = {}) { agenda.add(when, Deadline{kind, guid}); }
  void after(Duration delay, DeadlineKind kind, Guid guid = {}) { at(now() + delay, kind, guid); }
};

}  // namespace shoal
