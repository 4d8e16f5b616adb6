// What faults do to datagrams and streams, seen through the Network, in both fidelities. Each test runs in a
// process of its own under CTest.
#include <algorithm>

#include "tests/sim/network_fixture.h"

namespace shoal::sim {
namespace {

class NetworkFaultTest : public NetworkFixture {
 protected:
  // One datagram a millisecond; the n-th has first + n bytes.
  static void send_many(PlainNode& from, PlainNode& to, std::size_t count, Instant begin = at(0s),
                        std::size_t first = 1) {
    for (std::size_t i = 0; i < count; ++i) {
      from.act_at(begin + i * 1ms,
                  [&from, &to, size = first + i] { from.port().datagrams.send(to.endpoint(), Bytes(size)); });
    }
  }
  static std::vector<std::size_t> sizes_at(const PlainNode& node) {
    std::vector<std::size_t> sizes;
    for (const PlainNode::Arrival& arrival : node.datagrams) sizes.push_back(arrival.bytes);
    return sizes;
  }
};

TEST_P(NetworkFaultTest, OneWayPartitionLosesOnlyWhatGoesToLaterGroups) {
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  network_->at(at(950ms), [&] { network_->set_partition({{0, 1}, true}); });
  network_->at(at(1950ms), [&] { network_->set_partition({}); });
  for (int i = 0; i < 30; ++i) {
    a.act_at(at(i * 100ms), [&] { a.port().datagrams.send(b.endpoint(), kHundred); });
    b.act_at(at(i * 100ms), [&] { b.port().datagrams.send(a.endpoint(), kHundred); });
  }
  network_->run_until(at(10s));
  EXPECT_EQ(b.datagrams.size(), 20u);
  EXPECT_EQ(a.datagrams.size(), 30u);
  EXPECT_EQ(network_->totals().datagrams_cut, 10u);
}

TEST_P(NetworkFaultTest, StreamStallsInAOneWayPartitionAndRecovers) {
  spec_.up_bits_per_s = 10'000'000;
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  a.bytes_to_write = 5'000'000;  // 4 s
  connect(a, b);
  // The data pass, the acknowledgements do not.
  network_->at(at(2s), [&] { network_->set_partition({{1, 0}, true}); });
  network_->run_until(at(12s));
  EXPECT_GT(b.bytes_read, 1'000'000u);
  EXPECT_LT(b.bytes_read, 5'000'000u);
  network_->set_partition({});
  network_->run_until(at(60s));
  EXPECT_EQ(b.bytes_read, 5'000'000u);
  EXPECT_FALSE(a.reset || b.reset);
}

TEST_P(NetworkFaultTest, AnAttemptGivenUpHarmsNoListenerThatHasNotHeardOfIt) {
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  network_->set_partition({{0, 1}});
  connect(a, b);
  network_->run_until(at(500ms));
  network_->set_partition({});
  a.act([&] { a.port().streams.close(a.stream, CloseMode::kReset); });
  network_->run_until(at(20s));
  EXPECT_FALSE(b.opened);
  connect(a, b);
  network_->run_until(at(21s));
  EXPECT_TRUE(b.opened);
}

TEST_P(NetworkFaultTest, DelaysEveryDatagramByAsMuchMoreAsTheLawSays) {
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  a.act_at(at(1s), [&] { a.port().datagrams.send(b.endpoint(), kHundred); });
  network_->at(at(2s), [&] { network_->set_disturbance({.delay = Distribution::fixed(0.3)}); });
  a.act_at(at(3s), [&] { a.port().datagrams.send(b.endpoint(), kHundred); });
  network_->at(at(4s), [&] { network_->set_disturbance({}); });
  a.act_at(at(5s), [&] { a.port().datagrams.send(b.endpoint(), kHundred); });
  network_->run_until(at(6s));
  ASSERT_EQ(b.datagrams.size(), 3u);
  const Duration plain = b.datagrams[0].at - at(1s);
  EXPECT_EQ(b.datagrams[1].at - at(3s), plain + 300ms);
  EXPECT_EQ(b.datagrams[2].at - at(5s), plain);
}

TEST_P(NetworkFaultTest, DrawsTheExtraDelayOfEachDatagram) {
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  network_->set_disturbance({.delay = Distribution::exponential(0.1)});
  static constexpr int kCount = 1000;
  for (int i = 0; i < kCount; ++i) {
    a.act_at(at(i * 10ms), [&] { a.port().datagrams.send(b.endpoint(), kHundred); });
  }
  network_->run_until(at(60s));
  ASSERT_EQ(b.datagrams.size(), std::size_t{kCount});
  Duration together{};
  for (const PlainNode::Arrival& arrival : b.datagrams) together += arrival.at.time_since_epoch();
  for (int i = 0; i < kCount; ++i) together -= i * 10ms + 25ms;
  EXPECT_NEAR(to_milliseconds(together / kCount), 100, 15);
}

TEST_P(NetworkFaultTest, DuplicatesTheShareThatItWasTold) {
  spec_.duplicate = 0.1;
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  send_many(a, b, 1000);
  network_->at(at(1500ms), [&] { network_->set_disturbance({.duplicate = 0.5}); });
  send_many(a, b, 1000, at(2s));
  network_->run_until(at(10s));
  const auto in_first = std::ranges::count_if(
      b.datagrams, [](const PlainNode::Arrival& arrival) { return arrival.at < at(1500ms); });
  EXPECT_NEAR(static_cast<double>(in_first), 1100, 50);
  EXPECT_NEAR(static_cast<double>(b.datagrams.size()) - static_cast<double>(in_first), 1550, 80);
  EXPECT_EQ(network_->totals().datagrams_duplicated + 2000, b.datagrams.size());
  EXPECT_EQ(network_->totals().datagrams_sent, 2000u);
}

TEST_P(NetworkFaultTest, HoldsAShareBackPastLaterDatagrams) {
  spec_.reorder = {0.1, 100ms};
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  send_many(a, b, 1000);
  network_->run_until(at(10s));
  std::vector<std::size_t> sizes = sizes_at(b);
  ASSERT_EQ(sizes.size(), 1000u);
  std::size_t overtaken = 0;  // by the one after it, at least
  for (std::size_t i = 1; i < sizes.size(); ++i) overtaken += sizes[i] < sizes[i - 1] ? 1 : 0;
  EXPECT_GT(overtaken, 60u);
  EXPECT_LT(overtaken, 130u);
  std::ranges::sort(sizes);
  for (std::size_t i = 0; i < sizes.size(); ++i) EXPECT_EQ(sizes[i], i + 1) << "nothing is lost or copied";
}

TEST_P(NetworkFaultTest, ReordersNothingWithoutAReason) {
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  network_->set_disturbance({.loss = 0.1, .duplicate = 0.5, .reorder = {0.5}});
  network_->set_disturbance({});
  send_many(a, b, 1000);
  network_->run_until(at(10s));
  const std::vector<std::size_t> sizes = sizes_at(b);
  EXPECT_EQ(sizes.size(), 1000u);
  EXPECT_TRUE(std::ranges::is_sorted(sizes));
}

TEST_P(NetworkFaultTest, StreamArrivesWholeThroughLossCopiesAndReordering) {
  spec_.loss = 0.01;
  spec_.duplicate = 0.05;
  spec_.reorder = {0.02, 20ms};
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  network_->set_disturbance({.delay = Distribution::uniform(0, 5e-3)});
  a.bytes_to_write = 500'000;
  connect(a, b);
  network_->run_until(at(2min));
  EXPECT_EQ(b.bytes_read, 500'000u);
  EXPECT_FALSE(a.reset || b.reset);
}

TEST_P(NetworkFaultTest, DisturbsOneHostTheSameWhateverOthersDo) {
  spec_.loss = 0.1;
  spec_.duplicate = 0.1;
  spec_.reorder = {0.1, 30ms};
  const auto arrivals_with = [&](bool others) {
    nodes_.clear();
    network_.reset();
    start();
    PlainNode& a = add_node();
    PlainNode& b = add_node();
    PlainNode& c = add_node();
    PlainNode& d = add_node();
    network_->set_disturbance({.delay = Distribution::exponential(0.02)});
    send_many(a, b, 300);
    if (others) send_many(c, d, 300);
    network_->run_until(at(10s));
    std::vector<Instant> arrivals;
    for (const PlainNode::Arrival& arrival : b.datagrams) arrivals.push_back(arrival.at);
    return arrivals;
  };
  const auto alone = arrivals_with(false);
  EXPECT_GT(alone.size(), 200u);
  EXPECT_EQ(alone, arrivals_with(true));
}

INSTANTIATE_TEST_SUITE_P(Fidelities, NetworkFaultTest, kBothFidelities, name_of_fidelity);

}  // namespace
}  // namespace shoal::sim
