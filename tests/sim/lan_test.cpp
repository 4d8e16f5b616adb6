// The topology lan: addresses, delays, and multicast within one LAN, in both fidelities. Each test runs in a
// process of its own under CTest.
#include "sim/address_plan.h"
#include "tests/sim/network_fixture.h"

namespace shoal::sim {
namespace {

class LanTest : public NetworkFixture {
 protected:
  LanTest() {
    spec_.topology.kind = TopologySpec::Kind::kLan;
    spec_.topology.lans = 2;
    spec_.down_bits_per_s = spec_.up_bits_per_s = 1'000'000'000;
  }
  // Hosts 0, 2, 4 in the first LAN, 1, 3, 5 in the other; all are members of kGroup.
  void start_with_members(std::size_t count) {
    start();
    for (std::size_t i = 0; i < count; ++i) {
      PlainNode& node = add_node();
      node.act([&node] { EXPECT_TRUE(node.port().datagrams.join(kGroup)); });
    }
    network_->run_until(at(1s));
  }
  void send_to_group(std::size_t from) {
    PlainNode& node = *nodes_[from];
    node.act([&node] { EXPECT_TRUE(node.port().datagrams.send(kGroup, kHundred)); });
    network_->run_until(network_->now() + 1s);
  }
  std::vector<std::size_t> received() const {
    std::vector<std::size_t> counts;
    for (const auto& node : nodes_) counts.push_back(node->multicasts.size());
    return counts;
  }

  static const Endpoint kGroup;
};
const Endpoint LanTest::kGroup = Endpoint::v4(0xefc0c0c0, 5353);

using Counts = std::vector<std::size_t>;

TEST_P(LanTest, HostsHavePrivateAddressesAndReachEachOther) {
  start();
  PlainNode& a = add_node();
  PlainNode& other = add_node();
  PlainNode& near = add_node();
  EXPECT_EQ(a.endpoint().to_string(), "10.0.0.2:4000");
  EXPECT_EQ(other.endpoint().to_string(), "10.1.0.2:4000");
  EXPECT_EQ(near.endpoint().to_string(), "10.0.0.3:4000");
  a.act_at(at(1s), [&] {
    a.port().datagrams.send(near.endpoint(), kHundred);
    a.port().datagrams.send(other.endpoint(), kHundred);
  });
  network_->run_until(at(2s));
  ASSERT_EQ(near.datagrams.size(), 1u);
  ASSERT_EQ(other.datagrams.size(), 1u);
  EXPECT_EQ(near.datagrams[0].from, a.endpoint());
  EXPECT_LT(near.datagrams[0].at, at(1s + 200us));
  EXPECT_GT(other.datagrams[0].at, at(1s + 5ms));
  EXPECT_LT(other.datagrams[0].at, at(1s + 6ms));
}

TEST_P(LanTest, MulticastReachesTheOtherMembersOfItsLan) {
  start_with_members(5);
  send_to_group(0);
  EXPECT_EQ(received(), (Counts{0, 0, 1, 0, 1}));
  EXPECT_EQ(nodes_[2]->multicasts[0].from, nodes_[0]->endpoint());
  EXPECT_TRUE(nodes_[2]->datagrams.empty()) << "it comes as what it is";
  EXPECT_EQ(network_->totals().datagrams_sent, 1u) << "the switch makes the copies";
  EXPECT_EQ(network_->totals().datagrams_delivered, 2u);
  send_to_group(3);
  EXPECT_EQ(received(), (Counts{0, 1, 1, 0, 1}));
}

TEST_P(LanTest, GroupsAreToldApartByAddressAndPort) {
  start_with_members(3);
  PlainNode& a = *nodes_[0];
  a.act([&a] {
    a.port().datagrams.send(Endpoint::v4(kGroup.v4_address(), 5354), kHundred);
    a.port().datagrams.send(Endpoint::v4(kGroup.v4_address() + 1, kGroup.port), kHundred);
  });
  network_->run_until(at(2s));
  EXPECT_EQ(received(), (Counts{0, 0, 0}));
  EXPECT_EQ(network_->totals().datagrams_to_nobody, 2u);
}

TEST_P(LanTest, LinkLocalGroupsWorkToo) {
  start();
  const Endpoint mdns = Endpoint::v4(0xe00000fb, 5353);
  spec_.topology.lans = 1;
  PlainNode& a = add_node();
  add_node();
  PlainNode& b = add_node();
  b.act([&] { EXPECT_TRUE(b.port().datagrams.join(mdns)); });
  a.act_at(at(1s), [&] { a.port().datagrams.send(mdns, kHundred); });
  network_->run_until(at(2s));
  EXPECT_EQ(received(), (Counts{0, 0, 1}));
}

TEST_P(LanTest, HostThatFellSilentIsNoMemberWhenItComesBack) {
  start_with_members(3);
  network_->detach(nodes_[2]->host());
  network_->attach(nodes_[2]->host(), *nodes_[2]);
  send_to_group(0);
  EXPECT_EQ(received(), (Counts{0, 0, 0}));
  PlainNode& back = *nodes_[2];
  back.act([&back] { EXPECT_TRUE(back.port().datagrams.join(kGroup)); });
  network_->run_until(network_->now() + 1s);
  send_to_group(0);
  EXPECT_EQ(received(), (Counts{0, 0, 1}));
}

TEST_P(LanTest, HostThatLeavesAGroupHearsItNoMoreAndMayJoinAgain) {
  start_with_members(5);
  const Endpoint other = Endpoint::v4(kGroup.v4_address() + 1, kGroup.port);
  PlainNode& member = *nodes_[2];
  member.act([&] {
    EXPECT_TRUE(member.port().datagrams.join(other));
    member.port().datagrams.leave(kGroup);
    member.port().datagrams.leave(Endpoint::v4(kGroup.v4_address(), 5354));  // of which it is no member
  });
  send_to_group(0);
  EXPECT_EQ(received(), (Counts{0, 0, 0, 0, 1}));
  nodes_[0]->act([&] { nodes_[0]->port().datagrams.send(other, kHundred); });
  network_->run_until(network_->now() + 1s);
  EXPECT_EQ(received(), (Counts{0, 0, 1, 0, 1})) << "it is still in its other group";
  member.act([&] { EXPECT_TRUE(member.port().datagrams.join(kGroup)); });
  send_to_group(0);
  EXPECT_EQ(received(), (Counts{0, 0, 2, 0, 2}));
}

TEST_P(LanTest, FaultsConcernEachMemberByItself) {
  start_with_members(7);
  network_->set_partition({{0, 0, 1}});
  send_to_group(0);
  EXPECT_EQ(received(), (Counts{0, 0, 0, 0, 1, 0, 1}));
  EXPECT_EQ(network_->totals().datagrams_cut, 1u);
  network_->set_partition({});
  network_->set_disturbance({.duplicate = 1});
  send_to_group(0);
  EXPECT_EQ(received(), (Counts{0, 0, 2, 0, 3, 0, 3}));
  network_->set_disturbance({.loss = 1});
  send_to_group(0);
  EXPECT_EQ(received(), (Counts{0, 0, 2, 0, 3, 0, 3}));
}

TEST_P(LanTest, OtherTopologiesCarryNoMulticast) {
  spec_.topology = {};
  start();
  PlainNode& a = add_node();
  a.act([&] {
    const Result<void> joined = a.port().datagrams.join(kGroup);
    ASSERT_FALSE(joined);
    EXPECT_EQ(
        joined.error().message,
        "cannot join the multicast group 239.192.192.192:5353: only the topology lan carries multicast");
  });
  network_->run_until(at(1s));
}

INSTANTIATE_TEST_SUITE_P(Fidelities, LanTest, kBothFidelities, name_of_fidelity);

TEST(AddressPlan, GivesEveryHostOfALanAnAddressOfItsOwnNetwork) {
  for (const std::uint32_t lans : {1u, 3u, 256u}) {
    for (HostIndex host = 0; host < 100'000 && host < lans * kHostsPerLanMax; host += host < 2000 ? 1 : 997) {
      const std::uint32_t address = lan_address_of(host, lans);
      EXPECT_EQ(lan_host_of(address, lans), host);
      EXPECT_EQ(address >> 16, 10u << 8 | host % lans);
      EXPECT_TRUE(Endpoint::v4(address, 1).is_local());
    }
  }
  EXPECT_FALSE(lan_host_of(0x0a000001, 1)) << "the gateway";
  EXPECT_FALSE(lan_host_of(0x0a010002, 1)) << "there is one LAN";
  EXPECT_FALSE(lan_host_of(0x0b000002, 1));
}

}  // namespace
}  // namespace shoal::sim
