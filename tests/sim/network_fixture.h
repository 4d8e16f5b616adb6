// NetworkFixture: a Network in the fidelity that the test's parameter names, and plain nodes on it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "node/secure/keys.h"
#include "sim/network.h"
#include "tests/sim/plain_node.h"

namespace shoal::sim {

constexpr Instant at(Duration since_start) {
  return Instant(since_start);
}
inline const Bytes kHundred(100, 7);

class NetworkFixture : public testing::TestWithParam<Fidelity> {
 protected:
  NetworkFixture() {
    init_crypto();
    spec_.fidelity = GetParam();
    spec_.access_delay = Distribution::fixed(0);
    spec_.topology.star_delay = 25ms;
  }
  void start(std::uint64_t seed = 1) { network_ = Network::make(spec_, seed); }
  PlainNode& add_node() { return *nodes_.emplace_back(std::make_unique<PlainNode>(*network_)); }
  // Opens a stream from a to b; both have added.
  void connect(PlainNode& a, PlainNode& b) {
    b.act([&b] { EXPECT_TRUE(b.port().streams.listen()); });
    a.act([&a, &b] { a.stream = a.port().streams.connect(b.endpoint()).value(); });
  }

  NetworkSpec spec_;
  std::vector<std::unique_ptr<PlainNode>> nodes_;  // they outlive their hosts
  std::unique_ptr<Network> network_;
};

inline const auto kBothFidelities = testing::Values(Fidelity::kMessage, Fidelity::kPacket);

inline std::string name_of_fidelity(const testing::TestParamInfo<Fidelity>& fidelity) {
  return fidelity.param == Fidelity::kMessage ? "message" : "packet";
}

}  // namespace shoal::sim
