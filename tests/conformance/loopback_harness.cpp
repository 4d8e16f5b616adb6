// The suite on the machine's own sockets: each host has a loopback address of its own, and time is real.
#include <cstdlib>
#include <vector>

#include "node/os/os_host.h"
#include "tests/conformance/suite.h"

namespace shoal::conformance {
namespace {

class LoopbackHarness final : public Harness {
 public:
  LoopbackHarness() : tick_(new uv_timer_t) {
    uv_timer_init(loop_.uv(), tick_.get());
    uv_timer_start(
        tick_.get(), [](uv_timer_t*) {}, 1, 1);
  }

  std::size_t add_host(Family family, HostedNode& node) override {
    // 127.0.1.1, 127.0.1.2 and so on: TCP leaves from there too, and hosts can be told apart.
    const auto number = static_cast<std::uint32_t>(hosts_.size() + 1);
    Result<std::unique_ptr<OsHost>> host =
        OsHost::open(loop_, family == Family::kIpv4 ? Endpoint::v4(0x7f000100u + number, 0) : v6_loopback());
    if (!host) {
      ADD_FAILURE() << host.error().message;
      std::abort();
    }
    hosts_.push_back(std::move(*host));
    hosts_.back()->attach(node);
    return hosts_.size() - 1;
  }
  HostPorts ports(std::size_t host) override { return hosts_.at(host)->ports(); }
  Endpoint endpoint(std::size_t host) override { return hosts_.at(host)->endpoint(); }
  void wake(std::size_t host) override { hosts_.at(host)->wake(); }

  bool run_until(const std::function<bool()>& done, Duration at_most) override {
    const SystemClock clock;
    const Instant until = clock.now() + at_most;
    while (!done()) {
      if (clock.now() >= until) return false;
      uv_run(loop_.uv(), UV_RUN_ONCE);  // the tick ends it after a millisecond at the latest
    }
    return true;
  }
  Duration settle_time() const override { return 60ms; }
  Endpoint nobody() override { return Endpoint::v4(0x7f000163u, 9); }  // the discard port, RFC 863

  std::string lacks_ipv6() const override {
    EventLoop loop;
    const Result<std::unique_ptr<OsHost>> host = OsHost::open(loop, v6_loopback());
    return host ? std::string() : "this machine has no IPv6 loopback: " + host.error().message;
  }
  std::string lacks_loss() const override { return "the loopback interface loses nothing on demand"; }

 private:
  static Endpoint v6_loopback() {
    Endpoint endpoint;
    endpoint.address[15] = 1;
    return endpoint;
  }

  EventLoop loop_;
  std::vector<std::unique_ptr<OsHost>> hosts_;
  UvHandle<uv_timer_t> tick_;
};

std::unique_ptr<Harness> make_loopback() {
  return std::make_unique<LoopbackHarness>();
}

SHOAL_CONFORM(Loopback, make_loopback);

}  // namespace
}  // namespace shoal::conformance
