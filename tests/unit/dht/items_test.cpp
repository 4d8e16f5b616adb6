// What a host does with the values it holds when its disk or its clock fails it.
#include "node/dht/items.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/node_cluster.h"

namespace shoal {
namespace {

constexpr std::size_t kHosts = 8;  // as many as copies of an item

// A network in which every host holds every item.
NodeCluster& joined(NodeCluster& cluster, const NodeConfig& config = {}) {
  cluster.add_many(kHosts, config);
  cluster.advance(60s);
  return cluster;
}

ItemName hash_name(const Id& key) {
  return {key, ItemKind::kHash, {}};
}

ErrorCode outcome_at(const StoreResult& result, const Contact& holder) {
  const auto found = std::find_if(result.holders.begin(), result.holders.end(),
                                  [&](const auto& h) { return h.contact.key == holder.key; });
  return found == result.holders.end() ? ErrorCode::kNotFound : found->refusal;
}

TEST(HeldItems, AnswersAStoreThatItsDiskRefusesWithAnErrorAndGoesOnServing) {
  NodeCluster cluster;
  joined(cluster);
  const auto before = cluster.expect<StoreResult>(1, PutCommand{Bytes(100, 1)});
  cluster.item_store(2).set_full(true);
  const auto refused = cluster.expect<StoreResult>(1, PutCommand{Bytes(100, 2)});
  EXPECT_EQ(outcome_at(refused, cluster.contact(2)), ErrorCode::kStoreFull);
  EXPECT_EQ(refused.stored_count(), kHosts - 1);
  EXPECT_EQ(cluster.node(2).counters().commits_failed, 1u);
  EXPECT_EQ(cluster.expect<GetResult>(2, GetCommand{before.key}).value, Bytes(100, 1));
  EXPECT_EQ(cluster.expect<GetResult>(2, GetCommand{refused.key}).value, Bytes(100, 2));
  cluster.item_store(2).set_full(false);
  const auto again = cluster.expect<StoreResult>(1, PutCommand{Bytes(100, 2)});
  EXPECT_EQ(again.stored_count(), kHosts);
}

TEST(HeldItems, TellsItsOwnOperationThatTheDiskIsFull) {
  NodeCluster cluster;
  joined(cluster);
  cluster.item_store(1).set_full(true);
  const auto put = cluster.expect<StoreResult>(1, PutCommand{Bytes(100, 2)});
  EXPECT_EQ(outcome_at(put, cluster.contact(1)), ErrorCode::kStoreFull);
  EXPECT_EQ(put.stored_count(), kHosts - 1);
}

TEST(HeldItems, HoldsTheOlderRecordOnWhenTheNewerCannotBeWritten) {
  NodeCluster cluster;
  joined(cluster);
  PublishCommand publish;
  publish.value = Bytes(10, 1);
  const auto first = cluster.expect<StoreResult>(1, publish);
  const ItemName name{publish_item_location(first.key), ItemKind::kPublish, {}};
  cluster.item_store(2).set_full(true);
  publish.value = Bytes(10, 2);
  cluster.expect<StoreResult>(1, publish);
  EXPECT_EQ(cluster.item_store(2).find(name)->header.sequence, first.sequence);
  // It knows that it has the older one only: its own reader gets the newer from the others.
  const auto read = cluster.expect<PublishedResult>(2, LookupCommand{first.key, {}, false});
  EXPECT_EQ(read.records.at(0).value, Bytes(10, 2));
  cluster.item_store(2).set_full(false);
  publish.value = Bytes(10, 3);
  EXPECT_EQ(cluster.expect<StoreResult>(1, publish).stored_count(), kHosts);
}

TEST(HeldItems, StayWithinTheirBoundWhenALargerRecordReplacesASmallerOne) {
  NodeCluster cluster;
  NodeConfig config;
  config.connection_item_lifetime = 0s;  // so that nothing else is held
  cluster.add_many(kHosts - 1, config);
  config.item_bytes_max = 1000;
  const std::size_t small = cluster.add({0}, config);
  cluster.advance(60s);
  const auto outcome_of = [&](PublishCommand& publish, Bytes value) {
    publish.value = std::move(value);
    return outcome_at(cluster.expect<StoreResult>(1, publish), cluster.contact(small));
  };
  PublishCommand first, second;
  second.salt = {1};
  EXPECT_EQ(outcome_of(first, Bytes(500, 1)), ErrorCode::kNone);
  EXPECT_EQ(outcome_of(second, Bytes(10, 1)), ErrorCode::kNone);
  EXPECT_EQ(outcome_of(second, Bytes(500, 2)), ErrorCode::kStoreFull);
  EXPECT_LE(cluster.item_store(small).totals().body_bytes, config.item_bytes_max);
  // What takes the place of as much is no question of room.
  EXPECT_EQ(outcome_of(first, Bytes(500, 2)), ErrorCode::kNone);
  EXPECT_EQ(outcome_of(first, Bytes(10, 3)), ErrorCode::kNone);
  EXPECT_EQ(outcome_of(second, Bytes(500, 3)), ErrorCode::kNone);
}

TEST(HeldItems, ErasesWhatHasExpiredOnceTheDiskLetsIt) {
  NodeConfig config;
  config.item_lifetime = 30min;
  NodeCluster cluster;
  joined(cluster, config);
  const auto put = cluster.expect<StoreResult>(1, PutCommand{Bytes(100, 1)});
  cluster.item_store(2).set_full(true);
  cluster.advance(40min);
  ASSERT_TRUE(cluster.item_store(2).find(hash_name(put.key)));
  EXPECT_FALSE(cluster.run(2, GetCommand{put.key}));
  cluster.item_store(2).set_full(false);
  cluster.advance(10min);
  EXPECT_FALSE(cluster.item_store(2).find(hash_name(put.key)));
}

TEST(HeldItems, NeverPassesOnADamagedValueAndGetsItBackFromTheOthers) {
  NodeCluster cluster;
  joined(cluster);
  const Bytes value(100, 1);
  const auto put = cluster.expect<StoreResult>(1, PutCommand{value});
  ASSERT_TRUE(cluster.item_store(2).damage(hash_name(put.key)));
  EXPECT_EQ(cluster.expect<GetResult>(2, GetCommand{put.key}).value, value);
  EXPECT_EQ(cluster.node(2).counters().items_damaged, 1u);
  EXPECT_FALSE(cluster.item_store(2).find(hash_name(put.key)));
  cluster.advance(2h);
  const auto healed = cluster.item_store(2).find(hash_name(put.key));
  ASSERT_TRUE(healed);
  EXPECT_EQ(*healed->body, value);
}

TEST(HeldItems, FindsDamageThatNobodyAskedForWithinTwoPeriods) {
  NodeCluster cluster;
  joined(cluster);
  const auto put = cluster.expect<StoreResult>(1, PutCommand{Bytes(100, 1)});
  ASSERT_TRUE(cluster.item_store(2).damage(hash_name(put.key)));
  cluster.advance(2h);
  EXPECT_EQ(cluster.node(2).counters().items_damaged, 1u);
  EXPECT_EQ(*cluster.item_store(2).find(hash_name(put.key))->body, Bytes(100, 1));
}

TEST(HeldItems, TellsADamagedRecordByItsDigestAndAfterARestartByItsSignature) {
  for (const bool restarted : {false, true}) {
    NodeCluster cluster;
    joined(cluster);
    PublishCommand publish;
    publish.value = Bytes(10, 1);
    const auto stored = cluster.expect<StoreResult>(1, publish);
    const ItemName name{publish_item_location(stored.key), ItemKind::kPublish, {}};
    ASSERT_TRUE(cluster.item_store(2).damage(name));
    if (restarted) {
      cluster.restart(2);
      cluster.advance(30s);
    }
    const auto read = cluster.expect<PublishedResult>(2, LookupCommand{stored.key, {}, false});
    EXPECT_EQ(read.records.at(0).value, Bytes(10, 1));
    EXPECT_EQ(cluster.node(2).counters().items_damaged, 1u) << restarted;
    EXPECT_FALSE(cluster.item_store(2).find(name));
  }
}

TEST(HeldItems, OfAHostWhoseClockJumpsADayAreKeptAndServed) {
  for (const Duration jump : {Duration(24h), Duration(-24h)}) {
    NodeCluster cluster;
    joined(cluster);
    const auto put = cluster.expect<StoreResult>(1, PutCommand{Bytes(100, 1)});
    cluster.network().jump_wall_time(cluster.index(2), jump);
    cluster.advance(1h);
    EXPECT_TRUE(cluster.item_store(2).find(hash_name(put.key)));
    EXPECT_TRUE(cluster.run(2, GetCommand{put.key}));
    const auto later = cluster.expect<StoreResult>(1, PutCommand{Bytes(100, 2)});
    EXPECT_EQ(outcome_at(later, cluster.contact(2)), ErrorCode::kNone);
  }
}

TEST(HeldItems, ThatExpireAreErasedByAHostWhoseClockIsADayBehind) {
  NodeConfig config;
  config.item_lifetime = 30min;
  NodeCluster cluster;
  joined(cluster, config);
  cluster.network().jump_wall_time(cluster.index(2), -24h);
  const auto put = cluster.expect<StoreResult>(1, PutCommand{Bytes(100, 1)});
  EXPECT_EQ(outcome_at(put, cluster.contact(2)), ErrorCode::kNone);
  cluster.advance(40min);
  EXPECT_FALSE(cluster.item_store(2).find(hash_name(put.key)));
}

TEST(HeldItems, PublishedByAHostWhoseClockIsOffAreAcceptedAndLiveAsLongAsOthers) {
  for (const Duration off : {Duration(24h), Duration(-24h)}) {
    NodeConfig config;
    config.item_lifetime = 12h;
    NodeCluster cluster;
    joined(cluster, config);
    cluster.network().jump_wall_time(cluster.index(1), off);
    PublishCommand publish;
    publish.value = Bytes(10, 1);
    const auto stored = cluster.expect<StoreResult>(1, publish);
    EXPECT_EQ(stored.stored_count(), kHosts);
    const auto read = cluster.expect<PublishedResult>(3, LookupCommand{stored.key, {}, false});
    const auto lifetime = read.records.at(0).expires - cluster.network().wall_time();
    EXPECT_LE(lifetime, 12h);
    EXPECT_GE(lifetime, 12h - 5s);
  }
}

TEST(HeldItems, SayWhereAHostIsAlthoughItsClockWasAheadBefore) {
  NodeConfig config;
  config.connection_item_lifetime = 2h;
  NodeCluster cluster;
  cluster.add_many(4, config);  // too few to say what time it is
  cluster.network().jump_wall_time(cluster.index(2), 3h);
  cluster.advance(60s);
  ASSERT_TRUE(cluster.run(1, ResolveCommand{cluster.contact(2).key}));
  cluster.network().jump_wall_time(cluster.index(2), -3h);
  const ItemName name{cluster.contact(2).key, ItemKind::kConnection, {}};
  const auto before = cluster.item_store(1).find(name)->header.sequence;
  cluster.advance(70min);
  EXPECT_GT(cluster.item_store(1).find(name)->header.sequence, before);
  cluster.advance(150min);
  EXPECT_TRUE(cluster.run(1, ResolveCommand{cluster.contact(2).key}));
}

}  // namespace
}  // namespace shoal
