#include "sim/faulty_item_store.h"

#include <gtest/gtest.h>

#include <bit>
#include <memory>
#include <vector>

#include "node/secure/keys.h"

namespace shoal::sim {
namespace {

StoredItem item(std::uint8_t number, std::size_t bytes = 100, std::uint64_t sequence = 0) {
  StoredItem made;
  made.header.name.location.bytes.front() = number;
  made.header.sequence = sequence;
  made.header.body_bytes = static_cast<std::uint32_t>(bytes);
  made.body = std::make_shared<const Bytes>(Bytes(bytes, number));
  return made;
}

ItemName name(std::uint8_t number) {
  return item(number).header.name;
}

class FaultyItemStoreTest : public testing::Test {
 protected:
  CommitId put(std::vector<StoredItem> items) { return store_.commit({std::move(items), {}}); }

  int writes_ = 0;
  CommitQueue commits_;
  FaultyItemStore store_{commits_, nullptr, [this] { ++writes_; }};
};

TEST_F(FaultyItemStoreTest, IsAnOrdinaryStoreWithoutFaults) {
  const CommitId id = put({item(1)});
  const auto done = commits_.take();
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(done[0].commit, id);
  EXPECT_TRUE(done[0].outcome);
  EXPECT_EQ(*store_.find(name(1))->body, *item(1).body);
  EXPECT_EQ(store_.totals().count, 1u);
}

TEST_F(FaultyItemStoreTest, FailsEveryCommitWhenFullAndReadsOn) {
  put({item(1)});
  store_.set_full(true);
  put({item(2)});
  store_.commit({{}, {name(1)}});
  store_.set_full(false);
  put({item(3)});
  const auto done = commits_.take();
  ASSERT_EQ(done.size(), 4u);
  EXPECT_TRUE(done[0].outcome);
  EXPECT_FALSE(done[1].outcome);
  EXPECT_EQ(done[1].outcome.error().code, ErrorCode::kIo);
  EXPECT_FALSE(done[2].outcome);
  EXPECT_TRUE(done[3].outcome);
  EXPECT_TRUE(store_.find(name(1)));
  EXPECT_FALSE(store_.find(name(2)));
}

TEST_F(FaultyItemStoreTest, AcknowledgesLateWhereWritesMayTearAndStillInOrder) {
  store_.set_torn_writes(true);
  put({item(1)});
  store_.set_full(true);
  put({item(2)});
  store_.set_torn_writes(false);
  store_.set_full(false);
  put({item(3)});
  EXPECT_TRUE(commits_.empty());
  EXPECT_EQ(writes_, 3);
  EXPECT_TRUE(store_.find(name(1)));  // handed over is seen
  for (int i = 0; i < 3; ++i) store_.end_write();
  const auto done = commits_.take();
  ASSERT_EQ(done.size(), 3u);
  EXPECT_TRUE(done[0].outcome);
  EXPECT_FALSE(done[1].outcome);
  EXPECT_TRUE(done[2].outcome);
}

TEST_F(FaultyItemStoreTest, LosesAtACrashWhatWasNotCommittedAndTearsTheOldestBatch) {
  put({item(1, 100, 1)});
  commits_.take();
  store_.set_torn_writes(true);
  put({item(2), item(3), item(4), item(5)});
  put({item(6)});
  store_.commit({{item(1, 100, 2)}, {name(2)}});
  store_.crash();
  EXPECT_TRUE(commits_.empty());
  EXPECT_EQ(store_.find(name(1))->header.sequence, 1u);
  EXPECT_EQ(*store_.find(name(2))->body, *item(2).body);  // the first half of the oldest batch
  const auto torn = store_.find(name(3));
  ASSERT_TRUE(torn);
  EXPECT_EQ(torn->body->front(), 3);
  EXPECT_EQ(torn->body->back(), 0);
  EXPECT_TRUE(store_.is_damaged(name(3)));
  EXPECT_FALSE(store_.is_damaged(name(2)));
  for (const std::uint8_t lost : Bytes{4, 5, 6}) EXPECT_FALSE(store_.find(name(lost))) << int{lost};
  put({item(3)});
  EXPECT_FALSE(store_.is_damaged(name(3)));
}

TEST_F(FaultyItemStoreTest, KeepsWhatWasCommittedUnderATornName) {
  put({item(1, 100, 1)});
  store_.set_torn_writes(true);
  put({item(1, 100, 2)});
  store_.crash();
  EXPECT_EQ(store_.find(name(1))->header.sequence, 1u);
  EXPECT_EQ(*store_.find(name(1))->body, *item(1).body);
  EXPECT_FALSE(store_.is_damaged(name(1)));
}

TEST_F(FaultyItemStoreTest, FlipsOneBitInTheShareOfValuesThatRot) {
  init_crypto();
  for (std::uint8_t i = 0; i < 200; ++i) put({item(i)});
  Rng rng = Rng::keyed(1, "test", "rot");
  const std::size_t rotten = store_.rot(0.25, rng);
  EXPECT_NEAR(static_cast<double>(rotten), 50, 20);
  std::size_t differ = 0;
  for (std::uint8_t i = 0; i < 200; ++i) {
    const Bytes body = *store_.find(name(i))->body;
    int bits = 0;
    for (std::size_t n = 0; n < body.size(); ++n) bits += std::popcount(static_cast<unsigned>(body[n] ^ i));
    EXPECT_LE(bits, 1);
    EXPECT_EQ(bits == 1, store_.is_damaged(name(i)));
    differ += static_cast<std::size_t>(bits);
  }
  EXPECT_EQ(differ, rotten);
}

}  // namespace
}  // namespace shoal::sim
