// Network: simulated hosts, the network between them, and time; on ns-3 in both fidelities. The rest of the
// simulator knows the engine only through this header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "node/base/endpoint.h"
#include "node/base/instant.h"
#include "node/ports/hosted_node.h"
#include "sim/host_index.h"
#include "sim/host_machine.h"
#include "sim/network_spec.h"

namespace shoal::sim {

using shoal::HostedNode;
using shoal::HostPorts;

// What happened to datagrams and streams on the way, for the whole run.
struct NetworkTotals {
  std::uint64_t datagrams_sent = 0, datagrams_delivered = 0, datagrams_lost = 0, datagrams_cut = 0,
                datagrams_queue_dropped = 0, datagrams_to_nobody = 0, datagrams_duplicated = 0,
                datagrams_filtered = 0, bytes_sent = 0, events = 0;
  std::uint64_t datagrams_buffer_dropped = 0;  // by hosts too busy to read them
  std::uint64_t router_packets_dropped = 0;    // of datagrams and streams, by full queues of routers' links
};

// Groups of hosts that do not hear each other.
struct Partition {
  std::vector<std::uint8_t> group_of_host;  // empty: no partition; a host beyond its end is in group 0
  bool one_way = false;                     // only what a group sends to groups of higher numbers is cut
};

// 2026-01-01T00:00:00Z + `when`.
WallTime wall_time_at(Instant when);

class Network {
 public:
  // One per process (ns-3's simulator is global).
  static std::unique_ptr<Network> make(const NetworkSpec& spec, std::uint64_t seed);
  virtual ~Network() = default;

  // Adds a host; the world places it by its index and the seed alone: address (by site, so that a /24 holds
  // few hosts), region, coordinates, access delay. Hosts are never removed.
  virtual HostIndex add_host() = 0;
  // Where others reach it; behind a NAT only the address means something.
  virtual Endpoint endpoint(HostIndex host) const = 0;
  virtual NatKind nat_kind(HostIndex host) const = 0;
  virtual std::uint32_t region(HostIndex host) const = 0;
  // One-way delay without queueing, jitter and loss.
  virtual Duration delay(HostIndex from, HostIndex to) const = 0;
  // Could one of them open a stream to the other now, and use it? Not across a partition, not from NAT to
  // NAT.
  virtual bool can_meet(HostIndex a, HostIndex b) const = 0;

  // Starts delivering events to `node`, beginning with on_interfaces; after every event run_jobs is called.
  // The node must outlive the attachment.
  virtual void attach(HostIndex host, HostedNode& node) = 0;
  // The host falls silent: what is on its way to it vanishes, its alarm is forgotten, its streams end as a
  // crash ends them (the other side sees a reset at its next data or after its own time-out). Its ports do
  // nothing from now on.
  virtual void detach(HostIndex host) = 0;
  virtual HostPorts ports(HostIndex host) = 0;
  // The host, or the NAT before it, has another address from now on, in the same place of the network. What
  // is on its way to the old one is lost; streams from and to it are heard of no more, and nobody tells their
  // ends. The node that runs there gets on_interfaces, unless a NAT hides it. False: no address is left.
  virtual bool change_address(HostIndex host) = 0;
  // What the host runs on, from now on a machine of its own: its clocks and CPU are as true and fast as
  // before until they are changed.
  virtual HostMachine& machine(HostIndex host) = 0;
  // Calls run_jobs of the attached node as an event of its own at this instant: after a command was posted
  // from outside.
  virtual void wake(HostIndex host) = 0;

  virtual Instant now() const = 0;
  WallTime wall_time() const { return wall_time_at(now()); }
  // Equal instants run in the order of the calls. `when` in the past means now.
  virtual void at(Instant when, std::function<void()> event) = 0;
  // Runs until the first event later than `when`; now() is then `when`.
  virtual void run_until(Instant when) = 0;

  // Faults, each until it is set anew. Datagrams and streams that a partition cuts are lost (streams stall;
  // they recover when the cut ends in time).
  virtual void set_partition(Partition partition) = 0;
  // In addition to the spec's, for every datagram. Packets of streams suffer alike; in the message fidelity
  // streams only get slower, and stall at a loss of 1.
  virtual void set_disturbance(const Disturbance& disturbance) = 0;

  virtual const NetworkTotals& totals() const = 0;
};

}  // namespace shoal::sim
