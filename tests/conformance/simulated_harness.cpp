// The suite on simulated hosts.
#include "sim/network.h"
#include "tests/conformance/suite.h"

namespace shoal::conformance {
namespace {

using Kind = sim::TopologySpec::Kind;

class SimulatedHarness final : public Harness {
 public:
  SimulatedHarness(sim::Fidelity fidelity, Kind kind) : kind_(kind) {
    sim::NetworkSpec spec;
    spec.fidelity = fidelity;
    spec.topology.kind = kind;
    spec.access_delay = sim::Distribution::fixed(0.02);  // far enough apart for what takes round trips
    spec.down_bits_per_s = spec.up_bits_per_s = 1'000'000'000;
    network_ = sim::Network::make(spec, 1);
  }

  std::size_t add_host(Family, HostedNode& node) override {
    const sim::HostIndex host = network_->add_host();
    network_->attach(host, node);
    return host;
  }
  HostPorts ports(std::size_t host) override { return network_->ports(index(host)); }
  Endpoint endpoint(std::size_t host) override { return network_->endpoint(index(host)); }
  void wake(std::size_t host) override { network_->wake(index(host)); }
  bool run_until(const std::function<bool()>& done, Duration at_most) override {
    const Instant end = network_->now() + at_most;
    while (!done()) {
      if (network_->now() >= end) return false;
      network_->run_until(network_->now() + 1ms);
    }
    return true;
  }
  Duration settle_time() const override { return 2s; }
  Endpoint nobody() override { return Endpoint::v4(0xc6130101, 4000); }
  std::string lacks_ipv6() const override { return "simulated hosts have IPv4 addresses only"; }
  std::string lacks_multicast() const override {
    return kind_ == Kind::kLan ? "" : "only the topology lan carries multicast";
  }
  void set_loss(double share) override { network_->set_disturbance({.loss = share}); }

 private:
  static sim::HostIndex index(std::size_t host) { return static_cast<sim::HostIndex>(host); }

  Kind kind_;
  std::unique_ptr<sim::Network> network_;
};

std::unique_ptr<Harness> make_message() {
  return std::make_unique<SimulatedHarness>(sim::Fidelity::kMessage, Kind::kLan);
}

std::unique_ptr<Harness> make_packet() {
  return std::make_unique<SimulatedHarness>(sim::Fidelity::kPacket, Kind::kLan);
}

std::unique_ptr<Harness> make_routers() {
  return std::make_unique<SimulatedHarness>(sim::Fidelity::kPacket, Kind::kRouters);
}

SHOAL_CONFORM(Message, make_message);
SHOAL_CONFORM(Packet, make_packet);
SHOAL_CONFORM(Routers, make_routers);

}  // namespace
}  // namespace shoal::conformance
