// The topology routers, seen through the Network: queues that hosts share, and what faults and NATs mean
// there. Each test runs in a process of its own under CTest.
#include "tests/sim/network_fixture.h"

namespace shoal::sim {
namespace {

// Hosts 0 and 2 at the first edge router, 1 and 3 at the second, and so on.
class RouterNetworkTest : public NetworkFixture {
 protected:
  RouterNetworkTest() {
    spec_.topology.kind = TopologySpec::Kind::kRouters;
    spec_.topology.levels = {{.fan_out = 2, .delay = 10ms}};
    spec_.up_bits_per_s = spec_.down_bits_per_s = 100'000'000;
  }
  void start_with(std::size_t hosts) {
    start();
    for (std::size_t i = 0; i < hosts; ++i) add_node();
  }
  PlainNode& host(std::size_t i) { return *nodes_[i]; }
  void send_at(Instant when, std::size_t from, std::size_t to, std::size_t bytes = 100) {
    host(from).act_at(when, [this, from, to, bytes] {
      host(from).port().datagrams.send(host(to).endpoint(), Bytes(bytes, 7));
    });
  }
  std::vector<std::size_t> received() const {
    std::vector<std::size_t> counts;
    for (const auto& node : nodes_) counts.push_back(node->datagrams.size());
    return counts;
  }
  using Counts = std::vector<std::size_t>;
};

TEST_P(RouterNetworkTest, DatagramPassesBothAccessLinksAndTheRoutersInBetween) {
  spec_.access_delay = Distribution::fixed(3e-3);
  spec_.up_bits_per_s = spec_.down_bits_per_s = 1'024'000;  // 1 ms a datagram
  spec_.topology.levels[0].up_bits_per_s = 520'000;         // 2 ms a datagram in PPP
  spec_.topology.levels[0].down_bits_per_s = 1'040'000;     // 1 ms
  start_with(4);
  send_at(at(1s), 0, 1);
  send_at(at(2s), 0, 2);
  network_->run_until(at(3s));
  ASSERT_EQ(received(), (Counts{0, 1, 1, 0}));
  EXPECT_EQ(host(1).datagrams[0].at, at(1s + 1ms + 3ms + 2ms + 10ms + 1ms + 10ms + 3ms + 1ms));
  EXPECT_EQ(host(2).datagrams[0].at, at(2s + 1ms + 3ms + 3ms + 1ms)) << "at the same router";
  EXPECT_EQ(host(1).datagrams[0].from, host(0).endpoint());
  EXPECT_EQ(network_->delay(0, 1), 26ms);
  EXPECT_EQ(network_->delay(0, 2), 6ms);
  EXPECT_EQ(network_->region(3), 1u);
}

TEST_P(RouterNetworkTest, HostsThatShareALinkWaitForEachOther) {
  spec_.topology.levels[0].up_bits_per_s = 1'000'000;
  spec_.topology.levels[0].queue = 1s;
  start_with(6);
  for (int i = 0; i < 50; ++i) send_at(at(1s), 0, 1, 1000);  // 0.4 s of the uplink
  send_at(at(1010ms), 2, 5);                                 // behind them
  send_at(at(1010ms), 3, 4);                                 // at the other router
  network_->run_until(at(5s));
  ASSERT_EQ(received(), (Counts{0, 50, 0, 0, 1, 1}));
  EXPECT_GT(host(5).datagrams[0].at, at(1400ms));
  EXPECT_LT(host(4).datagrams[0].at, at(1050ms));
}

TEST_P(RouterNetworkTest, QueueOfABottleneckOverflows) {
  spec_.topology.levels[0].up_bits_per_s = 1'000'000;
  spec_.topology.levels[0].queue = 100ms;
  start_with(4);
  // For a second each of two hosts sends as much as the uplink takes.
  for (int i = 0; i < 100; ++i) {
    send_at(at(1s + i * 10ms), 0, 1, 1220);
    send_at(at(1s + i * 10ms), 2, 3, 1220);
  }
  network_->run_until(at(5s));
  const NetworkTotals& totals = network_->totals();
  EXPECT_EQ(totals.datagrams_sent, 200u);
  EXPECT_NEAR(static_cast<double>(totals.router_packets_dropped), 90, 5);
  EXPECT_EQ(totals.datagrams_queue_dropped, totals.router_packets_dropped);
  EXPECT_EQ(totals.datagrams_delivered + totals.router_packets_dropped, 200u);
}

TEST_P(RouterNetworkTest, StreamsShareTheUplinkOfTheirRouter) {
  spec_.topology.levels[0].up_bits_per_s = 10'000'000;
  start_with(6);
  for (const std::size_t from : {0, 2}) {
    host(from).bytes_to_write = 100'000'000;
    connect(host(from), host(from + 1));
  }
  host(5).bytes_to_write = 10'000'000;
  connect(host(5), host(4));
  network_->run_until(at(20s));
  const std::size_t both = host(1).bytes_read + host(3).bytes_read;
  EXPECT_GT(both, 17'000'000u);
  EXPECT_LT(both, 25'000'000u);
  EXPECT_EQ(host(4).bytes_read, 10'000'000u) << "through the other uplink";
  EXPECT_GT(network_->totals().router_packets_dropped, 0u) << "as TCP finds the rate";
  EXPECT_EQ(network_->totals().datagrams_queue_dropped, 0u);
}

TEST_P(RouterNetworkTest, PartitionsAndDisturbancesMeanWhatTheyMeanElsewhere) {
  start_with(2);
  network_->at(at(50ms), [&] { network_->set_partition({{0, 1}}); });
  network_->at(at(150ms), [&] { network_->set_partition({}); });
  network_->at(at(250ms), [&] { network_->set_disturbance({.duplicate = 1}); });
  network_->at(at(350ms), [&] { network_->set_disturbance({.loss = 1}); });
  network_->at(at(450ms), [&] { network_->set_disturbance({.delay = Distribution::fixed(0.3)}); });
  for (int i = 0; i < 6; ++i) send_at(at(i * 100ms), 0, 1);
  network_->run_until(at(2s));
  EXPECT_EQ(host(1).datagrams.size(), 5u) << "one is cut, one copied, one lost";
  const NetworkTotals& totals = network_->totals();
  EXPECT_EQ(totals.datagrams_cut, 1u);
  EXPECT_EQ(totals.datagrams_duplicated, 1u);
  EXPECT_EQ(totals.datagrams_lost, 1u);
  EXPECT_GT(host(1).datagrams[4].at, at(500ms + 320ms));
  EXPECT_LT(host(1).datagrams[4].at, at(500ms + 325ms));
}

TEST_P(RouterNetworkTest, HoldsPacketsBackPastLaterOnes) {
  spec_.reorder = {0.5, 50ms};
  start_with(2);
  for (std::size_t i = 0; i < 200; ++i) send_at(at(i * 1ms), 0, 1, 1 + i);
  network_->run_until(at(2s));
  ASSERT_EQ(host(1).datagrams.size(), 200u);
  std::size_t overtaken = 0;
  for (std::size_t i = 1; i < 200; ++i) {
    overtaken += host(1).datagrams[i].bytes < host(1).datagrams[i - 1].bytes ? 1 : 0;
  }
  EXPECT_GT(overtaken, 20u);
}

TEST_P(RouterNetworkTest, NatsStandBetweenAHostAndItsRouter) {
  spec_.nat.shares = {0, 0, 0, 1, 0};
  spec_.nat.public_hosts = 1;
  start_with(3);
  EXPECT_EQ(network_->nat_kind(1), NatKind::kPortRestricted);
  send_at(at(1s), 0, 1);
  network_->run_until(at(2s));
  EXPECT_EQ(received(), (Counts{0, 0, 0})) << "nothing gets in unasked";
  host(0).echoing = true;
  send_at(at(2s), 1, 0);
  network_->run_until(at(3s));
  EXPECT_EQ(received(), (Counts{1, 1, 0}));
  EXPECT_EQ(host(0).datagrams[0].from.v4_address(), host(1).endpoint().v4_address());
  EXPECT_EQ(network_->totals().datagrams_filtered, 1u);
}

TEST_P(RouterNetworkTest, ForgetsWhatIsInTheRoutersWhenItsReceiverDetaches) {
  start_with(2);
  send_at(at(1s), 0, 1);
  network_->at(at(1010ms), [&] { network_->detach(1); });
  network_->at(at(1011ms), [&] { network_->attach(1, host(1)); });
  send_at(at(2s), 0, 1);
  network_->run_until(at(3s));
  ASSERT_EQ(host(1).datagrams.size(), 1u);
  EXPECT_GT(host(1).datagrams[0].at, at(2s));
  EXPECT_EQ(network_->totals().datagrams_to_nobody, 1u);
}

TEST_P(RouterNetworkTest, CarriesNoMulticast) {
  start_with(2);
  const Endpoint group = Endpoint::v4(0xefc0c0c0, 5353);
  host(0).act([&] { EXPECT_FALSE(host(0).port().datagrams.join(group)); });
  host(1).act([&] { host(1).port().datagrams.send(group, kHundred); });
  network_->run_until(at(1s));
  EXPECT_EQ(received(), (Counts{0, 0}));
  EXPECT_EQ(network_->totals().datagrams_to_nobody, 1u);
}

INSTANTIATE_TEST_SUITE_P(Fidelities, RouterNetworkTest, testing::Values(Fidelity::kPacket), name_of_fidelity);

}  // namespace
}  // namespace shoal::sim
