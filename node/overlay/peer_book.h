// PeerBook: the peers of one group that this host has heard of, where they may be, and when to try them. A
// pure value: it opens no connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "node/base/contact.h"
#include "node/base/guid.h"
#include "node/base/instant.h"
#include "node/base/rng.h"

namespace shoal {

struct PeerBackoff {
  Duration min = 2s;
  Duration max = 1min;
};

class PeerBook {
 public:
  static constexpr std::size_t kPeersMax = 256;
  static constexpr std::size_t kEndpointsMax = 4;
  // A peer that no attempt of so many reached, and that nobody has named since, is forgotten.
  static constexpr std::uint8_t kAttemptsMax = 10;
  // But one that was connected is missed for so long: when a cut heals, nobody else may know of both sides.
  // Of those that are missed the one away for longest gives way to others. The host remembers whom it was
  // connected with when it starts again.
  static constexpr Duration kKnownKept = 24h;
  static constexpr std::size_t kMissedMax = 64;

  struct Peer {
    Id host;
    std::vector<Endpoint> endpoints;  // heard of last first; none: it cannot be reached, and comes by itself
    Instant heard;                    // somebody named it, or it was connected
    Guid connection;                  // established; empty: none
    Guid attempt;                     // under way
    Instant attempt_until;  // a session that does not become one of the group by then counts as failed
    Instant next_attempt;
    std::uint32_t attempts = 0;  // failed since it was connected or named anew
    std::uint8_t next_endpoint = 0;
    bool known = false;  // was connected, in this run of the host or an earlier one
    bool met = false;    // in this run
  };

  PeerBook(const Id& self, PeerBackoff backoff) : self_(self), backoff_(backoff) {}

  // Somebody says that `host` is in the group, at these endpoints. Endpoints that are new put it first in
  // turn. Full: the peer heard of longest ago that is not connected makes room.
  void heard(const Id& host, std::span<const Endpoint> endpoints, Instant now);

  // A peer that has a session with it says so: it is there, and is tried at once.
  void vouched_for(const Id& host, Instant now);

  // It was connected in an earlier run of the host; the last that was heard of it was at `heard`.
  void remembered(const Id& host, std::span<const Endpoint> endpoints, Instant heard, Instant now);
  // For a later run: those that were connected and can be called, kMissedMax of them at most. The ones that
  // are connected now come first, then those heard of last.
  std::vector<const Peer*> to_remember() const;

  // A peer to try now; nothing when none is due.
  struct Attempt {
    Id host;
    Endpoint endpoint;
  };
  std::optional<Attempt> next_attempt(Instant now) const;
  // The earliest time at which one will be; kNever.
  Instant next_due() const;
  // The earliest end of an attempt under way; kNever.
  Instant next_overdue() const;
  void attempt_began(const Id& host, Guid attempt, Instant until);
  // A peer whose attempt has lasted too long: there may be a session, and yet it does not share the group.
  std::optional<Id> overdue(Instant now) const;
  // The network is another: whoever is not connected is tried again at once, as if just heard of.
  void try_all(Instant now);
  // It ended without a session in this group. True when a peer is forgotten.
  bool attempt_failed(const Id& host, Instant now, Rng& rng);
  // True for a peer that was not connected before since this host started.
  bool connected(const Contact& contact, Guid connection, bool outbound, Instant now);
  void disconnected(const Id& host, Instant now, Rng& rng);
  // Whose session, or attempt, this is.
  std::optional<Id> connected_by(Guid connection) const;
  std::optional<Id> attempted_by(Guid attempt) const;

  const std::map<Id, Peer>& peers() const { return peers_; }
  const Peer* find(const Id& host) const;
  std::size_t connected_count() const;
  std::size_t attempts_count() const;

 private:
  std::optional<Id> host_with(Guid Peer::*member, Guid guid) const;
  std::size_t count_with(Guid Peer::*member) const;
  Peer& insert(const Id& host, Instant now);
  void make_room();
  bool is_missed(const Peer& peer) const { return peer.attempts >= kAttemptsMax && !peer.connection; }
  Id missed_for_longest() const;
  void add_endpoint(Peer& peer, const Endpoint& endpoint, Instant now);

  Id self_;
  PeerBackoff backoff_;
  std::map<Id, Peer> peers_;
};

}  // namespace shoal
