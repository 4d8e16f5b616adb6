// PortEvents: what a host tells its node. Every call only posts a job and returns; the host calls
// Node::run_jobs afterwards. A host never makes such a call from inside a port's method.
#pragma once

#include <memory>
#include <span>

#include "node/base/bytes.h"
#include "node/base/endpoint.h"
#include "node/base/result.h"
#include "node/ports/folder.h"
#include "node/ports/item_store.h"
#include "node/ports/streams.h"
#include "node/ports/work_pool.h"

namespace shoal {

class PortEvents {
 public:
  virtual ~PortEvents() = default;
  // `datagram` is valid during the call only.
  virtual void on_datagram(const Endpoint& from, ByteView datagram) = 0;
  // The same, for what was sent to a multicast group that the host has joined.
  virtual void on_multicast(const Endpoint& from, ByteView datagram) = 0;
  virtual void on_alarm() = 0;
  // `inbound`: the other side connected, from `peer`.
  virtual void on_stream_opened(StreamId stream, const Endpoint& peer, bool inbound) = 0;
  virtual void on_stream_readable(StreamId stream) = 0;
  virtual void on_stream_writable(StreamId stream) = 0;
  // The other side closed gracefully, and all its bytes have been read.
  virtual void on_stream_closed(StreamId stream) = 0;
  virtual void on_stream_reset(StreamId stream) = 0;
  virtual void on_committed(CommitId commit, const Result<void>& outcome) = 0;
  // For nodes that keep folders.
  virtual void on_folder_event(const FolderEvent& /*event*/) {}
  virtual void on_work_done(std::unique_ptr<Work> /*work*/) {}
  // The endpoints at which this host receives, each with the interface that it belongs to (0: the host tells
  // them not apart), at the start and whenever they change.
  virtual void on_interfaces(std::span<const Endpoint> own) = 0;
};

}  // namespace shoal
