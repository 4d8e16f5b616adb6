// NetworkDecorator: a Network that passes everything on to another; tests override what they watch or spoil.
#pragma once

#include <memory>
#include <utility>

#include "sim/network.h"

namespace shoal::sim {

class NetworkDecorator : public Network {
 public:
  explicit NetworkDecorator(std::unique_ptr<Network> inner) : inner_(std::move(inner)) {}

  HostIndex add_host() override { return inner_->add_host(); }
  Endpoint endpoint(HostIndex host) const override { return inner_->endpoint(host); }
  NatKind nat_kind(HostIndex host) const override { return inner_->nat_kind(host); }
  std::uint32_t region(HostIndex host) const override { return inner_->region(host); }
  Duration delay(HostIndex from, HostIndex to) const override { return inner_->delay(from, to); }
  bool can_meet(HostIndex a, HostIndex b) const override { return inner_->can_meet(a, b); }
  void attach(HostIndex host, HostedNode& node) override { inner_->attach(host, node); }
  void detach(HostIndex host) override { inner_->detach(host); }
  HostPorts ports(HostIndex host) override { return inner_->ports(host); }
  HostMachine& machine(HostIndex host) override { return inner_->machine(host); }
  bool change_address(HostIndex host) override { return inner_->change_address(host); }
  void wake(HostIndex host) override { inner_->wake(host); }
  Instant now() const override { return inner_->now(); }
  void at(Instant when, std::function<void()> event) override { inner_->at(when, std::move(event)); }
  void run_until(Instant when) override { inner_->run_until(when); }
  void set_partition(Partition partition) override { inner_->set_partition(std::move(partition)); }
  void set_disturbance(const Disturbance& disturbance) override { inner_->set_disturbance(disturbance); }
  const NetworkTotals& totals() const override { return inner_->totals(); }

 private:
  std::unique_ptr<Network> inner_;
};

}  // namespace shoal::sim
