// The suite on hosts in memory.
#include "tests/conformance/suite.h"
#include "tests/support/manual_host.h"

namespace shoal::conformance {
namespace {

class ManualHarness final : public Harness {
 public:
  std::size_t add_host(Family family, HostedNode& node) override {
    const ManualNetwork::HostIndex host =
        family == Family::kIpv4 ? network_.add_host() : network_.add_host(v6_endpoint(++v6_hosts_));
    network_.plug_in(host, 1);
    network_.attach(host, node);
    return host;
  }
  HostPorts ports(std::size_t host) override { return network_.ports(index(host)); }
  Endpoint endpoint(std::size_t host) override { return network_.endpoint(index(host)); }
  void wake(std::size_t host) override { network_.wake(index(host)); }
  bool run_until(const std::function<bool()>& done, Duration at_most) override {
    return network_.run_until(done, at_most);
  }
  Duration settle_time() const override { return 2s; }
  Endpoint nobody() override { return Endpoint::v4(0xc6130101, 4000); }
  void set_loss(double share) override { network_.set_link(ManualLink{.loss = share}); }

 private:
  static ManualNetwork::HostIndex index(std::size_t host) {
    return static_cast<ManualNetwork::HostIndex>(host);
  }
  // Of the documentation prefix, RFC 3849.
  static Endpoint v6_endpoint(std::uint8_t number) {
    Endpoint endpoint;
    endpoint.address = {0x20, 0x01, 0x0d, 0xb8};
    endpoint.address[15] = number;
    endpoint.port = 4000;
    return endpoint;
  }

  ManualNetwork network_;
  std::uint8_t v6_hosts_ = 0;
};

std::unique_ptr<Harness> make_manual() {
  return std::make_unique<ManualHarness>();
}

SHOAL_CONFORM(Manual, make_manual);

}  // namespace
}  // namespace shoal::conformance
