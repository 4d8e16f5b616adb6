// NetworkSpec: what a scenario says about the network, as plain values (`network:` in the scenario language).
// One spec serves both fidelities.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "node/base/instant.h"
#include "sim/distribution.h"

namespace shoal::sim {

class DelayMatrix;

enum class Fidelity : std::uint8_t { kMessage, kPacket };

// Below each router of the level above: how many routers, and the links to them.
struct RouterLevel {
  std::uint32_t fan_out = 4;
  std::uint64_t down_bits_per_s = 1'000'000'000;  // towards the hosts
  std::uint64_t up_bits_per_s = 1'000'000'000;
  Duration delay = 2ms;   // one way
  Duration queue = 50ms;  // what the queue at either end holds, in time at the link's rate; drop tail
};
inline constexpr std::size_t kRouterLevelsMax = 4;
inline constexpr std::uint32_t kRouterFanOutMax = 256;
inline constexpr std::uint32_t kEdgeRoutersMax = 1024;

struct TopologySpec {
  enum class Kind : std::uint8_t { kStar, kTransitStub, kCoordinates, kMatrix, kLan, kRouters };
  Kind kind = Kind::kStar;
  // star: one-way delay between any two hosts, before access delays.
  Duration star_delay = 25ms;
  // transit_stub: hosts live in stubs of `regions` transit domains; delay = both stub delays + the transit
  // delay between the regions (0 within one), each drawn once per stub or pair of regions, uniformly.
  std::uint32_t regions = 8;
  Duration stub_delay_min = 2ms, stub_delay_max = 20ms;
  Duration transit_delay_min = 10ms, transit_delay_max = 80ms;
  // coordinates: points of a plane in clusters (regions); one-way delay = distance + access delays of both.
  // The scale is such that RTTs look like those of the Internet (King data: median about 156 ms, mean about
  // 178 ms).
  Duration coordinates_scale = 60ms;
  // matrix: one-way delays between places as they were measured, before access delays. The n-th host stands
  // at place n modulo their number, or at a random one that the hosts of its site share; the place is its
  // region.
  std::shared_ptr<const DelayMatrix> matrix;
  bool at_random_places = false;
  // lan: sites of one owner, each a switched network in which multicast works, joined by routers in between;
  // private addresses. The n-th host is in LAN n modulo `lans`, which is its region too.
  std::uint32_t lans = 1;
  Duration lan_delay = 100us;         // one way within a LAN, from interface to interface
  Duration between_lans_delay = 5ms;  // one way
  // routers: a tree of real routers, for the packet fidelity only, whose links have queues that hosts share.
  // Hosts hang on the routers of the last level by their access links: the n-th on router n modulo their
  // number, which is its region too. Delay = both access delays + the links on the way up and down again.
  std::vector<RouterLevel> levels = {{.delay = 10ms}, {.delay = 2ms}};
};
// How many regions its hosts are in.
std::uint32_t region_count(const TopologySpec& topology);
inline constexpr std::uint32_t kLansMax = 256;

// A share of the packets is held back, so that later ones overtake it.
struct ReorderSpec {
  double share = 0;
  Duration by = 50ms;  // each uniform in [0, by]
};

// What the network does to packets beside cutting them off.
struct Disturbance {
  double loss = 0;  // share of the packets
  std::optional<Distribution> delay =
      std::nullopt;      // seconds more, drawn for each packet; at most kExtraDelayMax counts
  double duplicate = 0;  // share of the packets that arrive twice
  ReorderSpec reorder = {};
};
inline constexpr Duration kExtraDelayMax = 60s;

// What stands between a host and the network; sim/nat.h says what each kind does.
enum class NatKind : std::uint8_t { kNone, kFullCone, kRestricted, kPortRestricted, kSymmetric };
inline constexpr std::size_t kNatKinds = 5;
// As scenarios and results name them.
inline constexpr std::array<std::string_view, kNatKinds> kNatKindNames = {"none", "full_cone", "restricted",
                                                                          "port_restricted", "symmetric"};
constexpr std::string_view to_string(NatKind kind) {
  return kNatKindNames[static_cast<std::size_t>(kind)];
}
constexpr bool keeps_strangers_out(NatKind kind) {
  return kind != NatKind::kNone && kind != NatKind::kFullCone;
}

struct NatSpec {
  std::array<double, kNatKinds> shares = {1, 0, 0, 0, 0};  // of all hosts, by kind; they add up to 1
  Duration udp_timeout = 2min;                             // the least of RFC 4787 REQ-5
  std::uint32_t public_hosts = 0;  // the first so many hosts have none, whatever the shares: whom all know
};

struct NetworkSpec {
  Fidelity fidelity = Fidelity::kMessage;
  TopologySpec topology;
  std::uint64_t down_bits_per_s = 50'000'000;
  std::uint64_t up_bits_per_s = 10'000'000;
  Distribution access_delay = Distribution::fixed(5e-3);  // seconds, one-way, once per host
  Duration queue_delay_max = 200ms;  // of an access link; what would wait longer is dropped
  double loss = 0;                   // of each datagram
  Duration jitter{};                 // each datagram: uniform in [0, jitter] more
  double duplicate = 0;              // of each datagram
  ReorderSpec reorder;
  NatSpec nat;
};

}  // namespace shoal::sim
