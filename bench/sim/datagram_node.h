// DatagramNode: what a benchmark puts on a simulated host in place of a node: datagrams and alarms, nothing
// else.
#pragma once

#include "sim/network.h"

namespace shoal::sim {

class DatagramNode : public HostedNode, private PortEvents {
 private:
  PortEvents& events() final { return *this; }
  bool run_jobs() final { return false; }
  void on_multicast(const Endpoint&, ByteView) final {}
  void on_stream_opened(StreamId, const Endpoint&, bool) final {}
  void on_stream_readable(StreamId) final {}
  void on_stream_writable(StreamId) final {}
  void on_stream_closed(StreamId) final {}
  void on_stream_reset(StreamId) final {}
  void on_committed(CommitId, const Result<void>&) final {}
};

}  // namespace shoal::sim
