#include "tests/conformance/suite.h"

#include <utility>

namespace shoal::conformance {

Conformance::Conformance() : harness_(GetParam().make()) {}

std::size_t Conformance::add_host(Family family) {
  probes_.push_back(std::make_unique<Probe>());
  Probe& probe = *probes_.back();
  const std::size_t host = harness_->add_host(family, probe);
  probe.use(harness_->ports(host));
  EXPECT_EQ(host + 1, probes_.size());
  EXPECT_TRUE(until([&] { return !probe.interfaces.empty(); })) << "no on_interfaces";
  return host;
}

void Conformance::act(std::size_t host, std::function<void()> action) {
  auto done = std::make_shared<bool>(false);
  probe(host).then([action = std::move(action), done] {
    action();
    *done = true;
  });
  harness_->wake(host);
  EXPECT_TRUE(until([&] { return *done; })) << "a wake did not reach run_jobs";
}

bool Conformance::until(const std::function<bool()>& done, Duration at_most) {
  return harness_->run_until(done, at_most);
}

void Conformance::settle() {
  harness_->run_until([] { return false; }, harness_->settle_time());
}

void Conformance::open(std::size_t from, std::size_t to, Opened& opened) {
  std::size_t inbound_before = 0;
  while (probe(to).has_inbound(inbound_before)) ++inbound_before;
  act(to, [&] { ASSERT_TRUE(probe(to).listen()); });
  act(from, [&] { opened.connector = probe(from).connect(harness_->endpoint(to)); });
  ASSERT_TRUE(until([&] {
    return probe(from).stream(opened.connector).opened && probe(to).has_inbound(inbound_before);
  })) << "no stream opened";
  opened.acceptor = probe(to).inbound(inbound_before);
}

Bytes Conformance::pattern(std::size_t count, std::uint8_t salt) {
  Bytes bytes(count);
  std::uint32_t state = 0x9e3779b9u + salt;
  for (std::uint8_t& byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<std::uint8_t>(state >> 24);
  }
  return bytes;
}

}  // namespace shoal::conformance
