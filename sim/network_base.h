// NetworkBase: the half of Network that does not depend on the fidelity: the world, time, which node runs on
// which host.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "sim/event_loop.h"
#include "sim/network.h"
#include "sim/simulated_host.h"
#include "sim/world.h"

namespace shoal::sim {

class NetworkBase : public Network {
 public:
  NetworkBase(const NetworkSpec& spec, std::uint64_t seed)
      : loop_(spec.fidelity == Fidelity::kPacket), world_(spec, seed) {}

  Endpoint endpoint(HostIndex host) const final { return world_.endpoint(host); }
  NatKind nat_kind(HostIndex host) const final { return world_.nat_kind(host); }
  std::uint32_t region(HostIndex host) const final { return world_.region(host); }
  Duration delay(HostIndex from, HostIndex to) const final { return world_.delay(from, to); }
  bool can_meet(HostIndex a, HostIndex b) const final {
    const bool translated = world_.behind_nat(a) && world_.behind_nat(b);
    return !translated && !world_.cut(a, b) && !world_.cut(b, a);
  }

  HostPorts ports(HostIndex host) final;
  void attach(HostIndex host, HostedNode& node) final;
  void detach(HostIndex host) final;
  void wake(HostIndex host) final;
  bool change_address(HostIndex host) final;
  HostMachine& machine(HostIndex host) final;

  Instant now() const final { return loop_.now(); }
  void at(Instant when, std::function<void()> event) final { loop_.call(when, std::move(event)); }
  void run_until(Instant when) final { loop_.run_until(when); }

  void set_partition(Partition partition) final { world_.set_partition(std::move(partition)); }
  void set_disturbance(const Disturbance& disturbance) final { world_.set_disturbance(disturbance); }
  const NetworkTotals& totals() const final;

 protected:
  virtual SimulatedHost& host_at(HostIndex host) = 0;
  // The node is gone already; what the host held for it goes now, in silence.
  virtual void on_detached(HostIndex host) = 0;
  // Its interface has another address now.
  virtual void on_address_changed(HostIndex /*host*/) {}

  // As an event of its own.
  void tell_interfaces(HostIndex host);

  EventLoop loop_;
  World world_;
  std::deque<HostMachine> machines_;  // of the hosts that have one of their own
  mutable NetworkTotals totals_;      // what others count is filled in when asked for
};

}  // namespace shoal::sim
