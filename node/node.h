// Node: one host of the network, whole. A value over references to its ports; it owns everything else. It
// does no IO, reads no clock but the Clock port, and runs only inside run_jobs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "node/config.h"
#include "node/control/command.h"
#include "node/dht/contact_book.h"
#include "node/dht/routing_table.h"
#include "node/jobs/tracer.h"
#include "node/ports/alarm.h"
#include "node/ports/clock.h"
#include "node/ports/datagrams.h"
#include "node/ports/events.h"
#include "node/ports/host_store.h"
#include "node/ports/item_store.h"
#include "node/ports/streams.h"
#include "node/secure/sealed_datagram.h"
#include "node/wire/messages.h"

namespace shoal {

// What a node tells its owner. Called at the end of run_jobs, never from inside another call; calling the
// node back from here is allowed.
class NodeListener {
 public:
  virtual ~NodeListener() = default;
  virtual void on_command_result(CommandId command, const CommandResult& result) = 0;
  // After StopCommand: everything is sent and committed; the node does nothing more.
  virtual void on_stopped() = 0;
};

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
};

enum class CipherKind { kReal, kModelled };

// Why a request was sent; both its bytes and those of its response count for it.
enum class Purpose : std::uint8_t { kLookup, kItems, kMaintenance, kBootstrap, kCommand };
inline constexpr std::size_t kPurposes = 5;
const char* to_string(Purpose purpose);

struct NodeCounters {
  struct Kind {
    std::uint64_t requests_sent = 0, requests_received = 0, responses_sent = 0, responses_received = 0;
    std::uint64_t request_bytes_sent = 0, response_bytes_sent = 0;  // sealed bytes
  };
  std::array<Kind, wire::kRequestKinds> kinds{};
  std::array<std::uint64_t, kPurposes> purpose_bytes{};  // requests sent and responses received, sealed bytes
  std::uint64_t datagrams_sent = 0, datagrams_received = 0, bytes_sent = 0, bytes_received = 0;
  std::uint64_t session_bytes_sent = 0, session_bytes_received = 0;
  // Refusals and drops, each for its reason
  std::uint64_t dropped_malformed = 0, dropped_unverified = 0, dropped_queue_full = 0,
                dropped_stranger_budget = 0, dropped_rate_limit = 0, dropped_amplification = 0,
                dropped_late_response = 0, dropped_send = 0;
  std::uint64_t requests_timed_out = 0, lookups_refused = 0, stores_refused = 0;
};

class Node final : public PortEvents {
 public:
  // `keys` and the boot number come from the host store or are new; `rng` is this node's own stream.
  Node(NodeConfig config, const KeyPair& keys, std::uint64_t boot_number, CipherKind cipher, Rng rng,
       NodePorts ports);
  ~Node() override;

  // Posts the first jobs: listen, bootstrap. Call once, before any event.
  void start();

  void on_datagram(const Endpoint& from, ByteView datagram) override;
  void on_alarm() override;
  void on_stream_opened(StreamId stream, const Endpoint& peer, bool inbound) override;
  void on_stream_readable(StreamId stream) override;
  void on_stream_writable(StreamId stream) override;
  void on_stream_closed(StreamId stream) override;
  void on_stream_reset(StreamId stream) override;
  void on_committed(CommitId commit, const Result<void>& outcome) override;
  void on_interfaces(std::span<const Endpoint> own) override;
  void on_command(CommandId id, Command command);

  // Runs up to `jobs_max` jobs, then delivers results to the listener and arms the alarm. True when jobs
  // remain: call again soon.
  bool run_jobs(std::size_t jobs_max);

  const Id& id() const;
  const RoutingTable& table() const;
  const NodeCounters& counters() const;
  const NodeConfig& config() const;
  std::size_t jobs_queued() const;
  std::size_t requests_in_flight() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shoal
