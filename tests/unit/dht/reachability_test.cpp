// Whole nodes, some of whom strangers cannot reach.
#include "node/dht/reachability.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/support/node_cluster.h"
#include "tests/support/raw_peer.h"

namespace shoal {
namespace {

class ReachabilityTest : public ::testing::Test {
 protected:
  std::string_view state_of(std::size_t host) {
    return cluster_.expect<StatusResult>(host, StatusCommand{}).reachability;
  }
  std::size_t add_hidden(std::size_t via, const NodeConfig& config = {}) {
    const std::size_t host = cluster_.add({via}, config);
    cluster_.network().hide(cluster_.index(host));  // before its node has sent anything
    return host;
  }
  std::size_t tables_with(std::size_t host) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < hosts_; ++i) {
      count += cluster_.node(i).table().contains(cluster_.contact(host).key) ? 1 : 0;
    }
    return count;
  }
  void add_public(std::size_t count, const NodeConfig& config = {}) {
    for (std::size_t i = 0; i < count; ++i, ++hosts_) {
      cluster_.add(hosts_ == 0 ? std::vector<std::size_t>{} : std::vector<std::size_t>{0}, config);
    }
  }

  NodeCluster cluster_;
  std::size_t hosts_ = 0;  // those that strangers can reach
};

// Small tables, so that there are always some whom a host has not met for a while.
NodeConfig few_contacts() {
  NodeConfig config;
  config.k = 4;
  config.first_buckets = {4};
  config.reach_test_interval = 3min;
  config.neighbour_refresh_interval = 1h;
  config.bucket_refresh_interval = 1h;
  config.refreshes_per_lifetime = 0;
  config.connection_item_lifetime = 0s;
  return config;
}

TEST_F(ReachabilityTest, AHostLearnsThatStrangersReachIt) {
  for (std::size_t i = 0; i < 12; ++i) {
    add_public(1);
    cluster_.advance(2s);
  }
  cluster_.advance(10s);
  for (std::size_t i = 0; i < 12; ++i) {
    EXPECT_EQ(state_of(i), "reachable") << i;
    EXPECT_EQ(cluster_.node(i).table().size(), 11u) << i;
  }
}

TEST_F(ReachabilityTest, TwoHostsAloneKnowEachOtherThoughOneCannotBeTested) {
  add_public(2);
  cluster_.advance(60s);
  EXPECT_EQ(state_of(0), "reachable");  // the other came by itself
  EXPECT_EQ(state_of(1), "unknown");
  EXPECT_FALSE(cluster_.node(1).is_client());
  EXPECT_EQ(cluster_.node(0).table().size(), 1u);
  EXPECT_EQ(cluster_.node(1).table().size(), 1u);
}

TEST_F(ReachabilityTest, AHostBehindANatBecomesAClientAndEntersNoTableOnTheWay) {
  add_public(20);
  cluster_.advance(60s);
  const std::size_t hidden = add_hidden(0);
  for (int second = 0; second < 90; ++second) {
    cluster_.advance(1s);
    ASSERT_EQ(tables_with(hidden), 0u) << second;
  }
  EXPECT_EQ(state_of(hidden), "unreachable");
  EXPECT_TRUE(cluster_.node(hidden).is_client());
  EXPECT_GE(cluster_.node(hidden).table().size(), 18u);
  const Bytes value(2000, 7);
  const auto put = cluster_.expect<StoreResult>(hidden, PutCommand{value});
  EXPECT_EQ(cluster_.expect<GetResult>(hidden, GetCommand{put.key}).value, value);
  EXPECT_EQ(cluster_.expect<GetResult>(3, GetCommand{put.key}).value, value);
}

TEST_F(ReachabilityTest, ANeighbourBehindTheSameNatIsNoStrangerThatReachesUs) {
  add_public(20);
  cluster_.advance(60s);
  const std::array<std::size_t, 2> hidden = {add_hidden(0), add_hidden(0)};
  for (std::uint32_t i = 0; i < 2; ++i) {
    const ManualNetwork::HostIndex index = cluster_.index(hidden[i]);
    const Endpoint outside = cluster_.network().endpoint(index);
    cluster_.network().set_interfaces(index, {{outside, 0}, {Endpoint::v4(0x0a000001 + i, 4000), 1}});
  }
  cluster_.advance(30min);
  for (const std::size_t host : hidden) {
    EXPECT_GT(cluster_.node(host).counters().lan.pings_heard, 50u);
    EXPECT_EQ(state_of(host), "unreachable");
    EXPECT_EQ(tables_with(host), 0u);
  }
}

TEST_F(ReachabilityTest, HostsThatKnowNobodyButTheirLanAreInEachOthersTablesWhateverTheirOtherAddresses) {
  for (std::uint32_t i = 0; i < 3; ++i) {
    const std::size_t host = cluster_.add();
    const ManualNetwork::HostIndex index = cluster_.index(host);
    const Endpoint outside = cluster_.network().endpoint(index);
    cluster_.network().set_interfaces(index, {{outside, 0}, {Endpoint::v4(0x0a000001 + i, 4000), 1}});
  }
  cluster_.advance(2min);
  for (std::size_t host = 0; host < 3; ++host) {
    EXPECT_EQ(cluster_.node(host).table().size(), 2u);
    EXPECT_FALSE(cluster_.node(host).is_client());
  }
}

TEST_F(ReachabilityTest, AClientIsNoResultOfALookup) {
  add_public(20);
  cluster_.advance(60s);
  const std::size_t hidden = add_hidden(0);
  cluster_.advance(30s);
  const Id target = cluster_.contact(hidden).key;
  const auto found = cluster_.expect<FindResult>(5, FindCommand{target});
  for (const auto& closest : found.lookup.closest) EXPECT_NE(closest.contact.key, target);
}

TEST_F(ReachabilityTest, AFirewallPutUpLaterMakesAClientThatLeavesAllTables) {
  add_public(60, few_contacts());
  cluster_.advance(30min);  // whom it met on joining is a stranger by now
  EXPECT_EQ(state_of(30), "reachable");
  EXPECT_GT(tables_with(30), 0u);
  cluster_.network().hide(cluster_.index(30));
  cluster_.advance(30min);
  EXPECT_EQ(state_of(30), "unreachable");
  EXPECT_EQ(tables_with(30), 0u);
  EXPECT_GT(cluster_.node(30).table().size(), 0u);

  cluster_.network().unhide(cluster_.index(30));
  cluster_.advance(30min);
  EXPECT_EQ(state_of(30), "reachable");
  EXPECT_GT(tables_with(30), 0u);
}

TEST_F(ReachabilityTest, ItIsNotTestedWhereThatIsTurnedOff) {
  NodeConfig config;
  config.reach_test_interval = 0s;
  add_public(12, config);
  cluster_.advance(60s);
  const std::size_t hidden = add_hidden(0, config);
  cluster_.advance(60s);
  EXPECT_FALSE(cluster_.node(hidden).is_client());
  const auto& kinds = cluster_.node(hidden).counters().kinds;
  EXPECT_EQ(kinds[static_cast<std::size_t>(wire::RequestKind::kTestReach)].requests_sent, 0u);
}

TEST_F(ReachabilityTest, AHostWhoseOnlyContactBecomesAClientBootstrapsAgain) {
  RawPeer silent(cluster_.network(), 98);
  RawPeer peer(cluster_.network(), 99);
  NodeConfig config;
  config.bootstrap = {silent.contact().endpoint};
  add_public(1, config);
  bool client = false;
  const auto answer_for = [&](Duration time) {
    for (Duration passed{}; passed < time; passed += 100ms) {
      cluster_.advance(100ms);
      for (const RawPeer::Received& received : peer.take()) {
        const auto* request = received.message ? std::get_if<wire::Request>(&*received.message) : nullptr;
        if (request == nullptr) continue;
        wire::Response response{request->id, {}, {}, 0, client, wire::Done{}};
        if (request->kind() != wire::RequestKind::kPing) response.body = wire::Contacts{};
        peer.send(cluster_.contact(0), response);
      }
    }
  };
  peer.send(cluster_.contact(0), wire::Request{1, {}, client, 0, wire::Ping{}});
  answer_for(5s);
  ASSERT_EQ(cluster_.node(0).table().size(), 1u);
  silent.take();
  answer_for(60s);
  ASSERT_EQ(cluster_.node(0).table().size(), 1u);
  EXPECT_TRUE(silent.take().empty());  // it has a contact, so it does not search

  client = true;
  peer.send(cluster_.contact(0), wire::Request{2, {}, client, 0, wire::Ping{}});
  answer_for(1s);
  EXPECT_EQ(cluster_.node(0).table().size(), 0u);
  EXPECT_FALSE(silent.take().empty());
}

// ---- Serving a test

wire::Request test_of(std::uint64_t id, std::optional<Contact> contact) {
  wire::Request request;
  request.id = id;
  request.client = true;
  request.body = wire::TestReach{contact};
  return request;
}

TEST_F(ReachabilityTest, ATestNeedsATokenSinceItSendsPacketsToItsSender) {
  add_public(12);
  cluster_.advance(60s);
  RawPeer peer(cluster_.network(), 99);
  const auto refused = peer.ask(cluster_.contact(0), test_of(1, std::nullopt));
  ASSERT_TRUE(refused && refused->token);
  EXPECT_EQ(std::get<wire::Refusal>(refused->body).code, ErrorCode::kBadToken);

  wire::Request again = test_of(2, std::nullopt);
  again.token = refused->token;
  peer.take();
  const auto answer = peer.ask(cluster_.contact(0), again);
  ASSERT_TRUE(answer);
  const auto witnesses = std::get<wire::Contacts>(answer->body).contacts;
  EXPECT_EQ(witnesses.size(), Reachability::kWitnessesPerTest);
  cluster_.advance(1s);
  std::size_t came = 0;
  for (const RawPeer::Received& received : peer.take()) {
    for (const Contact& witness : witnesses) came += received.from == witness.endpoint ? 1 : 0;
  }
  EXPECT_GE(came, witnesses.size());
}

TEST_F(ReachabilityTest, AWitnessPingsWhomItIsAskedToUnlessItCannotBeAHost) {
  add_public(2);
  cluster_.advance(60s);
  RawPeer tested(cluster_.network(), 99);
  RawPeer peer(cluster_.network(), 98);
  ASSERT_TRUE(peer.ask(cluster_.contact(0), test_of(1, tested.contact())));
  cluster_.advance(30ms);
  EXPECT_EQ(tested.take().size(), 1u);
  cluster_.advance(10s);
  tested.take();  // the ping is repeated, since it is not answered
  // Itself, and an address that means nothing to others.
  ASSERT_TRUE(peer.ask(cluster_.contact(0), test_of(2, cluster_.contact(0))));
  ASSERT_TRUE(peer.ask(cluster_.contact(0),
                       test_of(3, Contact{tested.contact().key, Endpoint::v4(0x0a000001, 4000)})));
  cluster_.advance(100ms);
  EXPECT_TRUE(tested.take().empty());
}

}  // namespace
}  // namespace shoal
