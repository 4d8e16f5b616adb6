// What Network promises, in both fidelities. Each test runs in a process of its own under CTest.
#include "sim/network.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/sim/network_fixture.h"

namespace shoal::sim {
namespace {

class NetworkTest : public NetworkFixture {};

TEST_P(NetworkTest, DeliversADatagramAfterDelayAndBothLinks) {
  spec_.up_bits_per_s = 1'000'000;
  spec_.down_bits_per_s = 2'000'000;
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  a.act_at(at(1s), [&] { EXPECT_TRUE(a.port().datagrams.send(b.endpoint(), kHundred)); });
  network_->run_until(at(2s));
  ASSERT_EQ(b.datagrams.size(), 1u);
  EXPECT_EQ(b.datagrams[0].at, at(1s + 25ms + 128us * 8 + 128us * 4));
  EXPECT_EQ(b.datagrams[0].from, a.endpoint());
  EXPECT_EQ(b.datagrams[0].bytes, 100u);
  EXPECT_EQ(network_->totals().datagrams_delivered, 1u);
  EXPECT_EQ(network_->totals().bytes_sent, 128u);
}

TEST_P(NetworkTest, QueuesDatagramsOfManySendersAtOneDownLink) {
  spec_.down_bits_per_s = 128 * 8 * 100;  // 10 ms a datagram
  spec_.up_bits_per_s = 1'000'000'000;
  start();
  PlainNode& b = add_node();
  for (int i = 0; i < 5; ++i) {
    PlainNode& a = add_node();
    a.act_at(at(1s), [&a, &b] { a.port().datagrams.send(b.endpoint(), kHundred); });
  }
  network_->run_until(at(2s));
  ASSERT_EQ(b.datagrams.size(), 5u);
  for (std::size_t i = 1; i < 5; ++i) EXPECT_EQ(b.datagrams[i].at - b.datagrams[i - 1].at, 10ms);
}

TEST_P(NetworkTest, RefusesADatagramWhenTheUpLinkIsFull) {
  spec_.up_bits_per_s = 128 * 8 * 100;
  spec_.queue_delay_max = 50ms;
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  int taken = 0;
  a.act([&] {
    for (int i = 0; i < 20; ++i) taken += a.port().datagrams.send(b.endpoint(), kHundred) ? 1 : 0;
  });
  network_->run_until(at(2s));
  EXPECT_EQ(taken, 6);
  EXPECT_EQ(b.datagrams.size(), 6u);
  EXPECT_EQ(network_->totals().datagrams_queue_dropped, 14u);
}

TEST_P(NetworkTest, LosesTheShareThatTheScenarioSays) {
  spec_.loss = 0.2;
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  for (int i = 0; i < 2000; ++i) {
    a.act_at(at(i * 1ms), [&] { a.port().datagrams.send(b.endpoint(), kHundred); });
  }
  network_->run_until(at(10s));
  EXPECT_NEAR(static_cast<double>(b.datagrams.size()), 1600, 80);
  EXPECT_EQ(network_->totals().datagrams_lost + b.datagrams.size(), 2000u);
}

TEST_P(NetworkTest, CutsDatagramsBetweenGroupsUntilTheHeal) {
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  for (int i = 0; i < 30; ++i) {
    a.act_at(at(i * 100ms), [&] { a.port().datagrams.send(b.endpoint(), kHundred); });
  }
  network_->at(at(950ms), [&] { network_->set_partition({{0, 1}}); });
  network_->at(at(1950ms), [&] { network_->set_partition({}); });
  network_->run_until(at(10s));
  EXPECT_EQ(b.datagrams.size(), 20u);
  EXPECT_EQ(network_->totals().datagrams_cut, 10u);
}

TEST_P(NetworkTest, ForgetsWhatIsOnItsWayToAHostThatDetaches) {
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  a.act_at(at(1s), [&] { a.port().datagrams.send(b.endpoint(), kHundred); });
  b.act_at(at(1s), [&] { b.port().alarm.wake_at(at(2s)); });
  network_->at(at(1010ms), [&] { network_->detach(b.host()); });
  network_->at(at(1011ms), [&] { network_->attach(b.host(), b); });
  a.act_at(at(3s), [&] { a.port().datagrams.send(b.endpoint(), kHundred); });
  network_->run_until(at(5s));
  ASSERT_EQ(b.datagrams.size(), 1u);
  EXPECT_GT(b.datagrams[0].at, at(3s));
  EXPECT_TRUE(b.alarms.empty());
  EXPECT_EQ(b.interfaces, 2u);
  EXPECT_EQ(network_->totals().datagrams_to_nobody, 1u);
}

TEST_P(NetworkTest, DoesNothingForANodeThatIsDetached) {
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  network_->run_until(at(1s));
  network_->detach(a.host());
  EXPECT_FALSE(a.port().datagrams.send(b.endpoint(), kHundred));
  EXPECT_FALSE(a.port().streams.connect(b.endpoint()));
  EXPECT_FALSE(a.port().streams.listen());
  a.port().alarm.wake_at(at(2s));
  network_->run_until(at(30s));
  EXPECT_TRUE(a.alarms.empty());
  EXPECT_TRUE(b.datagrams.empty());
}

TEST_P(NetworkTest, RunsEventsOfOneInstantInTheOrderOfTheCallsAndUpToTheEnd) {
  start();
  std::vector<int> order;
  network_->at(at(1s), [&] {
    order.push_back(1);
    network_->at(at(1s), [&] { order.push_back(3); });
    network_->at(at(0s), [&] { order.push_back(4); });
  });
  network_->at(at(1s), [&] { order.push_back(2); });
  network_->at(at(1s + 1ns), [&] { order.push_back(5); });
  network_->run_until(at(1s));
  EXPECT_EQ(order, (std::vector{1, 2, 3, 4}));
  EXPECT_EQ(network_->now(), at(1s));
  network_->run_until(at(2s));
  EXPECT_EQ(order.back(), 5);
  EXPECT_EQ(network_->now(), at(2s));
  EXPECT_EQ(network_->wall_time().time_since_epoch(), 1767225602s);
}

TEST_P(NetworkTest, SendsADatagramToItselfAsALaterEvent) {
  start();
  PlainNode& a = add_node();
  std::size_t inside = 1;
  a.act([&] {
    EXPECT_TRUE(a.port().datagrams.send(a.endpoint(), kHundred));
    inside = a.datagrams.size();
  });
  network_->run_until(at(1s));
  EXPECT_EQ(inside, 0u);
  EXPECT_EQ(a.datagrams.size(), 1u);
}

TEST_P(NetworkTest, MovesAStreamAtNearlyTheAccessRate) {
  spec_.up_bits_per_s = 10'000'000;
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  static constexpr std::size_t kBytes = 10'000'000;
  a.bytes_to_write = kBytes;
  connect(a, b);
  network_->run_until(at(7s));
  EXPECT_LT(b.bytes_read, kBytes) << "faster than the link";
  network_->run_until(at(10s));
  EXPECT_EQ(b.bytes_read, kBytes);
}

TEST_P(NetworkTest, SharesOneDownLinkAmongStreams) {
  spec_.up_bits_per_s = 10'000'000;
  spec_.down_bits_per_s = 20'000'000;
  start();
  std::array<PlainNode*, 4> senders{};
  PlainNode& receiver = add_node();
  for (PlainNode*& sender : senders) {
    sender = &add_node();
    sender->bytes_to_write = 100'000'000;
    connect(*sender, receiver);
  }
  network_->run_until(at(20s));
  EXPECT_GT(receiver.bytes_read, 40'000'000u);
  EXPECT_LT(receiver.bytes_read, 50'000'000u);
  for (PlainNode* sender : senders) EXPECT_GT(sender->bytes_written, 4'000'000u);
}

TEST_P(NetworkTest, LeavesRoomForDatagramsBesideAStream) {
  spec_.up_bits_per_s = 10'000'000;
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  a.bytes_to_write = 100'000'000;
  connect(a, b);
  for (int i = 0; i < 100; ++i) {
    a.act_at(at(5s + i * 100ms), [&] { a.port().datagrams.send(b.endpoint(), kHundred); });
  }
  network_->run_until(at(20s));
  EXPECT_GE(b.datagrams.size(), 90u);
}

// What a host does at its alarm goes on in the events of ns-3's models, among those of other hosts.
TEST_P(NetworkTest, CarriesWhatManyHostsSendAtTheirAlarms) {
  start();
  PlainNode& server = add_node();
  server.echoing = true;
  server.act([&] { ASSERT_TRUE(server.port().streams.listen()); });
  static constexpr std::size_t kClients = 20;
  for (std::size_t i = 0; i < kClients; ++i) {
    PlainNode& client = add_node();
    client.bytes_to_write = 3'000;
    client.at_alarm = [&] {
      EXPECT_TRUE(client.port().datagrams.send(server.endpoint(), kHundred));
      client.stream = client.port().streams.connect(server.endpoint()).value();
      client.at_alarm = nullptr;
      client.port().alarm.wake_at(at(2s));
    };
    client.act([&client, i] { client.port().alarm.wake_at(at(1s + i * 1us)); });
  }
  network_->run_until(at(3s));
  EXPECT_EQ(server.datagrams.size(), kClients);
  EXPECT_EQ(server.bytes_read, kClients * 3'000);
  for (std::size_t i = 1; i <= kClients; ++i) {
    EXPECT_EQ(nodes_[i]->datagrams.size(), 1u);
    EXPECT_EQ(nodes_[i]->alarms.size(), 2u);
  }
}

TEST_P(NetworkTest, RefusesAStreamAtOnceWhereNobodyListens) {
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  a.act_at(at(1s), [&] { EXPECT_TRUE(a.port().streams.connect(b.endpoint())); });
  network_->run_until(at(30s));
  ASSERT_TRUE(a.reset);
  EXPECT_LT(*a.ended_at, at(1s + 100ms));
}

TEST_P(NetworkTest, GivesUpASilentConnectAfterItsTimeOut) {
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  network_->run_until(at(1s));
  network_->detach(b.host());
  a.act([&] { EXPECT_TRUE(a.port().streams.connect(b.endpoint())); });
  network_->run_until(at(30s));
  ASSERT_TRUE(a.reset);
  EXPECT_EQ(*a.ended_at, at(1s) + kConnectTimeout);
}

TEST_P(NetworkTest, TriesToConnectAgainASecondAfterTheFirstTryIsLost) {
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  a.bytes_to_write = 1000;
  network_->set_partition({{0, 1}});
  network_->run_until(at(1s));
  connect(a, b);
  network_->run_until(at(1500ms));
  network_->set_partition({});
  network_->run_until(at(1990ms));
  EXPECT_EQ(b.bytes_read, 0u);
  network_->run_until(at(2300ms));
  EXPECT_EQ(b.bytes_read, 1000u);
}

TEST_P(NetworkTest, RecoversAStreamWhenACutHeals) {
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  a.bytes_to_write = 20'000'000;  // 16 s
  connect(a, b);
  network_->at(at(3s), [&] { network_->set_partition({{0, 1}}); });
  network_->run_until(at(8s));
  const std::size_t before = b.bytes_read;
  EXPECT_GT(before, 1'000'000u);
  network_->set_partition({});
  network_->run_until(at(60s));
  EXPECT_EQ(b.bytes_read, 20'000'000u);
  EXPECT_FALSE(a.reset || b.reset);
}

TEST_P(NetworkTest, ResetsAStreamThatStallsForGood) {
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  connect(a, b);
  network_->run_until(at(1s));
  network_->set_partition({{0, 1}});
  a.act([&] { EXPECT_EQ(a.port().streams.write(a.stream, kHundred), 100u); });
  network_->run_until(at(20min));
  EXPECT_TRUE(a.reset);
  EXPECT_FALSE(b.reset) << "it sends nothing and cannot know";
}

TEST_P(NetworkTest, ResetsAStreamAtTheNextDataAfterACrash) {
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  connect(a, b);
  network_->run_until(at(1s));
  ASSERT_TRUE(a.opened && b.opened);
  network_->detach(b.host());
  network_->attach(b.host(), b);
  network_->run_until(at(5s));
  EXPECT_FALSE(a.reset);
  a.act([&] { a.port().streams.write(a.stream, kHundred); });
  network_->run_until(at(6s));
  EXPECT_TRUE(a.reset);
  EXPECT_FALSE(b.reset || b.closed);
}

TEST_P(NetworkTest, HoldsASenderBackWhileNobodyReads) {
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  a.bytes_to_write = 5'000'000;
  b.reading = false;
  connect(a, b);
  network_->run_until(at(5min));
  EXPECT_LT(a.bytes_written, 2'000'000u);
  b.reading = true;
  b.act([&] { b.read(b.stream); });
  network_->run_until(at(10min));
  EXPECT_EQ(b.bytes_read, 5'000'000u);
  EXPECT_FALSE(a.reset || b.reset);
}

TEST_P(NetworkTest, MovesAStreamThroughLoss) {
  spec_.loss = 0.02;
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  a.bytes_to_write = 2'000'000;
  connect(a, b);
  network_->run_until(at(60s));
  EXPECT_EQ(b.bytes_read, 2'000'000u);
}

// Everything that a run delivers, in order.
TEST_P(NetworkTest, RepeatsARunFromItsSeed) {
  spec_.loss = 0.05;
  spec_.jitter = 3ms;
  spec_.topology.kind = TopologySpec::Kind::kCoordinates;
  const auto run = [&](std::uint64_t seed) {
    nodes_.clear();
    network_.reset();
    start(seed);
    for (int i = 0; i < 20; ++i) add_node().echoing = true;
    for (std::size_t i = 0; i < 20; ++i) {
      PlainNode& from = *nodes_[i];
      PlainNode& to = *nodes_[(i * 7 + 1) % 20];
      from.act_at(at(i * 1ms), [&from, &to] { from.port().datagrams.send(to.endpoint(), kHundred); });
    }
    nodes_[0]->bytes_to_write = 300'000;
    connect(*nodes_[0], *nodes_[1]);
    network_->run_until(at(20s));
    std::vector<std::int64_t> trace;
    for (const auto& node : nodes_) {
      for (const auto& arrival : node->datagrams) trace.push_back(arrival.at.time_since_epoch().count());
      trace.push_back(static_cast<std::int64_t>(node->bytes_read));
    }
    trace.push_back(static_cast<std::int64_t>(network_->totals().events));
    return trace;
  };
  const auto first = run(1);
  EXPECT_EQ(first, run(1));
  EXPECT_NE(first, run(2));
  EXPECT_GT(first.size(), 100u);
}

INSTANTIATE_TEST_SUITE_P(Fidelities, NetworkTest, kBothFidelities, name_of_fidelity);

}  // namespace
}  // namespace shoal::sim
