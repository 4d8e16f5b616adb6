#include "sim/network_base.h"

#include <chrono>

#include "node/base/check.h"

namespace shoal::sim {

WallTime NetworkBase::LoopClock::wall_time() const {
  using namespace std::chrono;
  static constexpr WallTime kEpoch = sys_days{2026y / January / 1};
  return kEpoch + duration_cast<milliseconds>(now().time_since_epoch());
}

void NetworkBase::attach(HostIndex index, HostedNode& node) {
  SimulatedHost& host = host_at(index);
  check(!host.attached(), "a host runs one node at a time");
  host.attach_node(node);
  const std::uint32_t generation = host.generation();
  loop_.call(now(), [&host, generation, own = Endpoint::v4(world_.inside_address(index), kHostPort)] {
    if (host.generation() != generation) return;
    host.deliver([&own](PortEvents& events) { events.on_interfaces({&own, 1}); });
  });
}

void NetworkBase::detach(HostIndex index) {
  SimulatedHost& host = host_at(index);
  if (!host.attached()) return;
  host.detach_node();
  on_detached(index);
}

void NetworkBase::wake(HostIndex index) {
  SimulatedHost& host = host_at(index);
  const std::uint32_t generation = host.generation();
  loop_.call(now(), [&host, generation] {
    if (host.generation() == generation) host.run_jobs();
  });
}

const NetworkTotals& NetworkBase::totals() const {
  totals_.events = loop_.event_count();
  return totals_;
}

}  // namespace shoal::sim
