// Connections: the sessions of a node, at most one in use to each host, over the Streams port.
//
//   open() ─► connecting ─► handshake ─► established ──(idle, and no group is shared)──► finished
//   inbound stream ────────────┘              │
//       (time-out, bad bytes, reset, silence) ┴──► lost
//
// Sessions in which a group is shared stay, and each side says every session_keep_alive that it is there;
// after three of these without a byte the other is gone. Of two sessions with one host both sides keep the
// one that the host with the lower key began, unless one is much older: a host does not call whom it has a
// session with, so it has lost that one. Handshakes of strangers are bounded in number, in all and per
// source (an IPv4 address or an IPv6 /64).
//
// Strangers are those that have begun a session and share no group with us. They have half of the places, and
// of one source sessions_per_source_max; of these the one that was silent for longest gives way to the next,
// and where all places of strangers are taken it is one of the source that has most. The other half is for
// peers and for our own calls. Where the handshakes are too many in all, one of the source that has most
// gives way too.
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
#include "node/secure/session_groups.h"

namespace shoal {

class ConnectionListener {
 public:
  virtual ~ConnectionListener() = default;
  virtual void on_session_message(const Origin& origin, ByteView message) = 0;
  // The groups that we share with a host are others than before; sorted. `contact`: where we connected to, or
  // where the host connected from.
  virtual void on_shared_groups(Guid connection, const Contact& contact, bool outbound,
                                const std::vector<Id>& groups) = 0;
  // Never from inside another call. `contact` is set where we connected to it. `reset`: it ended otherwise
  // than by an explicit end.
  virtual void on_session_lost(Guid connection, const std::optional<Contact>& contact, bool reset) = 0;
};

class Connections {
 public:
  Connections(NodeContext& context, const KeyPair& keys, SessionGroups& groups, Streams& streams,
              ConnectionListener& listener);

  // Our key is new: there are no invitations to it from before the start, so those of peers whose clocks are
  // behind count.
  void on_new_key() { started_ -= 2 * std::chrono::minutes(SessionGroups::kMinutesApartMax); }
  // The session to this contact, established or under way. A new one names `group`, one of ours, from its
  // first message on. Errors kBusy (sessions_max), kIo.
  Result<Guid> open(const Contact& contact, std::optional<Id> group = {});
  // Our groups have changed: all sessions prove them anew.
  void on_groups_changed();
  // Queues a message; kNotConnected when the session has ended, kBusy when its queue is full.
  Result<void> send(Guid connection, std::uint32_t stream, Bytes message);
  // Would a message of this size be queued? True when the session has ended, too: send() says so.
  bool has_room(Guid connection, std::size_t bytes) const;
  // A number for the stream of a new request.
  std::uint32_t next_stream(Guid connection);

  void handle(const HandleStream& job);
  void on_deadline(Guid connection);
  // Tells the listener of the sessions that have ended.
  void report_lost();
  // Are these sessions still good, now that an address of ours is gone? Those of groups in which nothing is
  // heard within kDoubted from now end; the caller asks something in each.
  void doubt_all();
  static constexpr Duration kDoubted = std::chrono::seconds(5);
  // Ends the session to a host that has left the table, unless we share a group.
  void close(const Id& host);
  void close_all();
  // Resets them, without telling the listener.
  void reset_all();

  bool has(StreamId stream) const { return by_stream_.contains(stream); }
  std::size_t size() const { return connections_.size(); }

 private:
  struct Connection {
    StreamId stream;
    Endpoint peer;
    std::optional<Contact> contact;
    std::unique_ptr<Session> session;
    Instant established_at;
    Instant last_active;
    Instant last_heard;
    Instant last_sent;
    Instant rekey_at;
    Instant deadline;  // entries of the agenda before it are out of date
    std::uint32_t next_stream = 1;
    std::optional<Instant> doubted_at;
    bool finishing = false;
    bool shares_groups = false;

    bool outbound() const { return contact.has_value(); }
  };

  struct Lost {
    Guid connection;
    std::optional<Contact> contact;
    bool reset;
  };

  void accept(StreamId stream, const Endpoint& peer);
  bool may_accept(const Endpoint& peer);
  std::size_t strangers_max() const { return (context_.config.sessions_max + 1) / 2; }
  static bool is_half_open(const Connection& connection);
  static bool is_stranger(const Connection& connection);
  // Ends one of these, of `source` or else of the source that has most: the one that was silent for longest.
  // False: there is none.
  bool end_one(bool (*is_of)(const Connection&), const Endpoint* source);
  Guid insert(Connection connection);
  // The first time that it is established.
  void on_established(Guid guid);
  void tell_shared_groups(Guid guid);
  void end_duplicate(Guid guid);
  std::optional<Id> host_of(const Connection& connection) const;
  void keep_alive(Guid guid);
  void schedule(Guid guid, Instant when);
  void read(Guid guid);
  // Moves what the session has to say into the stream.
  void flush(Guid guid);
  void deliver(Guid guid);
  void lose(Guid guid, bool reset);
  void finish(Guid guid);
  Guid find(StreamId stream) const;

  NodeContext& context_;
  const KeyPair& keys_;
  SessionGroups& groups_;
  Streams& streams_;
  ConnectionListener& listener_;
  Instant started_;
  SlotTable<Connection> connections_;
  std::map<StreamId, Guid> by_stream_;
  std::map<Id, Guid> by_host_;
  std::vector<Lost> lost_;
};

}  // namespace shoal
