// Witness: what the simulator can look up in a host at any moment, for those who judge a run (Oracle,
// Recorder).
#pragma once

#include <optional>

#include "node/base/guid.h"
#include "node/base/id.h"
#include "node/jobs/job_kind.h"
#include "node/ports/item_store.h"
#include "sim/host_index.h"

namespace shoal::sim {

class Witness {
 public:
  virtual ~Witness() = default;

  struct Job {
    JobKind kind = JobKind::kHandleDatagram;
    Guid guid;
  };
  // The job that the host runs, or ran last. Nothing: it is not running, or has run none.
  virtual std::optional<Job> last_job(HostIndex host) const = 0;
  // Does a contact with this key stand in the routing table of `host`? False when it is not running.
  virtual bool knows(HostIndex host, const Id& key) const = 0;
  // What lies on the host's disk under this name, expired or not.
  virtual std::optional<StoredItem> held(HostIndex host, const ItemName& name) const = 0;
  // As Network::can_meet().
  virtual bool can_meet(HostIndex a, HostIndex b) const = 0;
};

}  // namespace shoal::sim
