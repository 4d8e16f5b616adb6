// Node::Impl: the parts of a node and the wiring between them. Private to node*.cpp:
//   node.cpp            the jobs
//   node_contacts.cpp   what requests and responses teach
//   node_requests.cpp   serving others
//   node_commands.cpp   commands, and leaving
//   node_loads.cpp      how full each part is
//   node_host_key.cpp   another host key
#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "node/base/slot_table.h"
#include "node/dht/bootstrapper.h"
#include "node/dht/item_operations.h"
#include "node/dht/items.h"
#include "node/dht/lookups.h"
#include "node/dht/maintenance.h"
#include "node/dht/own_addresses.h"
#include "node/dht/reachability.h"
#include "node/dht/reunion.h"
#include "node/dht/same_key_watch.h"
#include "node/jobs/job.h"
#include "node/jobs/node_context.h"
#include "node/lan/lan_discovery.h"
#include "node/node.h"
#include "node/overlay/groups.h"
#include "node/rpc/connections.h"
#include "node/rpc/rpc.h"
#include "node/sync/sync_manager.h"

namespace shoal {

struct Node::Impl final : RpcListener,
                          ConnectionListener,
                          LookupListener,
                          ReachabilityListener,
                          GroupsListener,
                          LanPeerListener {
  // While a node takes another host key it is two hosts at one place: a newcomer under the next key, or the
  // one that was under the last, beside the one that counts (node_host_key.cpp).
  enum class Stage : std::uint8_t { kNewcomer, kCurrent, kFormer };

  Impl(const NodeConfig& config, const KeyPair& node_keys, std::uint64_t boot, CipherKind cipher_kind,
       Rng rng, NodePorts node_ports, Items& held_items, sync::SyncManager* sync_manager);

  // ---- Jobs

  void run(HandleDatagram& job) { job.multicast ? lan.handle(job) : rpc.handle(job); }
  void run(HandleResponse& job) { rpc.handle(job); }
  void run(HandleStream& job) { connections.handle(job); }
  void run(HandleCommit& job);
  void run(Store& job) { operations.renew(job.name); }
  void run(MaintainConnections& job) { maintenance.on_deadline(job.what); }
  void run(HandleGroups& job);
  void run(HandleFolderEvent& job) { sync->on_folder_event(job.event); }
  void run(HandleWork& job) { sync->on_work_done(std::move(job.work)); }
  void run(Bootstrap&);
  void run(HandleRequest& job);
  void run(HandleCommand& job);
  void run(HandleInterfaces& job);
  void run(HandleDeadlines&);
  void run_deadline(const Deadline& deadline);
  void trace(const Job& job);

  struct SameKey {
    Endpoint where;
    Instant when;
  };

  // ---- Requests of others

  void serve(const Origin& origin, const wire::Request& request, const wire::Ping&);
  void serve(const Origin& origin, const wire::Request& request, const wire::StoreHost& body);
  void serve(const Origin& origin, const wire::Request& request, const wire::FindHost& body);
  void serve(const Origin& origin, const wire::Request& request, const wire::ShutdownHost& body);
  void serve(const Origin& origin, const wire::Request& request, const wire::GetNextConnection& body);
  void serve(const Origin& origin, const wire::Request& request, const wire::StoreItem& body) {
    items.handle(rpc, origin, request, body);
  }
  void serve(const Origin& origin, const wire::Request& request, const wire::GetItem& body) {
    items.handle(rpc, origin, request, body);
  }

  void serve(const Origin& origin, const wire::Request& request, const wire::TestReach& body);
  template <class Broadcast>
  requires std::same_as<Broadcast, wire::BroadcastPeers> || std::same_as<Broadcast, wire::BroadcastFsEvent> ||
      std::same_as<Broadcast, wire::DelegateAuthority>
  void serve(const Origin& origin, const wire::Request& request, const Broadcast& body) {
    const ErrorCode refused = groups.serve(origin, body);
    if (refused == ErrorCode::kNone) return rpc.respond(origin, request, wire::Done{});
    rpc.respond(origin, request, wire::Refusal{refused, 0});
  }
  // What is asked of folders.
  template <class OfFolder>
  requires std::same_as<OfFolder, wire::OpenFolder> || std::same_as<OfFolder, wire::SendChanges> ||
      std::same_as<OfFolder, wire::SendFileDetails> || std::same_as<OfFolder, wire::SendFileParts> ||
      std::same_as<OfFolder, wire::SendRangeFingerprints> || std::same_as<OfFolder, wire::SendRange>
  void serve(const Origin& origin, const wire::Request& request, const OfFolder& body) {
    if (origin.connection && keeps_folders()) return sync->serve(origin, request, body);
    const ErrorCode refused = origin.connection ? ErrorCode::kUnsupported : ErrorCode::kNeedsSession;
    rpc.respond(origin, request, wire::Refusal{refused, 0});
  }

  // ---- Commands

  // That wait for a lookup or an answer.
  static constexpr std::size_t kCommandsMax = 1024;
  struct PendingCommand {
    enum class Kind : std::uint8_t { kFind, kFindToPing, kFindOnLan, kPing, kNext, kStoreHost };
    CommandId id;
    Kind kind = Kind::kFind;
    Id host;
  };

  void execute(CommandId id, FindCommand& command);
  void execute(CommandId id, StoreHostCommand& command);
  void execute(CommandId id, NextCommand& command);
  void execute(CommandId id, PingCommand& command);
  void execute(CommandId id, PutCommand& command) { operations.put(id, std::move(command)); }
  void execute(CommandId id, GetCommand& command) { operations.get(id, command); }
  void execute(CommandId id, PublishCommand& command) { operations.publish(id, std::move(command)); }
  void execute(CommandId id, LookupCommand& command) { operations.lookup(id, command); }
  void execute(CommandId id, ResolveCommand& command) { operations.resolve(id, command); }
  void execute(CommandId id, StatusCommand&) { context.results.emplace_back(id, status()); }
  void execute(CommandId id, TableCommand&);
  void execute(CommandId id, PeersCommand&) {
    context.results.emplace_back(id, PeersResult{groups.status()});
  }
  void execute(CommandId id, BroadcastCommand& command);
  // Only the host knows where keys are kept: it takes this command itself.
  void execute(CommandId id, ReloadKeysCommand&) {
    fail_command(id, ErrorCode::kUnsupported, "no key files here");
  }
  void execute(CommandId id, StopCommand&);
  void execute(CommandId id, LogLevelCommand&) {
    fail_command(id, ErrorCode::kUnsupported, "a node keeps no log of its own");
  }
  template <class OfFolder>
  requires std::same_as<OfFolder, AddFolderCommand> || std::same_as<OfFolder, FolderCommand>
  void execute(CommandId id, OfFolder& command) {
    if (keeps_folders()) return sync->execute(id, command);
    fail_command(id, ErrorCode::kUnsupported, "this node keeps no folders");
  }
  StatusResult status() const;
  std::vector<Load> loads() const;
  Duration clock_ahead() const;  // StatusResult::clock_ahead

  void look_up(CommandId id, PendingCommand::Kind kind, const Id& target);
  void ask(const PendingCommand& pending, const Contact& contact, wire::RequestBody body);
  void find_on_lan(const PendingCommand& pending);
  void finish_lookup_command(Guid command, LookupOutcome outcome);
  void finish_asking_command(const Answer& answer);
  void fail_command(CommandId id, ErrorCode code, std::string message) {
    context.results.emplace_back(id, fail(code, std::move(message)));
  }
  void stop_if_ready(bool timed_out);

  // ---- RpcListener

  void on_contact_answered(const Contact& contact, Duration rtt) override;
  void on_contact_silent(const Contact& contact) override;
  void on_client(const Id& host) override;
  void on_reached_by_stranger(const Endpoint& from) override { reachability.on_reached(from); }
  void on_observed(const Endpoint& endpoint, const Contact& by) override;
  void on_slow(const Completion& completion) override;
  void on_answer(const Answer& answer) override;
  void on_hello(const Contact& contact) override {
    on_answered_at(contact);
    bootstrapper.on_hello(contact);
    on_told_of_own_key(contact);
  }
  bool on_not_ours(const Endpoint& from, ByteView datagram) override;

  // ---- ConnectionListener, LookupListener, ReachabilityListener

  void on_session_message(const Origin& origin, ByteView message) override {
    rpc.on_session_message(origin, message);
  }
  void on_session_lost(Guid connection, const std::optional<Contact>& contact, bool reset) override;
  void on_shared_groups(Guid connection, const Contact& contact, bool outbound,
                        const std::vector<Id>& shared) override;
  void on_new_peer(const Id& group, const Contact& peer) override;
  void on_fs_event(const Id& group, const Id& origin, ByteView event) override;
  void on_lookup_done(LookupOutcome outcome) override;
  void on_told_of_own_key(const Contact& contact) override {
    if (stage == Stage::kCurrent && !stopping) same_key_watch.heard_of(contact);
  }
  void on_held_by_session(const LookupOwner& owner, const Holding& holding) override {
    if (owner.part == LookupOwner::Part::kItems) operations.on_held_by_session(owner.guid, holding);
  }
  void on_lan_peer(const Id& group, const Contact& peer) override { groups.heard(group, peer); }
  void on_own_key_on_lan(const Contact& contact) override { on_told_of_own_key(contact); }

  void on_may_join() override;
  void on_client_changed(bool client) override;

  void hand_items_to(const Contact& newcomer);
  void repair_items_of(const Id& lost);
  // The folders are this host's.
  bool keeps_folders() const { return sync != nullptr && stage == Stage::kCurrent; }
  void take_folders();
  void search_if_alone();
  bool keeps_items() const { return stage == Stage::kCurrent && !stopping; }
  void publish_self_at(Instant when);
  void on_publish_self_deadline();
  void own_addresses_changed();
  void ask_at_own_addresses();
  void on_answered_at(const Contact& contact);
  void on_address_lost();
  void run_jobs(std::size_t jobs_max);
  void deliver_results();
  Instant next_deadline();  // kNever once stopped

  // ---- Another host key

  void replace_key_at_its_age();
  void on_same_key(const Endpoint& where);
  // A newcomer, before its first job: what is known at this place already.
  void take_over(Impl& before);
  // Is the newcomer where `before` is: in the network, and with its peers?
  bool is_settled(const Impl& before) const;
  void become_current(Impl& before);
  // As StopCommand; the listener is not told.
  void leave();

  NodePorts ports;
  const KeyPair keys;
  const std::uint64_t boot_number;
  NodeContext context;
  Instant started;
  Stage stage = Stage::kCurrent;
  Impl* other = nullptr;  // gets what is not for our key
  OwnAddresses own;
  RoutingTable table;
  std::unique_ptr<DatagramCipher> cipher;
  SessionGroups session_groups;
  Connections connections;
  Rpc rpc;
  Lookups lookups;
  Items& items;
  ItemOperations operations;
  Bootstrapper bootstrapper;
  Maintenance maintenance;
  Reunion reunion;
  Reachability reachability;
  LanDiscovery lan;
  SameKeyWatch same_key_watch;
  Groups groups;
  sync::SyncManager* sync;  // nullptr: this node keeps no folders
  // Sessions in which groups are shared, for the folders of the host that is to come.
  std::map<Guid, std::pair<Contact, std::vector<Id>>> sharing;
  SlotTable<PendingCommand> commands;
  std::vector<NodeEvent> events;  // delivered at the end of run_jobs
  static constexpr std::size_t kLeavingMax = 64;
  std::set<Id> leaving;              // said that they leave, and are being verified
  std::vector<Contact> first_asked;  // by a newcomer
  std::optional<SameKey> same_key;   // the last other host that had our key
  bool key_due = false;              // to be replaced, or the replacing to be gone on with
  Instant publish_self_due = kNever;
  std::optional<CommandId> stopping;
  std::size_t shutdowns_unanswered = 0;
  bool stopped = false;
};

}  // namespace shoal
