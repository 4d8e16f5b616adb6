#include "sim/network.h"

#include "node/base/check.h"
#include "sim/message_network.h"
#include "sim/packet_network.h"

namespace shoal::sim {

std::unique_ptr<Network> Network::make(const NetworkSpec& spec, std::uint64_t seed) {
  check(spec.fidelity == Fidelity::kPacket || spec.topology.kind != TopologySpec::Kind::kRouters,
        "routers are of the packet fidelity only");
  if (spec.fidelity == Fidelity::kPacket) return std::make_unique<PacketNetwork>(spec, seed);
  return std::make_unique<MessageNetwork>(spec, seed);
}

}  // namespace shoal::sim
