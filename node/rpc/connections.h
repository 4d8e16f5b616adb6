// Connections: the sessions of a node, at most one in use to each host, over the Streams port.
//
//   open() ─► connecting ─► handshake ─► established ──(idle)──► finished
//   inbound stream ────────────┘              │
//       (time-out, bad bytes, reset) ─────────┴──► lost
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "node/base/contact.h"
#include "node/base/guid.h"
#include "node/base/slot_table.h"
#include "node/jobs/job.h"
#include "node/jobs/node_context.h"
#include "node/ports/streams.h"
#include "node/secure/session.h"

namespace shoal {

class ConnectionListener {
 public:
  virtual ~ConnectionListener() = default;
  virtual void on_session_message(const Origin& origin, ByteView message) = 0;
  // Never from inside another call. `contact` is set where we connected to it. `reset`: it ended otherwise
  // than by an explicit end.
  virtual void on_session_lost(Guid connection, const std::optional<Contact>& contact, bool reset) = 0;
};

class Connections {
 public:
  Connections(NodeContext& context, const KeyPair& keys, Streams& streams, ConnectionListener& listener);

  // The session to this contact, established or under way. Errors kBusy (sessions_max), kIo.
  Result<Guid> open(const Contact& contact);
  // Queues a message; kNotConnected when the session has ended, kBusy when its queue is full.
  Result<void> send(Guid connection, std::uint32_t stream, Bytes message);
  // A number for the stream of a new request.
  std::uint32_t next_stream(Guid connection);

  void handle(const HandleStream& job);
  void on_deadline(Guid connection);
  // Tells the listener of the sessions that have ended.
  void report_lost();
  // Ends the session to a host that has left the table.
  void close(const Id& host);
  void close_all();

  std::size_t size() const { return connections_.size(); }

 private:
  struct Connection {
    StreamId stream;
    Endpoint peer;
    std::optional<Contact> contact;
    std::unique_ptr<Session> session;
    Instant opened;
    Instant last_active;
    std::uint32_t next_stream = 1;
    bool finishing = false;
  };

  struct Lost {
    Guid connection;
    std::optional<Contact> contact;
    bool reset;
  };

  void accept(StreamId stream, const Endpoint& peer);
  void begin(Guid guid);
  void read(Guid guid);
  // Moves what the session has to say into the stream.
  void flush(Guid guid);
  void deliver(Guid guid);
  void lose(Guid guid, bool reset);
  void finish(Guid guid);
  Guid find(StreamId stream) const;

  NodeContext& context_;
  const KeyPair& keys_;
  Streams& streams_;
  ConnectionListener& listener_;
  SlotTable<Connection> connections_;
  std::map<StreamId, Guid> by_stream_;
  std::map<Id, Guid> by_host_;
  std::vector<Lost> lost_;
};

}  // namespace shoal
