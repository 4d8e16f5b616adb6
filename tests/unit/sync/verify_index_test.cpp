// Rows of the index that change by themselves: the Verifier finds and repairs them.
#include "tests/unit/sync/verify_cluster.h"

namespace shoal {
namespace {

class VerifyIndexTest : public VerifyTest {
 protected:
  void SetUp() override {
    share_among(2);
    for (int i = 0; i < 300; ++i) write(0, "f" + std::to_string(i), "content " + std::to_string(i));
    write(0, "large", ByteView(random_bytes(300'000)));
    ASSERT_TRUE(converge());
    before_ = contents(0);
  }
  std::vector<IndexRow> rows(IndexTable table) {
    return cluster_.disk(0).index().list({key_.id(), table, {}}, true, 10'000);
  }
  void change(IndexRow row) {
    IndexBatch batch;
    batch.rows.push_back(std::move(row));
    MemoryIndexStore& index = cluster_.disk(0).index();
    index.settle(index.commit(std::move(batch)));
  }
  void expect_the_rows_as(const std::vector<IndexRow>& before, IndexTable table) {
    const std::vector<IndexRow> now = rows(table);
    ASSERT_EQ(now.size(), before.size());
    for (std::size_t i = 0; i < now.size(); ++i) EXPECT_EQ(now[i].value, before[i].value) << i;
  }

  Contents before_;
};

TEST_F(VerifyIndexTest, RowsThatHaveChangedByThemselvesAreWrittenAgain) {
  for (const IndexTable table : {IndexTable::kEntry, IndexTable::kDisk}) {
    const std::vector<IndexRow> before = rows(table);
    IndexRow damaged = before[7];
    damaged.value->at(damaged.value->size() / 2) ^= 1;
    change(damaged);
    change({before[100].key, std::nullopt});
    const FolderVerifyResult result = verify(0);
    EXPECT_EQ(result.pass.rows_repaired, 2u);
    EXPECT_FALSE(has_found_trouble(result.pass));
    expect_the_rows_as(before, table);
  }
  EXPECT_EQ(counters(0).damage_found, 0u);
}

TEST_F(VerifyIndexTest, AListOfPartsThatLiesIsWrittenAgain) {
  const std::vector<IndexRow> before = rows(IndexTable::kContent);
  ASSERT_EQ(before.size(), 1u);
  IndexRow damaged = before[0];
  damaged.value->at(5) ^= 1;
  change(damaged);
  EXPECT_EQ(verify(0).pass.rows_repaired, 1u);
  expect_the_rows_as(before, IndexTable::kContent);
  change({before[0].key, std::nullopt});
  EXPECT_EQ(verify(0).pass.rows_repaired, 1u);
  expect_the_rows_as(before, IndexTable::kContent);
  EXPECT_EQ(counters(0).damage_found, 0u);
  EXPECT_EQ(contents(0), before_);
}

TEST_F(VerifyIndexTest, AListOfPartsThatLiesDoesNotKeepAFileFromBeingRepaired) {
  IndexRow damaged = rows(IndexTable::kContent)[0];
  damaged.value->at(5) ^= 1;
  change(damaged);
  rot(0, "large", 100'000);
  EXPECT_EQ(verify(0).pass.files_repaired, 1u);
  EXPECT_EQ(contents(0), before_);
}

TEST_F(VerifyIndexTest, AnEntryThatWasLostIsFetchedBeforeThePassEnds) {
  const sync::NodeId lost = folder(0).context().tree.ids()[9];
  rewrite_index(0, {}, {lost});
  cluster_.advance(1s);
  const FolderVerifyResult result = verify(0);
  EXPECT_EQ(result.pass.peers_equal, 1u);
  EXPECT_EQ(result.pass.peers_at_odds, 0u);
  EXPECT_EQ(folder(0).context().tree.fingerprint(), folder(1).context().tree.fingerprint());
}

}  // namespace
}  // namespace shoal
