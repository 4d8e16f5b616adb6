#include "sim/network_base.h"

#include <chrono>

#include "node/base/check.h"

namespace shoal::sim {

WallTime wall_time_at(Instant when) {
  using namespace std::chrono;
  static constexpr WallTime kEpoch = sys_days{2026y / January / 1};
  return kEpoch + floor<milliseconds>(when.time_since_epoch());
}

HostMachine& NetworkBase::machine(HostIndex index) {
  SimulatedHost& host = host_at(index);
  if (host.machine() == nullptr) host.set_machine(machines_.emplace_back());
  return *host.machine();
}

HostPorts NetworkBase::ports(HostIndex index) {
  check(index < world_.host_count(), "no such host");
  SimulatedHost& host = host_at(index);
  return {host, host, host, host};
}

void NetworkBase::attach(HostIndex index, HostedNode& node) {
  SimulatedHost& host = host_at(index);
  check(!host.attached(), "a host runs one node at a time");
  host.attach_node(node);
  tell_interfaces(index);
}

void NetworkBase::tell_interfaces(HostIndex index) {
  SimulatedHost& host = host_at(index);
  const std::uint32_t generation = host.generation();
  loop_.call(now(), [&host, generation, own = Endpoint::v4(world_.inside_address(index), kHostPort)] {
    if (host.generation() != generation) return;
    host.deliver([own](PortEvents& events) { events.on_interfaces({&own, 1}); });
  });
}

bool NetworkBase::change_address(HostIndex index) {
  const std::uint32_t before = world_.inside_address(index);
  if (!world_.change_address(index)) return false;
  if (world_.inside_address(index) == before) return true;
  on_address_changed(index);
  if (host_at(index).attached()) tell_interfaces(index);
  return true;
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
  totals_.datagrams_buffer_dropped = 0;
  for (const HostMachine& machine : machines_) {
    totals_.datagrams_buffer_dropped += machine.datagrams_dropped();
  }
  return totals_;
}

}  // namespace shoal::sim
