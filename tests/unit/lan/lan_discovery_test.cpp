// Whole nodes on LANs, without bootstrap addresses: how they find each other.
#include <gmock/gmock.h>

#include "tests/unit/lan/lan_cluster.h"

namespace shoal {
namespace {

class LanDiscoveryTest : public LanCluster {};

// ---- Finding each other

TEST_F(LanDiscoveryTest, TwoHostsFindEachOtherAtOnceWithoutABootstrapAddress) {
  add(1);
  add(1);
  cluster_.advance(500ms);
  EXPECT_TRUE(knows(0, 1) && knows(1, 0));
  EXPECT_EQ(status(0).links, 1u);
  EXPECT_EQ(status(0).hosts, 1u);
  EXPECT_LE(counters(0).asks_sent + counters(1).asks_sent, 2u);
}

TEST_F(LanDiscoveryTest, AWholeOfficeBecomesOneNetwork) {
  for (int i = 0; i < 30; ++i) add(1);
  cluster_.advance(10s);
  for (std::size_t host = 0; host < 30; ++host) EXPECT_GE(cluster_.node(host).table().size(), 25u) << host;
  EXPECT_TRUE(find_each_other(30));
}

TEST_F(LanDiscoveryTest, HostsOfOtherLansAreNotHeard) {
  add(1);
  add(2);
  add_on({{private_v4(77), 0}});
  cluster_.advance(2min);
  for (std::size_t host = 0; host < 3; ++host) {
    EXPECT_EQ(cluster_.node(host).table().size(), 0u);
    EXPECT_EQ(counters(host).pings_heard, 0u);
  }
  EXPECT_EQ(counters(2).pings_sent, 0u);
  EXPECT_GE(counters(2).joins_failed, 1u);
}

TEST_F(LanDiscoveryTest, AHostOnTwoLansJoinsThemToOneNetwork) {
  add(1);
  add(2);
  add_on({{private_v4(77), 1}, {private_v4(78), 2}});
  cluster_.advance(5s);
  EXPECT_TRUE(find_each_other(3));
  EXPECT_EQ(status(2).links, 1u) << "hosts in memory do not number their interfaces";
}

TEST_F(LanDiscoveryTest, LinkLocalAddressesAreEnoughAndEachHostNumbersItsInterfacesItself) {
  for (std::uint8_t i = 1; i <= 4; ++i) add_on({{link_local(i, 10u + i), 1}});
  cluster_.advance(10s);
  for (std::size_t host = 0; host < 4; ++host) {
    ASSERT_EQ(cluster_.node(host).table().size(), 3u) << host;
    for (const RoutingTable::Row& row : cluster_.node(host).table().rows()) {
      EXPECT_EQ(row.contact.endpoint.interface, 11u + host) << "what others tell is on the link too";
    }
  }
  EXPECT_TRUE(find_each_other(4));
}

TEST_F(LanDiscoveryTest, OfSeveralAddressesOneIsUsedThatMeansSomethingToOthers) {
  for (std::uint8_t i = 1; i <= 3; ++i) add_on({{private_v4(i), 1}, {link_local(i, 0), 1}});
  cluster_.advance(2min);
  for (std::size_t host = 0; host < 3; ++host) {
    EXPECT_EQ(status(host).links, 2u);
    for (const RoutingTable::Row& row : cluster_.node(host).table().rows()) {
      EXPECT_TRUE(row.contact.endpoint.is_v4()) << row.contact.endpoint.to_string();
    }
  }
}

TEST_F(LanDiscoveryTest, AHostThatChangesItsAddressIsKnownAtTheNewOneWithinSeconds) {
  add(1);
  add(1);
  add(1);
  cluster_.advance(1min);
  cluster_.network().set_interfaces(cluster_.index(1), {{private_v4(200), 1}});
  cluster_.advance(5s);
  EXPECT_TRUE(knows(0, 1) && knows(2, 1));
  cluster_.advance(10min);
  EXPECT_TRUE(knows(0, 1) && knows(2, 1));
  EXPECT_TRUE(find_each_other(3));
}

TEST_F(LanDiscoveryTest, AHostThatMovesAgainAndAgainIsFollowed) {
  add(1);
  add(1);
  for (std::uint32_t i = 0; i < 5; ++i) {
    cluster_.advance(5s);
    ASSERT_TRUE(knows(0, 1)) << i;
    cluster_.network().set_interfaces(cluster_.index(1), {{private_v4(200 + i), 1}});
  }
}

TEST_F(LanDiscoveryTest, AHostThatMovesToAnotherLanIsHeardThere) {
  add(1);
  add(2);
  cluster_.advance(1min);
  cluster_.network().set_interfaces(cluster_.index(0), {{private_v4(200), 2}});
  cluster_.advance(2s);
  EXPECT_TRUE(knows(0, 1) && knows(1, 0));
}

TEST_F(LanDiscoveryTest, AHostWhoseFirstMessagesAreAllLostIsFoundLater) {
  add(1);
  cluster_.advance(1min);
  cluster_.network().set_link({.loss = 1});
  add(1);
  cluster_.advance(20s);
  cluster_.network().set_link({});
  cluster_.advance(40s);
  EXPECT_TRUE(knows(0, 1) && knows(1, 0));
}

TEST_F(LanDiscoveryTest, SwitchedOffItNeitherSpeaksNorListens) {
  NodeConfig off;
  off.lan_ping_interval = 0s;
  add(1, off);
  add(1);
  cluster_.advance(2min);
  EXPECT_EQ(cluster_.node(0).table().size() + cluster_.node(1).table().size(), 0u);
  EXPECT_EQ(counters(0).pings_sent + counters(0).joins_failed, 0u);
  EXPECT_EQ(cluster_.node(0).counters().datagrams_received, 0u);
}

TEST_F(LanDiscoveryTest, ClientsAreHeardButEnterNoTable) {
  NodeConfig client;
  client.client = true;
  add(1);
  add(1, client);
  cluster_.advance(5min);
  EXPECT_FALSE(knows(0, 1));
  EXPECT_TRUE(knows(1, 0));
  EXPECT_EQ(status(0).hosts, 1u);
  EXPECT_LE(counters(0).asks_sent, 1u) << "who answered that it is a client is not asked each time";
}

// ---- Groups

TEST_F(LanDiscoveryTest, HostsThatShareAKeyConnectWithinASecondAndThoseWithAnotherDoNot) {
  const GroupKey shared = GroupKey::from_sync_key(Secret({1}));
  const GroupKey other = GroupKey::from_sync_key(Secret({2}));
  for (const GroupKey& key : {shared, shared, other}) cluster_.set_groups(add(1), {key});
  cluster_.advance(1s);
  const auto connected = [&](std::size_t host) {
    std::vector<Id> peers;
    for (const GroupStatus& group : cluster_.expect<PeersResult>(host, PeersCommand{}).groups) {
      for (const auto& peer : group.peers) {
        if (peer.connected) peers.push_back(peer.host);
      }
    }
    return peers;
  };
  EXPECT_THAT(connected(0), testing::ElementsAre(cluster_.contact(1).key));
  EXPECT_THAT(connected(1), testing::ElementsAre(cluster_.contact(0).key));
  EXPECT_THAT(connected(2), testing::IsEmpty());
}

}  // namespace
}  // namespace shoal
