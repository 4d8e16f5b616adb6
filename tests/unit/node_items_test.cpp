// What whole nodes do to keep the items of others: renew, hand over, repair, forget.
#include "node/node.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/support/node_cluster.h"
#include "tests/support/random_value.h"

namespace shoal {
namespace {

TEST(NodeItems, KeepsItemsAliveThroughChurnByRenewingAndHandingOver) {
  NodeCluster cluster;
  NodeConfig config;
  config.republish_interval = 60s;
  config.table_check_period = 20s;
  config.replication = 4;
  cluster.add_many(20, config);
  cluster.advance(30s);
  const Bytes value = value_of(3000, 8);
  const Id key = cluster.expect<StoreResult>(0, PutCommand{value}).key;
  for (std::size_t i = 1; i < 17; ++i) {
    cluster.crash(i);
    cluster.add({0}, config);
    cluster.advance(45s);
  }
  EXPECT_EQ(cluster.expect<GetResult>(18, GetCommand{key}).value, value);
}

NodeConfig without_connection_items() {
  NodeConfig config;
  config.connection_item_lifetime = Duration::zero();
  return config;
}

std::vector<std::size_t> holders(NodeCluster& cluster, std::size_t hosts) {
  std::vector<std::size_t> holders;
  for (std::size_t i = 0; i < hosts; ++i) {
    if (cluster.running(i) && cluster.expect<StatusResult>(i, StatusCommand{}).items > 0)
      holders.push_back(i);
  }
  return holders;
}

TEST(NodeItems, GivesAnItemAnotherHolderWhenOneHasDied) {
  NodeCluster cluster;
  NodeConfig config = without_connection_items();
  config.replication = 4;
  config.renewals_per_lifetime = 0;  // not for another hour, then
  cluster.add_many(20, config);
  cluster.advance(30s);
  ASSERT_TRUE(cluster.run(0, PutCommand{value_of(500, 1)}));
  std::vector<std::size_t> before = holders(cluster, 20);
  ASSERT_EQ(before.size(), 4u);
  cluster.crash(before[1]);
  cluster.advance(5min);
  std::vector<std::size_t> after = holders(cluster, 20);
  EXPECT_GE(after.size(), 4u);
  EXPECT_LE(after.size(), 5u);  // two see to it, and may see different neighbours
}

TEST(NodeItems, GivesAnItemAnotherHolderWhenOneHasSaidGoodbye) {
  NodeCluster cluster;
  NodeConfig config = without_connection_items();
  config.replication = 4;
  config.renewals_per_lifetime = 0;
  cluster.add_many(20, config);
  cluster.advance(30s);
  ASSERT_TRUE(cluster.run(0, PutCommand{value_of(500, 1)}));
  const std::vector<std::size_t> before = holders(cluster, 20);
  ASSERT_TRUE(cluster.run(before[1], StopCommand{}));
  cluster.crash(before[1]);
  cluster.advance(10s);
  EXPECT_GE(holders(cluster, 20).size(), 4u);
}

TEST(NodeItems, HandsAnItemToANewcomerThoughTheNearestHolderIsDead) {
  NodeCluster cluster;
  NodeConfig config = without_connection_items();
  config.replication = 4;
  config.renewals_per_lifetime = 0;
  config.table_check_period = 1h;  // nobody looks whether the dead one is there
  config.table_checks_per_lifetime = 0;
  config.neighbour_checks_per_lifetime = 0;
  config.refreshes_per_lifetime = 0;
  cluster.add_many(12, config);
  cluster.advance(30s);
  const Id key = cluster.expect<StoreResult>(0, PutCommand{value_of(500, 1)}).key;
  std::vector<std::size_t> before = holders(cluster, 12);
  const auto nearest = std::min_element(before.begin(), before.end(), [&](std::size_t a, std::size_t b) {
    return closer(key, cluster.contact(a).key, cluster.contact(b).key);
  });
  cluster.crash(*nearest);
  // One of the newcomers will be among the closest.
  const Id second = cluster.contact(before[nearest == before.begin() ? 1 : 0]).key;
  std::size_t newcomer = 0;
  do {
    newcomer = cluster.add({0}, config);
    cluster.advance(5s);
  } while (!closer(key, cluster.contact(newcomer).key, second));
  EXPECT_GT(cluster.expect<StatusResult>(newcomer, StatusCommand{}).items, 0u);
}

// Each pair of hosts begins two sessions at the same instant, of which one goes.
TEST(NodeItems, StoresAllCopiesWhenAllHostsPutLargeValuesAtOnce) {
  NodeCluster cluster;
  const NodeConfig config = without_connection_items();
  cluster.add_many(20, config);
  cluster.advance(30s);
  constexpr std::size_t kValuesEach = 5;
  for (std::size_t i = 0; i < 20 * kValuesEach; ++i) cluster.begin(i % 20, PutCommand{value_of(20'000, i)});
  cluster.advance(20s);
  std::size_t copies = 0;
  for (std::size_t i = 0; i < 20; ++i) copies += cluster.expect<StatusResult>(i, StatusCommand{}).items;
  EXPECT_EQ(copies, 20 * kValuesEach * config.replication);
}

TEST(NodeItems, LeavesConnectionItemsToTheirOwners) {
  NodeCluster cluster;
  NodeConfig config;
  config.replication = 4;
  config.republish_interval = 30s;
  cluster.add_many(12, config);
  cluster.advance(30s);
  const Contact owner = cluster.contact(5);
  ASSERT_TRUE(cluster.run(1, ResolveCommand{owner.key}));
  cluster.crash(5);
  std::vector<std::size_t> others = {1, 2, 3, 4, 6, 7, 8, 9, 10, 11};
  for (const std::size_t i : others) {
    cluster.crash(i);
    cluster.add({0}, config);
    cluster.advance(60s);
  }
  EXPECT_FALSE(cluster.run(12, ResolveCommand{owner.key}));
}

TEST(NodeItems, RenewsWithoutMovingWhatTheOthersHold) {
  NodeCluster cluster;
  NodeConfig config = without_connection_items();
  config.republish_interval = 20s;
  cluster.add_many(5, config);
  cluster.advance(30s);
  ASSERT_TRUE(cluster.run(0, PutCommand{value_of(1000, 1)}));
  cluster.advance(5min);
  std::uint64_t answers = 0, bytes = 0;
  for (std::size_t i = 0; i < 5; ++i) {
    const auto& kind =
        cluster.node(i).counters().kinds[static_cast<std::size_t>(wire::RequestKind::kGetItem)];
    answers += kind.responses_sent;
    bytes += kind.response_bytes_sent;
  }
  ASSERT_GT(answers, 20u);
  EXPECT_LT(bytes / answers, 500u);
}

TEST(NodeItems, ForgetsItemsWhenTheyExpire) {
  NodeCluster cluster;
  NodeConfig config;
  config.item_lifetime = 10min;
  config.republish_interval = 2min;
  cluster.add_many(6, config);
  cluster.advance(30s);
  const Id key = cluster.expect<StoreResult>(0, PutCommand{value_of(100, 1)}).key;
  cluster.advance(11min);
  const auto got = cluster.run(3, GetCommand{key});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace shoal
