#include <fmt/format.h>

#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include "sim/address_plan.h"
#include "sim/delay_matrix.h"
#include "sim/scenario_sections.h"

namespace shoal::sim {
namespace {

void read_matrix(Section& topology, TopologySpec& out) {
  const auto values = topology.choice("values", {"rtt", "one_way"});
  if (const auto assign = topology.choice("assign", {"in_order", "random"}))
    out.at_random_places = *assign == 1;
  topology.require("file");
  const auto file = topology.file("file");
  if (!file) return;
  DelayMatrixOrErrors read = parse_delay_matrix(file->content, file->name, values.value_or(0) == 0);
  for (const ScenarioError& error : read.errors) topology.error("file", error.to_string());
  out.matrix = std::make_shared<const DelayMatrix>(std::move(read.matrix));
}

RouterLevel read_level(Section level) {
  RouterLevel out;
  level.count("fan_out", out.fan_out, 1, kRouterFanOutMax);
  level.bit_rate("down", out.down_bits_per_s, 1000);
  level.bit_rate("up", out.up_bits_per_s, 1000);
  level.duration("delay", out.delay, Duration::zero(), kDelayMax);
  level.duration("queue", out.queue, 1ms, kDelayMax);
  level.finish();
  return out;
}

void read_levels(Section& topology, std::vector<RouterLevel>& out) {
  if (!topology.has("levels")) return;
  const std::vector<YAML::Node> entries = topology.list("levels");
  std::vector<RouterLevel> levels;
  std::uint64_t edges = 1;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string path = fmt::format("{}.{}", topology.path_of("levels"), i);
    levels.push_back(read_level(Section(topology.document(), entries[i], path, entries[i].Mark())));
    if (i < kRouterLevelsMax) edges *= levels.back().fan_out;
  }
  if (levels.empty() || levels.size() > kRouterLevelsMax) {
    topology.error("levels", fmt::format("{} were given, expected 1 to {}", levels.size(), kRouterLevelsMax));
  } else if (edges > kEdgeRoutersMax) {
    topology.error("levels",
                   fmt::format("make {} edge routers, expected at most {}", edges, kEdgeRoutersMax));
  } else {
    out = std::move(levels);
  }
}

void read_topology(Section& network, TopologySpec& out) {
  Section topology = network.section("topology");
  using Kind = TopologySpec::Kind;
  static constexpr Kind kKinds[] = {Kind::kStar,   Kind::kTransitStub, Kind::kCoordinates,
                                    Kind::kMatrix, Kind::kLan,         Kind::kRouters};
  if (const auto kind =
          topology.choice("kind", {"star", "transit_stub", "coordinates", "matrix", "lan", "routers"})) {
    out.kind = kKinds[*kind];
  }
  switch (out.kind) {
    case Kind::kStar:
      topology.duration("delay", out.star_delay, Duration::zero(), kDelayMax);
      break;
    case Kind::kTransitStub:
      topology.count("regions", out.regions, 1, 256);
      topology.duration_range("stub_delay", out.stub_delay_min, out.stub_delay_max, kDelayMax);
      topology.duration_range("transit_delay", out.transit_delay_min, out.transit_delay_max, kDelayMax);
      break;
    case Kind::kCoordinates:
      topology.count("regions", out.regions, 1, 256);
      topology.duration("scale", out.coordinates_scale, 1us, kDelayMax);
      break;
    case Kind::kMatrix:
      read_matrix(topology, out);
      break;
    case Kind::kLan:
      topology.count("lans", out.lans, 1, kLansMax);
      topology.duration("delay", out.lan_delay, Duration::zero(), kDelayMax);
      topology.duration("between", out.between_lans_delay, Duration::zero(), kDelayMax);
      break;
    case Kind::kRouters:
      read_levels(topology, out.levels);
      break;
  }
  topology.finish();
}

// Shares by kind. Without `none`, hosts that no share names have none.
void read_nat(Section nat, NatSpec& out) {
  nat.duration("udp_timeout", out.udp_timeout, 1s, kDurationMax);
  std::array<double, kNatKinds> shares{};
  for (std::size_t i = 0; i < kNatKinds; ++i) nat.share(kNatKindNames[i], shares[i]);
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  const bool whole = std::abs(sum - 1) < 1e-9;
  if (sum > 1 && !whole) {
    nat.error("", fmt::format("shares that add up to {:g}% were given, expected 100%", 100 * sum));
  } else if (nat.has("none") && !whole) {
    nat.error("none", fmt::format("all shares add up to {:g}%, expected 100%, or no `none`", 100 * sum));
  } else {
    if (!nat.has("none")) shares[0] = 1 - sum;
    out.shares = shares;
  }
  nat.finish();
}

}  // namespace

void check_fit(Section& root, const NetworkSpec& network, std::uint32_t population) {
  const TopologySpec& topology = network.topology;
  const std::uint32_t in_lans = topology.lans * kHostsPerLanMax;
  if (topology.kind == TopologySpec::Kind::kLan && population > in_lans) {
    root.error("population", fmt::format("{} hosts were given, expected at most {} in {} LANs", population,
                                         in_lans, topology.lans));
  }
  const std::uint32_t edges = topology.kind == TopologySpec::Kind::kRouters ? region_count(topology) : 0;
  const std::uint32_t at_edges = edges * kHostsPerEdgeRouterMax;
  if (edges > 0 && population > at_edges) {
    root.error("population", fmt::format("{} hosts were given, expected at most {} at {} edge routers",
                                         population, at_edges, edges));
  }
}

void read_reorder(Section& outer, ReorderSpec& out) {
  const auto node = outer.value("reorder");
  if (!node) return;
  if (node->IsScalar()) return outer.share("reorder", out.share);
  Section reorder = outer.section("reorder");
  reorder.require("share");
  reorder.share("share", out.share);
  reorder.duration("by", out.by, 1us, kDelayMax);
  reorder.finish();
}

void read_network(Section network, NetworkSpec& out) {
  const auto fidelity = network.choice("fidelity", {"message", "packet"});
  if (fidelity) out.fidelity = *fidelity == 0 ? Fidelity::kMessage : Fidelity::kPacket;
  read_topology(network, out.topology);
  using Kind = TopologySpec::Kind;
  if (out.topology.kind == Kind::kRouters) {
    // Without packets nothing would wait in the routers' queues, and the scenario would say something else.
    if (fidelity && out.fidelity != Fidelity::kPacket)
      network.error("fidelity", "'message' was given, expected packet for a topology of routers");
    out.fidelity = Fidelity::kPacket;
  }
  const bool lan = out.topology.kind == Kind::kLan;
  if (lan) out.down_bits_per_s = out.up_bits_per_s = 1'000'000'000;  // the port of a switch
  if (lan || out.topology.kind == Kind::kMatrix) out.access_delay = Distribution::fixed(0);  // is in it
  Section access = network.section("access");
  access.bit_rate("down", out.down_bits_per_s, 1000);
  access.bit_rate("up", out.up_bits_per_s, 1000);
  if (const auto delay = read_law(access, "delay")) out.access_delay = *delay;
  access.duration("queue", out.queue_delay_max, 1ms, kDelayMax);
  access.finish();
  network.share("loss", out.loss);
  network.duration("jitter", out.jitter, Duration::zero(), kDelayMax);
  network.share("duplicate", out.duplicate);
  read_reorder(network, out.reorder);
  read_nat(network.section("nat"), out.nat);
  if (lan && out.nat.shares[0] < 1)
    network.error("nat", "there is none between LANs, expected another topology");
  network.finish();
}

}  // namespace shoal::sim
