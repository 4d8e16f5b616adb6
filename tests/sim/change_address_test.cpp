// A host gets another address: what becomes of datagrams and streams to the old one and the new one, seen
// through the Network, in both fidelities. Each test runs in a process of its own under CTest.
#include <gmock/gmock.h>

#include "tests/sim/network_fixture.h"

namespace shoal::sim {
namespace {

using testing::ElementsAre;

class ChangeAddressTest : public NetworkFixture {};

TEST_P(ChangeAddressTest, TheHostIsReachedAtTheNewAddressAndNobodyAtTheOld) {
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  const Endpoint old = b.endpoint();
  network_->run_until(at(1s));
  ASSERT_TRUE(network_->change_address(b.host()));
  const Endpoint fresh = b.endpoint();
  EXPECT_NE(fresh, old);
  for (const Endpoint& to : {old, fresh}) {
    a.act([&a, to] { a.port().datagrams.send(to, kHundred); });
  }
  b.act([&] { b.port().datagrams.send(a.endpoint(), kHundred); });
  network_->run_until(at(2s));
  EXPECT_EQ(b.datagrams.size(), 1u);
  EXPECT_EQ(network_->totals().datagrams_to_nobody, 1u);
  ASSERT_EQ(a.datagrams.size(), 1u);
  EXPECT_EQ(a.datagrams[0].from, fresh);
}

TEST_P(ChangeAddressTest, TheNodeIsToldOfItsNewInterface) {
  start();
  PlainNode& a = add_node();
  network_->run_until(at(1s));
  EXPECT_EQ(a.interfaces, 1u);
  ASSERT_TRUE(network_->change_address(a.host()));
  network_->run_until(at(2s));
  EXPECT_EQ(a.interfaces, 2u);
  EXPECT_THAT(a.own, ElementsAre(a.endpoint()));
}

TEST_P(ChangeAddressTest, WhatIsOnItsWayToTheOldAddressIsLost) {
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  a.act_at(at(1s), [&] { a.port().datagrams.send(b.endpoint(), kHundred); });
  network_->run_until(at(1010ms));
  ASSERT_TRUE(network_->change_address(b.host()));
  network_->run_until(at(2s));
  EXPECT_TRUE(b.datagrams.empty());
}

TEST_P(ChangeAddressTest, EveryMoveIsToAnAddressOfItsOwn) {
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  std::vector<Endpoint> seen = {a.endpoint(), b.endpoint()};
  for (int i = 0; i < 5; ++i) {
    for (PlainNode* node : {&a, &b}) {
      ASSERT_TRUE(network_->change_address(node->host()));
      EXPECT_THAT(seen, testing::Not(testing::Contains(node->endpoint())));
      seen.push_back(node->endpoint());
    }
  }
  a.act([&] { a.port().datagrams.send(b.endpoint(), kHundred); });
  network_->run_until(at(1s));
  EXPECT_EQ(b.datagrams.size(), 1u);
}

TEST_P(ChangeAddressTest, AStreamFallsSilentOnBothSidesAndNobodyIsTold) {
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  connect(a, b);
  network_->run_until(at(1s));
  ASSERT_TRUE(a.opened && b.opened);
  ASSERT_TRUE(network_->change_address(b.host()));
  a.act([&] { EXPECT_EQ(a.port().streams.write(a.stream, kHundred), 100u); });
  b.act([&] { EXPECT_EQ(b.port().streams.write(b.stream, kHundred), 100u); });
  network_->run_until(at(30s));
  EXPECT_EQ(a.bytes_read + b.bytes_read, 0u);
  EXPECT_FALSE(a.reset || b.reset || a.closed || b.closed) << "it is too early to give up";
  network_->run_until(at(20min));
  EXPECT_TRUE(a.reset && b.reset) << "what they wrote is never acknowledged";
}

TEST_P(ChangeAddressTest, NewStreamsFromAndToTheNewAddressWork) {
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  connect(a, b);
  network_->run_until(at(1s));
  ASSERT_TRUE(network_->change_address(b.host()));
  a.opened = b.opened = false;
  a.bytes_to_write = 100'000;
  a.act([&] { a.stream = a.port().streams.connect(b.endpoint()).value(); });
  network_->run_until(at(5s));
  EXPECT_TRUE(a.opened && b.opened);
  EXPECT_EQ(b.bytes_read, 100'000u);
  a.act([&] { EXPECT_TRUE(a.port().streams.listen()); });
  b.opened = false;
  b.act([&] { b.stream = b.port().streams.connect(a.endpoint()).value(); });
  network_->run_until(at(6s));
  EXPECT_TRUE(b.opened);
  Endpoint seen = a.stream_peer;
  seen.port = b.endpoint().port;
  EXPECT_EQ(seen, b.endpoint());
}

TEST_P(ChangeAddressTest, AHostOfALanStaysInItsLanAndItsGroups) {
  spec_.topology.kind = TopologySpec::Kind::kLan;
  spec_.topology.lans = 2;
  start();
  PlainNode& a = add_node();
  PlainNode& elsewhere = add_node();
  PlainNode& b = add_node();
  const Endpoint group = Endpoint::v4(0xe8010203, 7000);
  for (PlainNode* node : {&elsewhere, &b}) {
    node->act([=] { EXPECT_TRUE(node->port().datagrams.join(group)); });
  }
  network_->run_until(at(1s));
  ASSERT_TRUE(network_->change_address(b.host()));
  EXPECT_EQ(b.endpoint().v4_address() >> 16, a.endpoint().v4_address() >> 16);
  a.act([&] { a.port().datagrams.send(group, kHundred); });
  a.act([&] { a.port().datagrams.send(b.endpoint(), kHundred); });
  network_->run_until(at(2s));
  EXPECT_EQ(b.multicasts.size(), 1u);
  EXPECT_EQ(b.datagrams.size(), 1u);
  EXPECT_TRUE(elsewhere.multicasts.empty());
}

// The host keeps its inner address and is not told; its NAT has forgotten what it let in.
TEST_P(ChangeAddressTest, OfAHostBehindANatItIsTheNatsAddress) {
  spec_.nat.shares = {0, 0, 1, 0, 0};
  spec_.nat.public_hosts = 1;
  start();
  PlainNode& a = add_node();
  PlainNode& b = add_node();
  a.echoing = true;
  b.act([&] { b.port().datagrams.send(a.endpoint(), kHundred); });
  network_->run_until(at(1s));
  ASSERT_EQ(b.datagrams.size(), 1u);
  const Endpoint mapped = a.datagrams.at(0).from;
  ASSERT_TRUE(network_->change_address(b.host()));
  EXPECT_EQ(b.interfaces, 1u);
  a.act([&] { a.port().datagrams.send(mapped, kHundred); });
  a.act([&] { a.port().datagrams.send(Endpoint::v4(b.endpoint().v4_address(), mapped.port), kHundred); });
  network_->run_until(at(2s));
  EXPECT_EQ(b.datagrams.size(), 1u);
  b.act([&] { b.port().datagrams.send(a.endpoint(), kHundred); });
  network_->run_until(at(3s));
  EXPECT_EQ(b.datagrams.size(), 2u);
  EXPECT_NE(a.datagrams.back().from, mapped);
}

INSTANTIATE_TEST_SUITE_P(Fidelities, ChangeAddressTest, kBothFidelities, name_of_fidelity);

}  // namespace
}  // namespace shoal::sim
