// Hosts that lie about what they hold, and that fill the stores of others.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "node/dht/item.h"
#include "tests/hostile/hostile_host.h"
#include "tests/support/node_cluster.h"

namespace shoal {
namespace {

class ItemLies : public ::testing::Test {
 protected:
  void add_hosts(std::size_t count, const NodeConfig& config = {}) {
    cluster_.add_many(count, config);
    cluster_.advance(30s);
  }
  // Known to all, and answering get_item so.
  void add_liars(std::size_t count, const wire::Items& items) {
    for (std::size_t i = 0; i < count; ++i) {
      liars_.push_back(std::make_unique<HostileHost>(cluster_.network(), 200 + liars_.size()));
      liars_.back()->answer = [items](std::size_t, const wire::Request& request, wire::Response& response) {
        if (request.kind() == wire::RequestKind::kGetItem) response.body = items;
        return true;
      };
      for (std::size_t host = 0; host < hosts(); ++host) liars_.back()->ping(0, cluster_.contact(host));
      cluster_.advance(1s);
    }
    for (const auto& liar : liars_) ASSERT_TRUE(cluster_.node(1).table().contains(liar->contact().key));
  }
  std::size_t hosts() const { return 3; }

  NodeCluster cluster_;
  std::vector<std::unique_ptr<HostileHost>> liars_;
};

TEST_F(ItemLies, AboutASequenceNumberDoNotMoveThePublishers) {
  add_hosts(hosts());
  wire::Items claim;
  claim.by_session_bytes = 2000;
  claim.held_sequence = UINT64_MAX - 1;
  add_liars(5, claim);
  PublishCommand publish;
  publish.secret = Rng::keyed(9, "test", "publisher").seed();
  for (std::uint64_t number = 1; number <= 3; ++number) {
    publish.value = Bytes(20, static_cast<std::uint8_t>(number));
    const Instant begun = cluster_.network().now();
    const auto stored = cluster_.expect<StoreResult>(1, publish);
    EXPECT_EQ(stored.sequence, number);
    EXPECT_LE(cluster_.network().now() - begun, 8s);
    const auto read = cluster_.expect<PublishedResult>(2, LookupCommand{stored.key, {}, false});
    EXPECT_EQ(read.records.at(0).value, publish.value);
  }
}

TEST_F(ItemLies, WithoutABodyDoNotMoveASequenceNumberEither) {
  add_hosts(hosts());
  wire::Items claim;
  claim.held_sequence = UINT64_MAX - 1;
  add_liars(5, claim);
  PublishCommand publish;
  publish.value = Bytes(20, 1);
  EXPECT_EQ(cluster_.expect<StoreResult>(1, publish).sequence, 1u);
}

TEST_F(ItemLies, APublisherAtTheHighestNumberStillReplacesItsRecord) {
  add_hosts(hosts());
  PublishCommand publish;
  publish.value = Bytes(20, 1);
  publish.sequence = UINT64_MAX;
  cluster_.expect<StoreResult>(1, publish);
  cluster_.advance(1s);
  publish.sequence.reset();
  publish.value = Bytes(20, 2);
  const auto stored = cluster_.expect<StoreResult>(1, publish);
  EXPECT_EQ(stored.sequence, UINT64_MAX);
  EXPECT_EQ(stored.stored_count(), hosts());
  const auto read = cluster_.expect<PublishedResult>(2, LookupCommand{stored.key, {}, false});
  EXPECT_EQ(read.records.at(0).value, publish.value);
}

// Those take the stream and say nothing, for as long as a handshake may take.
TEST_F(ItemLies, AboutHoldingALargeItemDoNotHoldUpAGet) {
  NodeConfig config;
  config.replication = 3;
  add_hosts(hosts(), config);
  const auto put = cluster_.expect<StoreResult>(1, PutCommand{Bytes(5000, 7)});
  ASSERT_EQ(put.stored_count(), hosts());
  wire::Items claim;
  claim.by_session_bytes = 5000;
  add_liars(3, claim);
  const std::size_t reader = cluster_.add({0}, config);
  cluster_.advance(30s);
  const Instant begun = cluster_.network().now();
  EXPECT_EQ(cluster_.expect<GetResult>(reader, GetCommand{put.key}).value, Bytes(5000, 7));
  EXPECT_LE(cluster_.network().now() - begun, 7s);
}

TEST_F(ItemLies, ThatFillAStoreGiveWayToTheItemsOfOthers) {
  NodeConfig config;
  config.item_count_max = 100;
  config.connection_item_lifetime = 0s;
  add_hosts(hosts(), config);
  HostileHost flooder(cluster_.network(), 300);
  const Contact target = cluster_.contact(2);
  flooder.ping(0, target);
  cluster_.advance(1s);
  ASSERT_FALSE(flooder.responses.empty());
  const auto token = flooder.responses.begin()->second.token;
  ASSERT_TRUE(token);
  for (std::uint32_t i = 0; i < 400; ++i) {
    wire::Request request;
    request.id = 1000 + i;
    request.token = *token;
    Bytes value(8);
    for (std::size_t byte = 0; byte < 4; ++byte) value[byte] = static_cast<std::uint8_t>(i >> (8 * byte));
    request.body = wire::StoreItem{{ItemKind::kHash, value}, {}, {}};
    flooder.send(0, target, request);
    cluster_.advance(20ms);
  }
  EXPECT_EQ(cluster_.item_store(2).totals().count, 100u);
  for (std::uint8_t i = 0; i < 40; ++i) {
    const auto put = cluster_.expect<StoreResult>(1, PutCommand{Bytes(100, i)});
    EXPECT_EQ(put.stored_count(), hosts()) << int{i};
  }
  EXPECT_EQ(cluster_.item_store(2).totals().count, 100u);
}

// A second record of one sequence number, as its owner makes two in a partition: all come to hold one of
// them.
TEST_F(ItemLies, TwoRecordsOfOneNumberBecomeOne) {
  NodeConfig config;
  config.republish_interval = 1min;
  add_hosts(hosts(), config);
  PublishCommand publish;
  publish.secret = Rng::keyed(9, "test", "publisher").seed();
  publish.value = Bytes(20, 1);
  publish.sequence = 2;
  const auto first = cluster_.expect<StoreResult>(1, publish);
  HostileHost writer(cluster_.network(), 301);
  writer.ping(0, cluster_.contact(2));
  cluster_.advance(1s);
  PublishRecord record;
  record.sequence = 2;
  record.expires = cluster_.network().wall_time() + 30h;
  record.value = Bytes(20, 2);
  wire::Request request;
  request.id = 7;
  request.token = writer.responses.begin()->second.token;
  request.body = wire::StoreItem{make_publish_item(record, KeyPair::from_seed(publish.secret)), {}, {}};
  writer.send(0, cluster_.contact(2), request);
  cluster_.advance(5min);
  for (std::size_t host = 0; host < hosts(); ++host) {
    const auto read = cluster_.expect<PublishedResult>(host, LookupCommand{first.key, {}, false});
    EXPECT_EQ(read.records.at(0).value, record.value) << host;
    const ItemName name{publish_item_location(first.key), ItemKind::kPublish, {}};
    EXPECT_EQ(read_publish_item(*cluster_.item_store(host).find(name)->body)->value, record.value) << host;
  }
}

TEST_F(ItemLies, NobodyWhoAnswersIsNotTheSameAsNobodyWhoHoldsIt) {
  NodeConfig none;
  none.item_count_max = 0;
  add_hosts(hosts());
  const std::size_t reader = cluster_.add({0}, none);
  cluster_.advance(30s);
  const auto put = cluster_.expect<StoreResult>(1, PutCommand{Bytes(100, 1)});
  EXPECT_EQ(cluster_.run(reader, GetCommand{hash_item_location(Bytes(1, 9))}).error().code,
            ErrorCode::kNotFound);
  for (std::size_t host = 0; host < hosts(); ++host) {
    cluster_.network().cut(cluster_.index(reader), cluster_.index(host));
  }
  EXPECT_EQ(cluster_.run(reader, GetCommand{put.key}).error().code, ErrorCode::kTimeout);
}

}  // namespace
}  // namespace shoal
