// Node: one host of the network, whole. A value over references to its ports; it owns everything else. It
// does no IO, reads no clock but the Clock port, and runs only inside run_jobs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "node/config.h"
#include "node/control/command.h"
#include "node/control/load.h"
#include "node/counters.h"
#include "node/dht/contact_book.h"
#include "node/dht/routing_table.h"
#include "node/jobs/tracer.h"
#include "node/ports/alarm.h"
#include "node/ports/clock.h"
#include "node/ports/datagrams.h"
#include "node/ports/events.h"
#include "node/ports/folder.h"
#include "node/ports/host_store.h"
#include "node/ports/index_store.h"
#include "node/ports/item_store.h"
#include "node/ports/streams.h"
#include "node/ports/work_pool.h"
#include "node/secure/group_key.h"
#include "node/secure/sealed_datagram.h"
#include "node/wire/messages.h"

namespace shoal {

// What happens to a node that nobody has asked for.
struct NodeEvent {
  enum class Kind : std::uint8_t {
    kNewPeer,     // a session with `host` in `group`, the first since the start
    kNewFsEvent,  // `host` says that something has changed in the group's folder
    kNewHostKey,  // `host` is our id from now on
    kSameKey,     // another host, at `where`, has our key, `host`
  };
  Kind kind;
  Id group;
  Id host;
  Bytes event;
  Endpoint where;
};

// What a node tells its owner. Called at the end of run_jobs, never from inside another call; calling the
// node back from here is allowed.
class NodeListener {
 public:
  virtual ~NodeListener() = default;
  virtual void on_command_result(CommandId command, const CommandResult& result) = 0;
  // While the host key is being replaced peers come anew, and one event may come twice.
  virtual void on_event(const NodeEvent& /*event*/) {}
  // After StopCommand: everything is sent and committed; the node does nothing more.
  virtual void on_stopped() = 0;
};

class Items;
struct HandleStream;
namespace sync {
class SyncManager;
}

struct NodePorts {
  Clock& clock;
  Alarm& alarm;
  Datagrams& datagrams;
  Streams& streams;
  ItemStore& items;
  HostStore& hosts;
  ContactBook& contacts;
  NodeListener& listener;
  Tracer* tracer = nullptr;
  // For folders; a node without them keeps none.
  IndexStore* index = nullptr;
  Folders* folders = nullptr;
  WorkPool* pool = nullptr;
};

enum class CipherKind { kReal, kModelled };

class Node final : public PortEvents {
 public:
  // `keys` and the boot number come from the host store or are new; `rng` is this node's own stream.
  Node(const NodeConfig& config, const KeyPair& keys, std::uint64_t boot_number, CipherKind cipher, Rng rng,
       NodePorts ports);
  ~Node() override;

  // Posts the first jobs: listen, bootstrap. Call once, before any event.
  void start();

  void on_datagram(const Endpoint& from, ByteView datagram) override;
  void on_multicast(const Endpoint& from, ByteView datagram) override;
  void on_alarm() override;
  void on_stream_opened(StreamId stream, const Endpoint& peer, bool inbound) override;
  void on_stream_readable(StreamId stream) override;
  void on_stream_writable(StreamId stream) override;
  void on_stream_closed(StreamId stream) override;
  void on_stream_reset(StreamId stream) override;
  void on_committed(CommitId commit, const Result<void>& outcome) override;
  void on_folder_event(const FolderEvent& event) override;
  void on_work_done(std::unique_ptr<Work> work) override;
  void on_interfaces(std::span<const Endpoint> own) override;
  // All groups that this host is in from now on.
  void on_groups(std::vector<GroupKey> keys);
  // The endpoints of `bootstrap` from now on: those of names change. At most NodeConfig's number.
  void on_bootstrap(std::vector<Endpoint> endpoints);
  void on_command(CommandId id, Command command);

  // Runs up to `jobs_max` jobs, then delivers results to the listener and arms the alarm. True when jobs
  // remain: call again soon.
  bool run_jobs(std::size_t jobs_max);

  // As HostedNode::prefetch().
  void prefetch() const;

  // Another one after host_key_lifetime.
  const Id& id() const;
  const RoutingTable& table() const;
  const NodeCounters& counters() const;
  const NodeConfig& config() const;
  // Strangers cannot reach it: by configuration, or found out (dht/reachability.h).
  bool is_client() const;
  std::string_view reachability() const;  // StatusResult::reachability
  std::size_t sessions() const;
  Duration clock_ahead() const;                        // StatusResult::clock_ahead
  std::vector<Endpoint> bootstrap_unanswered() const;  // as in StatusResult
  StatusResult status() const;                         // as StatusCommand's answer, at once
  std::vector<GroupStatus> groups() const;             // the same of PeersCommand
  const sync::SyncManager* sync() const;               // nullptr: it keeps no folders
  std::size_t jobs_queued() const;
  std::size_t requests_in_flight() const;
  // Of every part that grows with what others do: nothing in a node grows but these, and deadlines and
  // buffers in proportion.
  std::vector<Load> loads() const;

 private:
  struct Impl;
  void post(const HandleStream& job);
  void arm();
  void turn_key();
  void begin_new_key();
  void switch_keys();
  void end_other(Duration next);

  NodePorts ports_;
  CipherKind cipher_;
  std::unique_ptr<Items> items_;
  std::unique_ptr<sync::SyncManager> sync_;  // outlives the hosts that it belongs to, one after the other
  std::unique_ptr<Impl> impl_;
  std::unique_ptr<Impl> other_;  // while the host key is replaced: a newcomer, or a former host
  Instant turned_{};             // when it came, or became the former one
  Instant armed_ = kNever;
};

}  // namespace shoal
