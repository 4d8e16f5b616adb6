// A host key is replaced when it has reached its age, and nobody who uses the host notices.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/node_cluster.h"

namespace shoal {
namespace {

constexpr Duration kLifetime = 10min;

class HostKeyTest : public testing::Test {
 protected:
  // Host 0 and ten others, whose keys stay; then the one whose key does not, and which is the last.
  void SetUp() override {
    NodeConfig lasting;
    lasting.host_key_lifetime = 0s;
    cluster_.add_many(11, lasting);
    NodeConfig config;
    config.host_key_lifetime = kLifetime;
    host_ = cluster_.add({0}, config);
    old_ = cluster_.contact(host_);
  }
  Node& node() { return cluster_.node(host_); }
  Contact contact() { return {node().id(), old_.endpoint}; }
  bool has_new_key() { return node().id() != old_.key; }
  bool answers(const Contact& contact) {
    return cluster_.run(1, PingCommand{contact.key, contact.endpoint}).has_value();
  }
  // Until it has another key.
  void await_new_key() {
    for (int second = 0; second < 900 && !has_new_key(); ++second) cluster_.advance(1s);
    ASSERT_TRUE(has_new_key());
  }
  std::size_t tables_with(const Id& key) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < host_; ++i) count += cluster_.node(i).table().contains(key) ? 1 : 0;
    return count;
  }

  NodeCluster cluster_;
  std::size_t host_ = 0;
  Contact old_;
};

TEST_F(HostKeyTest, IsReplacedAtItsAgeAndTheOldOneForgottenByAll) {
  cluster_.advance(kLifetime - 1s);
  EXPECT_FALSE(has_new_key());
  EXPECT_EQ(tables_with(old_.key), 11u);
  await_new_key();
  EXPECT_LE(cluster_.network().now(), Instant{} + kLifetime + 2min);
  EXPECT_EQ(tables_with(node().id()), 11u);
  cluster_.advance(90s);
  EXPECT_EQ(tables_with(node().id()), 11u);
  EXPECT_EQ(tables_with(old_.key), 0u);
  EXPECT_EQ(node().table().size(), 11u);
  EXPECT_FALSE(answers(old_));
}

TEST_F(HostKeyTest, TellsItsOwnerAndItsStore) {
  await_new_key();
  const auto identity = cluster_.host_store(host_).load_identity();
  ASSERT_TRUE(identity);
  EXPECT_EQ(KeyPair::from_seed(identity->key_seed).public_key(), node().id());
  EXPECT_LE(cluster_.network().wall_time() - identity->created, 1s);
  std::size_t told = 0;
  for (const auto& [host, event] : cluster_.take_events()) {
    if (event.kind != NodeEvent::Kind::kNewHostKey) continue;
    ++told;
    EXPECT_EQ(host, host_);
    EXPECT_EQ(event.host, node().id());
  }
  EXPECT_EQ(told, 1u);
  const Id id = node().id();
  cluster_.advance(kLifetime / 2);
  cluster_.restart(host_);
  EXPECT_EQ(node().id(), id);
  cluster_.advance(kLifetime / 2 - 1min);
  EXPECT_EQ(node().id(), id);  // its age counts over restarts
  cluster_.advance(4min);
  EXPECT_NE(node().id(), id);
}

TEST_F(HostKeyTest, IsReplacedAgainAndAgain) {
  std::vector<Id> keys = {old_.key};
  for (int i = 0; i < 4; ++i) {
    for (int second = 0; second < 900 && node().id() == keys.back(); ++second) cluster_.advance(1s);
    keys.push_back(node().id());
  }
  std::ranges::sort(keys);
  EXPECT_EQ(std::ranges::adjacent_find(keys), keys.end());
  cluster_.advance(2min);
  EXPECT_EQ(tables_with(node().id()), 11u);
  EXPECT_EQ(node().table().size(), 11u);
}

// From before the change until a minute after it both the old key and, once it is told, the new one answer,
// and all that the host itself is asked to do succeeds.
TEST_F(HostKeyTest, NothingFailsMeanwhile) {
  cluster_.advance(30s);
  const auto put = cluster_.expect<StoreResult>(host_, PutCommand{{1, 2, 3}});
  cluster_.advance(kLifetime - 60s);
  std::optional<Instant> replaced;
  std::uint8_t round = 0;
  while (!replaced || cluster_.network().now() < *replaced + 50s) {
    ASSERT_LT(cluster_.network().now(), Instant{} + 20min);
    ASSERT_TRUE(answers(old_));
    ASSERT_TRUE(answers(contact()));
    const Bytes value(100, ++round);
    const auto stored = cluster_.run(host_, PutCommand{value});
    ASSERT_TRUE(stored) << stored.error().message;
    ASSERT_EQ(std::get<StoreResult>(*stored).stored_count(), 8u);
    ASSERT_TRUE(cluster_.run(2, GetCommand{std::get<StoreResult>(*stored).key}));
    ASSERT_TRUE(cluster_.run(host_, GetCommand{put.key}));
    ASSERT_TRUE(cluster_.run(host_, FindCommand{put.key}));
    cluster_.advance(1s);
    if (!replaced && has_new_key()) replaced = cluster_.network().now();
  }
}

TEST_F(HostKeyTest, TheItemsThatItHoldsStay) {
  cluster_.advance(30s);
  for (std::uint8_t i = 0; i < 40; ++i) {
    ASSERT_TRUE(cluster_.run(1, PutCommand{Bytes(50, i)}));
  }
  const auto held = [&] {
    std::size_t count = 0;
    for (std::uint8_t i = 0; i < 40; ++i) {
      const ItemName name{sha256(Bytes(50, i)), ItemKind::kHash, {}};
      count += cluster_.item_store(host_).find(name).has_value() ? 1 : 0;
    }
    return count;
  };
  const std::size_t before = held();
  ASSERT_GT(before, 10u);
  await_new_key();
  EXPECT_GE(held(), before);
  EXPECT_GT(cluster_.expect<StatusResult>(host_, StatusCommand{}).uptime, kLifetime);
  cluster_.advance(90s);
  // It serves them under its new key: to a host that asks nobody else.
  NodeConfig alone;
  alone.client = true;
  std::size_t served = 0;
  for (std::size_t i = 0; i < host_; ++i) cluster_.crash(i);
  const std::size_t asker = cluster_.add({host_}, alone);
  cluster_.advance(30s);
  for (std::uint8_t i = 0; i < 40; ++i) {
    served += cluster_.run(asker, GetCommand{sha256(Bytes(50, i))}).has_value() ? 1 : 0;
  }
  EXPECT_GE(served, before);
}

TEST_F(HostKeyTest, CountersAreThoseOfTheHostNotOfTheKey) {
  cluster_.advance(kLifetime);
  std::uint64_t last = 0;
  for (int second = 0; second < 240; ++second) {
    cluster_.advance(1s);
    const std::uint64_t sent = node().counters().datagrams_sent;
    ASSERT_GE(sent, last);
    last = sent;
  }
  EXPECT_TRUE(has_new_key());
}

TEST_F(HostKeyTest, AHostThatKnowsNobodyTakesItAtOnce) {
  NodeConfig config;
  config.host_key_lifetime = kLifetime;
  const std::size_t lonely = cluster_.add({}, config);
  const Id before = cluster_.node(lonely).id();
  cluster_.advance(kLifetime - 1s);
  EXPECT_EQ(cluster_.node(lonely).id(), before);
  cluster_.advance(4s);
  EXPECT_NE(cluster_.node(lonely).id(), before);
}

TEST_F(HostKeyTest, AHostMayStopMeanwhile) {
  for (const Duration after : {5s, 70s}) {
    cluster_.advance(kLifetime - (cluster_.network().now() - Instant{}) % kLifetime + after);
    ASSERT_TRUE(cluster_.run(host_, StopCommand{}, 5s));
    cluster_.advance(10s);
    EXPECT_EQ(tables_with(node().id()), 0u);
    EXPECT_EQ(tables_with(old_.key), 0u);
    cluster_.restart(host_);
    cluster_.advance(1min);
  }
}

TEST_F(HostKeyTest, PeersStayConnectedAndHearEverything) {
  const GroupKey group = GroupKey::from_sync_key(Secret(Rng::keyed(1, "test", "group").seed()));
  for (const std::size_t member : {host_, std::size_t{1}, std::size_t{2}})
    cluster_.set_groups(member, {group});
  cluster_.advance(kLifetime - 30s);
  const auto peers_of = [&](std::size_t host) {
    std::size_t connected = 0;
    const auto status = cluster_.expect<PeersResult>(host, PeersCommand{});
    for (const auto& peer : status.groups.at(0).peers) connected += peer.connected ? 1 : 0;
    return connected;
  };
  ASSERT_EQ(peers_of(host_), 2u);
  cluster_.take_events();
  for (int second = 0; second < 240; ++second) {
    const std::size_t speaker = second % 2 == 0 ? host_ : 1;
    ASSERT_TRUE(cluster_.run(speaker, BroadcastCommand{group.id(), {1}}));
    cluster_.advance(1s);
    ASSERT_EQ(peers_of(host_), 2u) << second;  // and not itself under its other key
    ASSERT_GE(peers_of(1), 2u) << second;
    std::vector<std::size_t> heard;
    for (const auto& [host, event] : cluster_.take_events()) {
      if (event.kind == NodeEvent::Kind::kNewFsEvent) heard.push_back(host);
    }
    for (const std::size_t member : {host_, std::size_t{1}, std::size_t{2}}) {
      if (member == speaker) continue;
      ASSERT_GE(std::ranges::count(heard, member), 1) << second << " " << member;
    }
  }
  ASSERT_TRUE(has_new_key());
  EXPECT_EQ(peers_of(host_), 2u);
  EXPECT_EQ(peers_of(1), 2u);
}

}  // namespace
}  // namespace shoal
