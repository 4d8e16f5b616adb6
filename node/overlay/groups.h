// Groups: the groups of a host and the sessions to their peers (DESIGN §8).
//
//   rendezvous, LAN, other peers ──heard──► PeerBook ──attempt──► session ──both prove the group──► connected
//                                              ▲                                                     │
//                                              └───────────────── lost, with backoff ────────────────┘
//
// The peers that were connected are kept in the HostStore, and are the first to be called after a restart.
// A host keeps sessions to peers_wanted peers of each group, the primary to four times as many, or to all
// there are. It publishes where it is, reads where the others are, and tells each new peer of the ones it has
// sessions with. Events travel from peer to peer: whoever gets a new one passes it on to the peers it has
// sessions with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "node/control/command.h"
#include "node/dht/item_operations.h"
#include "node/dht/own_addresses.h"
#include "node/jobs/node_context.h"
#include "node/lan/lan_groups.h"
#include "node/overlay/peer_book.h"
#include "node/overlay/primary.h"
#include "node/overlay/rendezvous.h"
#include "node/ports/host_store.h"
#include "node/rpc/connections.h"
#include "node/rpc/rpc.h"
#include "node/secure/group_key.h"
#include "node/secure/session_groups.h"

namespace shoal {

class GroupsListener {
 public:
  virtual ~GroupsListener() = default;
  // A session in this group: the first with this peer since the start of the host or the group.
  virtual void on_new_peer(const Id& group, const Contact& peer) = 0;
  virtual void on_fs_event(const Id& group, const Id& origin, ByteView event) = 0;
};

class Groups {
 public:
  Groups(NodeContext& context, const KeyPair& keys, SessionGroups& session_groups, Connections& connections,
         Rpc& rpc, ItemOperations& operations, const OwnAddresses& own, HostStore& hosts,
         GroupsListener& listener);

  // All groups of the host from now on.
  void set(std::vector<GroupKey> keys);
  std::size_t size() const { return groups_.size(); }
  bool has(const Id& group) const { return groups_.contains(group); }
  // How far our clock is ahead of that of peers, when that is why none is connected; 0: it is not.
  Duration clock_ahead(const Id& group) const;
  std::vector<LanGroup> lan_groups() const;
  // The same groups, and the same peers to call, under another host key.
  void take_over(const Groups& before);
  // Has as many sessions in each group as these have, or as it wants.
  bool as_connected_as(const Groups& others) const;
  // Tells all peers there are of one more, and where it is, in each group.
  void tell_all(const Id& peer, const std::vector<Contact>& contacts);
  // There is a network to publish in and to read from; or the own address is another.
  void on_network();
  // Can strangers not reach us? Then there is nothing that others could do with our addresses.
  void set_client(bool client);
  // Hosts that were lost all at once answer again: peers may as well.
  void on_reunion();
  // An address of ours is gone, and with it perhaps sessions that nobody ends: peers are told where we are
  // now, and who does not answer is called anew.
  void on_address_lost();
  void on_deadline();
  // Writes down whom the host is, and was, connected with: it stops, or its place is taken over.
  void save_peers();
  void on_shared_groups(Guid connection, const Contact& contact, bool outbound,
                        const std::vector<Id>& shared);
  void on_session_lost(Guid connection);
  // Somebody that knows the group's key was heard on the LAN.
  void heard(const Id& group, const Contact& peer);

  // Requests of peers. kUnsupported: the sender has not proved in this session to be in the group.
  ErrorCode serve(const Origin& origin, const wire::BroadcastPeers& body);
  ErrorCode serve(const Origin& origin, const wire::BroadcastFsEvent& body);
  ErrorCode serve(const Origin& origin, const wire::DelegateAuthority& body);

  // Tells all peers there are. The number of peers it went to at once. Errors: kNotFound (no such group),
  // kNoPeers.
  Result<std::size_t> broadcast_fs_event(const Id& group, Bytes event);

  // A host has said goodbye to `by`, or to us: its peers hear of it, each notice once.
  void pass_on_shutdown(const wire::ShutdownHost& notice, const Id& host, std::uint64_t boot, const Id& by);
  // The host stops: where it is primary, a peer takes its place at once.
  void delegate_authority();

  // Commands that a node gives itself; the numbers from 1 are ours.
  static constexpr std::uint64_t kOwnCommand = std::uint64_t{1} << 63;
  // Is this the result of such a command?
  static bool is_own(CommandId command) { return (command.value & kOwnCommand) != 0; }
  void on_result(CommandId command, const CommandResult& result);

  std::vector<GroupStatus> status() const;
  StatusResult::Groups summary() const;

  static constexpr std::size_t kEventsRememberedMax = 1024;  // of each group
  static constexpr std::size_t kShutdownsRememberedMax = 64;
  std::size_t events_remembered() const;
  std::size_t shutdowns_remembered() const { return shutdowns_passed_on_.size(); }
  std::size_t errands() const { return errands_.size(); }  // readings and publications under way

 private:
  struct Group {
    Group(GroupKey with, PeerBook peers, Primary who)
        : key(std::move(with)), book(std::move(peers)), primary(std::move(who)) {}
    GroupKey key;
    PeerBook book;
    Primary primary;
    Instant publish_at = kNever;
    Instant read_at = kNever;
    Duration publish_retry{};
    Duration read_wait{};
    std::size_t records = 0;  // found at the last reading
    std::optional<WallTime> published;
    std::optional<WallTime> read;
    std::set<std::pair<Id, std::uint64_t>> events;             // seen: origin and number
    std::deque<std::pair<Id, std::uint64_t>> events_in_order;  // oldest first
  };
  struct Errand {
    enum class What : std::uint8_t { kPublish, kRead };
    What what;
    Id group;
    Rendezvous::Day day;
  };

  Group* find(const Id& group);
  Group* shared_with(const Origin& origin, const Id& group);
  void work(Group& group);
  void publish(Group& group);
  void read(Group& group);
  void read_records(Group& group, const Errand& errand, const PublishedResult& result);
  void published(Group& group, bool stored);
  CommandId send_out(Errand errand);
  bool wants_peers(const Group& group) const;
  void rendezvous_soon(Group& group) const;
  void attempt_due(Group& group);
  void lost(Group& group, const Id& host);
  void remember_peers(Group& group);
  void save_peers_soon();
  void tell_claim(Group& group, const PrimaryClaim& claim, const Id& but);
  void claim_due(Group& group);
  void tell_peers(Group& group, Guid connection);
  // Tells the others where this peer is.
  void tell_of(Group& group, const Id& peer, const std::vector<Contact>& contacts);
  void send(Guid connection, const Id& host, wire::RequestBody body);
  bool remember(Group& group, const Id& origin, std::uint64_t number);
  std::size_t pass_on(Group& group, const wire::BroadcastFsEvent& event, const Id& from);
  void arm();

  NodeContext& context_;
  const KeyPair& keys_;
  SessionGroups& session_groups_;
  Connections& connections_;
  Rpc& rpc_;
  ItemOperations& operations_;
  const OwnAddresses& own_;
  HostStore& hosts_;
  GroupsListener& listener_;
  std::map<Id, Group> groups_;
  std::map<std::uint64_t, Errand> errands_;  // by the number of their command
  std::uint64_t errands_begun_ = 0;
  std::uint64_t events_begun_ = 0;
  std::deque<std::pair<Id, std::uint64_t>> shutdowns_passed_on_;  // host and boot, oldest first
  std::optional<Instant> network_since_;
  bool client_;
  Instant save_peers_at_ = kNever;
  Instant armed_ = kNever;
};

}  // namespace shoal
