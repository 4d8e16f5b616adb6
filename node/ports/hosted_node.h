// HostedNode: what runs on a host, as every kind of host drives it. HostPorts: what the host gives it.
#pragma once

#include "node/ports/alarm.h"
#include "node/ports/clock.h"
#include "node/ports/datagrams.h"
#include "node/ports/events.h"
#include "node/ports/streams.h"

namespace shoal {

class HostedNode {
 public:
  virtual ~HostedNode() = default;
  virtual PortEvents& events() = 0;
  // Called after events. Does a bounded amount of work; true when some remains: it is called again at once,
  // or on real sockets in the loop's next turn, so that IO stays responsive.
  virtual bool run_jobs() = 0;
  // A hint that events for it come soon, from a host of so many nodes that their memory is seldom in the
  // processor's caches: asks for it, and does nothing else.
  virtual void prefetch() const {}
};

struct HostPorts {
  Clock& clock;
  Alarm& alarm;
  Datagrams& datagrams;
  Streams& streams;
};

}  // namespace shoal
