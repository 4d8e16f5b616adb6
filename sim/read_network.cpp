#include "sim/scenario_sections.h"

namespace shoal::sim {
namespace {

void read_topology(Section& network, TopologySpec& out) {
  Section topology = network.section("topology");
  using Kind = TopologySpec::Kind;
  static constexpr Kind kKinds[] = {Kind::kStar, Kind::kTransitStub, Kind::kCoordinates};
  if (const auto kind =
          topology.choice("kind", {"star", "transit_stub", "coordinates"}, {"matrix", "lan", "routers"})) {
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
  }
  topology.finish();
}

}  // namespace

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
  if (const auto fidelity = network.choice("fidelity", {"message", "packet"})) {
    out.fidelity = *fidelity == 0 ? Fidelity::kMessage : Fidelity::kPacket;
  }
  read_topology(network, out.topology);
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
  network.not_yet("nat");
  network.finish();
}

}  // namespace shoal::sim
