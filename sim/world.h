// World: everything about the network that is not an engine: where hosts are, how long a packet takes between
// them, what the access links carry, what is lost and what is cut. Both fidelities feed their packets through
// it, so a scenario means the same in both.
//
// A packet's way: the sender's up link (a queue), the delay of the pair, the receiver's down link (a queue).
// Placement is a pure function of (seed, host index); loss, jitter and disturbances are drawn from streams of
// the sending host's own, so one more host disturbs no other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "node/base/endpoint.h"
#include "node/base/instant.h"
#include "sim/address_plan.h"
#include "sim/disturbances.h"
#include "sim/moved_addresses.h"
#include "sim/multicast_groups.h"
#include "sim/nat.h"
#include "sim/network.h"
#include "sim/router_plan.h"
#include "sim/split_mix.h"

namespace shoal::sim {

// IPv4 and UDP headers.
inline constexpr std::size_t kDatagramHeaderBytes = 28;

class World {
 public:
  // Rates must be positive.
  World(const NetworkSpec& spec, std::uint64_t seed);

  HostIndex add_host();
  std::size_t host_count() const { return hosts_.size(); }
  // Where others reach it. Behind a NAT the address is the NAT's, and the port is what it maps (nat()).
  std::uint32_t address(HostIndex host) const {
    const HostIndex place = moved_.empty() ? host : moved_.place_of(host);
    if (has_lans()) return lan_address_of(place, topology_.lans);
    return has_routers() ? edge_address_of(place, routers_.edge_count()) : address_of(place);
  }
  // From now on the host has an address that nobody has had; behind a NAT, the NAT has, and has forgotten
  // what it mapped. False: none is left.
  bool change_address(HostIndex host);
  // Has anybody ever?
  bool has_moved() const { return !moved_.empty(); }
  Endpoint endpoint(HostIndex host) const { return Endpoint::v4(address(host), kHostPort); }
  // Of the host's own interface. All NATs number their hosts alike, as most home routers do.
  std::uint32_t inside_address(HostIndex host) const {
    return behind_nat(host) ? kInsideAddress : address(host);
  }
  bool behind_nat(HostIndex host) const { return !nats_.empty() && nats_[host] != nullptr; }
  // nullptr: none.
  Nat* nat(HostIndex host) { return nats_.empty() ? nullptr : nats_[host].get(); }
  NatKind nat_kind(HostIndex host) const { return behind_nat(host) ? nats_[host]->kind() : NatKind::kNone; }
  // The host that has this address, whatever the port.
  std::optional<HostIndex> host_at(const Endpoint& endpoint) const;
  std::optional<HostIndex> host_at(std::uint32_t v4_address) const;
  std::uint32_t region(HostIndex host) const { return hosts_[host].region; }
  // One-way, without queueing, jitter and loss; 0 from a host to itself.
  Duration delay(HostIndex from, HostIndex to) const;
  // The host's part of that.
  Duration edge_delay(HostIndex host) const { return hosts_[host].edge; }

  // The topology `routers`: what is between the up link and the down link is theirs. Without it there is one.
  bool has_routers() const { return topology_.kind == TopologySpec::Kind::kRouters; }
  const RouterPlan& routers() const { return routers_; }
  // The part of the delay between two different hosts that lies behind the first router.
  Duration delay_from_first_router(HostIndex from, HostIndex to) const {
    return routers_.delay(hosts_[from].region, hosts_[to].region) + hosts_[to].edge;
  }

  enum class Fate : std::uint8_t { kArrives, kQueueFull, kLost, kCut };
  struct Departure {
    Fate fate;
    Instant arrives;  // at the receiver's down link, when it does
  };
  // Multicast, which is a matter of LANs. Error kIo: no LAN, or no group. A host that goes leaves.
  Result<void> join(HostIndex host, const Endpoint& group);
  void leave(HostIndex host, const Endpoint& group);
  void leave_groups(HostIndex host) { groups_.leave(host); }
  // The members of the group in the host's LAN, itself perhaps among them.
  std::span<const HostIndex> members(HostIndex host, std::uint32_t v4_address, std::uint16_t port) const {
    return groups_.members({hosts_[host].region, v4_address, port});
  }

  void prefetch(HostIndex host) const { __builtin_prefetch(&hosts_[host]); }

  // A packet of `bytes`, headers included, enters `from`'s up link. A full queue takes nothing.
  Departure depart(HostIndex from, HostIndex to, std::size_t bytes, Instant now);
  // Its two halves. A packet enters the up link: when it leaves it; nothing: the queue is full.
  std::optional<Instant> enter_up_link(HostIndex from, std::size_t bytes, Instant now);
  // Then it crosses the network.
  Departure cross(HostIndex from, HostIndex to, Instant leaves) {
    return cross(from, to, leaves, disturbances_.loss());
  }
  // When a copy of a packet that arrives at `arrives` arrives too; nothing: it is not duplicated.
  std::optional<Instant> copy_arrives(HostIndex from, Instant arrives) {
    return disturbances_.duplicating() ? disturbances_.copy_arrives(from, arrives) : std::nullopt;
  }
  // Like depart(), for a burst of `packets` of `bytes` together that is lost when one of them is; the sender
  // paces itself and minds no full queue.
  Departure depart_paced(HostIndex from, HostIndex to, std::size_t bytes, std::size_t packets, Instant now);

  // A packet's last bit would leave an idle down link at `earliest` = arrival + down_time(bytes); the engine
  // asks at that instant. Answer: when it really does, at `earliest` or later; nothing: the queue was full.
  Duration down_time(std::size_t bytes) const { return transmission(bytes, down_bits_per_s_); }
  std::optional<Instant> receive(HostIndex to, std::size_t bytes, Instant earliest);
  // The same without a bound.
  Instant receive_paced(HostIndex to, std::size_t bytes, Instant earliest);

  Duration up_time(std::size_t bytes) const { return transmission(bytes, up_bits_per_s_); }
  // How long a packet that enters the link now waits before its first bit leaves.
  Duration up_backlog(HostIndex host, Instant now) const;
  Duration down_backlog(HostIndex host, Instant now) const;
  bool up_queue_full(HostIndex host, Instant now) const { return up_backlog(host, now) > queue_delay_max_; }

  bool cut(HostIndex from, HostIndex to) const {
    if (partition_.group_of_host.empty()) return false;
    return partition_.one_way ? group(from) < group(to) : group(from) != group(to);
  }
  void set_partition(Partition partition) { partition_ = std::move(partition); }
  void set_disturbance(const Disturbance& disturbance) { disturbances_.add(disturbance); }

 private:
  struct Host {
    Duration edge{};  // access delay, and the part of the topology's delay that is the host's alone
    Instant up_free{};
    Instant down_free{};
    SplitMix draws;
    float x = 0, y = 0;  // coordinates only, in units of the scale
    std::uint32_t region = 0;
  };

  static Duration transmission(std::size_t bytes, std::uint64_t bits_per_s);
  static constexpr std::uint32_t kInsideAddress = 0xc0a80102;  // 192.168.1.2

  void place(Host& host, HostIndex index);
  // nullptr: none.
  std::unique_ptr<Nat> make_nat(HostIndex index) const;
  void place_at_coordinates(Host& host, Rng& rng);
  Duration between(const Host& a, const Host& b) const;
  Duration transit_delay(std::uint32_t region_a, std::uint32_t region_b) const;
  HostIndex capacity() const;
  // Hosts are dealt to so many LANs or edge routers in turn.
  std::uint32_t networks() const;
  bool has_lans() const { return topology_.kind == TopologySpec::Kind::kLan; }
  Departure cross(HostIndex from, HostIndex to, Instant leaves, double loss);
  std::uint8_t group(HostIndex host) const {
    return host < partition_.group_of_host.size() ? partition_.group_of_host[host] : std::uint8_t{0};
  }

  TopologySpec topology_;
  RouterPlan routers_;
  Distribution access_delay_;
  std::uint64_t down_bits_per_s_;
  std::uint64_t up_bits_per_s_;
  Duration queue_delay_max_;
  Duration jitter_;
  std::uint64_t seed_;
  Partition partition_;
  MulticastGroups groups_;
  Disturbances disturbances_;
  std::vector<Host> hosts_;
  MovedAddresses moved_;
  HostIndex moves_ = 0;
  NatSpec nat_spec_;
  std::vector<std::unique_ptr<Nat>> nats_;  // by host; empty in a network without any
};

}  // namespace shoal::sim
