// The promises of IndexStore, kept by every implementation; then what each promises alone.
#include "node/ports/index_store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <utility>

#include "node/store/sqlite_writer.h"
#include "tests/unit/store/sqlite_harness.h"
#include "tests/unit/store/store_harness.h"

namespace shoal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Id folder(std::uint8_t which) {
  Id id;
  id.bytes.fill(which);
  return id;
}

IndexKey key(std::uint8_t which, Bytes bytes, IndexTable table = IndexTable::kEntry) {
  return {folder(which), table, std::move(bytes)};
}

IndexBatch put(IndexKey at, Bytes value) {
  return {{{std::move(at), std::move(value)}}, {}};
}
IndexBatch erase(IndexKey at) {
  return {{{std::move(at), std::nullopt}}, {}};
}
IndexBatch forget(std::uint8_t which) {
  return {{}, {folder(which)}};
}

std::vector<Bytes> keys_of(const std::vector<IndexRow>& rows) {
  std::vector<Bytes> keys;
  for (const IndexRow& row : rows) keys.push_back(row.key.key);
  return keys;
}

template <class Harness>
class IndexStores : public testing::Test {
 protected:
  IndexStore& store() { return harness_.index(); }
  // Hands over the batch and waits for its outcome.
  void commit(IndexBatch batch) {
    const CommitId id = store().commit(std::move(batch));
    const std::vector<CommitCompletion> done = harness_.wait(1);
    ASSERT_EQ(done.size(), 1u);
    EXPECT_EQ(done[0].commit, id);
    EXPECT_TRUE(done[0].outcome.has_value());
  }
  Harness harness_;
};
using IndexStoreHarnesses = testing::Types<MemoryHarness, SqliteHarness>;
TYPED_TEST_SUITE(IndexStores, IndexStoreHarnesses);

TYPED_TEST(IndexStores, IsEmptyAtFirst) {
  EXPECT_THAT(this->store().groups(), IsEmpty());
  EXPECT_EQ(this->store().find(key(1, {1})), std::nullopt);
  EXPECT_THAT(this->store().list(key(1, {}), true, 10), IsEmpty());
}

TYPED_TEST(IndexStores, FindsWhatWasCommittedBeforeAndAfterItIsDurable) {
  this->store().commit(put(key(1, {1}), {7, 8}));
  EXPECT_EQ(this->store().find(key(1, {1})), (Bytes{7, 8}));
  this->harness_.wait(1);
  EXPECT_EQ(this->store().find(key(1, {1})), (Bytes{7, 8}));
  this->store().commit(put(key(1, {1}), {9}));
  EXPECT_EQ(this->store().find(key(1, {1})), Bytes{9});
  this->harness_.wait(1);
  EXPECT_EQ(this->store().find(key(1, {1})), Bytes{9});
  this->store().commit(erase(key(1, {1})));
  EXPECT_EQ(this->store().find(key(1, {1})), std::nullopt);
  this->harness_.wait(1);
  EXPECT_EQ(this->store().find(key(1, {1})), std::nullopt);
}

TYPED_TEST(IndexStores, KeepsEmptyAndLongestKeysAndEmptyAndLongValues) {
  const IndexKey empty = key(1, {}, IndexTable::kFolder);
  const IndexKey longest = key(1, Bytes(kIndexKeyBytesMax, 0xff));
  const Bytes large(300'000, 5);
  this->commit({{{empty, Bytes{}}, {longest, large}}, {}});
  EXPECT_EQ(this->store().find(empty), Bytes{});
  EXPECT_EQ(this->store().find(longest), large);
  EXPECT_EQ(this->store().list(longest, true, 2).size(), 1u);
  EXPECT_THAT(this->store().list(longest, false, 2), IsEmpty());
}

TYPED_TEST(IndexStores, TellsFoldersAndTablesApart) {
  this->commit({{{key(1, {1}), Bytes{1}},
                 {key(2, {1}), Bytes{2}},
                 {key(1, {1}, IndexTable::kDisk), Bytes{3}},
                 {key(1, {0}, IndexTable::kTrash), Bytes{4}}},
                {}});
  EXPECT_EQ(this->store().find(key(1, {1})), Bytes{1});
  EXPECT_EQ(this->store().find(key(2, {1})), Bytes{2});
  EXPECT_EQ(this->store().find(key(1, {1}, IndexTable::kDisk)), Bytes{3});
  EXPECT_EQ(this->store().list(key(1, {}), true, 10).size(), 1u);
  this->commit(erase(key(1, {1})));
  EXPECT_EQ(this->store().find(key(1, {1})), std::nullopt);
  EXPECT_EQ(this->store().find(key(1, {1}, IndexTable::kDisk)), Bytes{3});
}

TYPED_TEST(IndexStores, LaterRowsOfABatchWin) {
  this->commit({{{key(1, {1}), Bytes{1}},
                 {key(1, {2}), Bytes{1}},
                 {key(1, {1}), Bytes{2}},
                 {key(1, {2}), std::nullopt}},
                {}});
  EXPECT_EQ(this->store().find(key(1, {1})), Bytes{2});
  EXPECT_EQ(this->store().find(key(1, {2})), std::nullopt);
}

TYPED_TEST(IndexStores, ForgetsAFolderBeforeItPutsRows) {
  for (std::uint8_t i = 0; i < 5; ++i) this->commit(put(key(1, {i}), {i}));
  this->commit(put(key(2, {1}), {2}));
  this->store().commit(put(key(1, {7}), {7}));  // may not be durable when the folder is forgotten
  this->store().commit({{{key(1, {3}), Bytes{33}}}, {folder(1)}});
  for (int durable = 0; durable < 2; ++durable) {
    EXPECT_EQ(keys_of(this->store().list(key(1, {}), true, 10)), std::vector<Bytes>{{3}});
    EXPECT_EQ(this->store().find(key(1, {3})), Bytes{33});
    EXPECT_EQ(this->store().find(key(1, {1})), std::nullopt);
    EXPECT_EQ(this->store().find(key(1, {7})), std::nullopt);
    EXPECT_EQ(this->store().find(key(2, {1})), Bytes{2});
    if (durable == 0) this->harness_.wait(2);
  }
}

TYPED_TEST(IndexStores, NamesTheFoldersThatHaveAFolderRow) {
  this->commit(put(key(3, {}, IndexTable::kFolder), {1}));
  this->commit(put(key(1, {}, IndexTable::kFolder), {1}));
  this->commit(put(key(2, {1}), {1}));
  EXPECT_THAT(this->store().groups(), ElementsAre(folder(1), folder(3)));
  this->store().commit(put(key(5, {}, IndexTable::kFolder), {1}));
  this->store().commit(put(key(3, {1}), {1}));
  this->store().commit(forget(1));
  EXPECT_THAT(this->store().groups(), ElementsAre(folder(3), folder(5)));
  this->harness_.wait(3);
  this->commit(erase(key(3, {}, IndexTable::kFolder)));
  EXPECT_THAT(this->store().groups(), ElementsAre(folder(5)));
}

TYPED_TEST(IndexStores, CompletesInOneSequenceWithItemsInTheOrderOfTheCalls) {
  std::vector<CommitId> ids;
  for (std::uint8_t i = 0; i < 20; ++i) {
    ids.push_back(this->store().commit(put(key(1, {i}), {i})));
    ids.push_back(this->harness_.items().commit({{item(i)}, {}}));
  }
  const std::vector<CommitCompletion> done = this->harness_.wait(ids.size());
  ASSERT_EQ(done.size(), ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(done[i].commit, ids[i]);
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end());
}

// ---- Any sequence of commits, observed at any moment, gives the same answers as a plain map.

using Model = std::map<IndexKey, Bytes>;

IndexKey random_key(Rng& rng) {
  const auto which = static_cast<std::uint8_t>(rng.below(3));
  const auto table = static_cast<IndexTable>(1 + rng.below(2));
  Bytes bytes(rng.below(3), 0xfe);  // 0 to 2 bytes of few values: many keys begin another
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(0xfd + rng.below(3));
  return key(which, std::move(bytes), table);
}

IndexBatch random_batch(Rng& rng) {
  IndexBatch batch;
  if (rng.below(10) == 0) batch.forget.push_back(folder(static_cast<std::uint8_t>(rng.below(3))));
  for (std::uint64_t n = rng.below(6); n > 0; --n) {
    IndexRow row{random_key(rng), {}};
    if (rng.below(3) != 0) row.value = Bytes(rng.below(40), static_cast<std::uint8_t>(rng.below(256)));
    batch.rows.push_back(std::move(row));
  }
  return batch;
}

void apply_to_model(const IndexBatch& batch, Model& model) {
  for (const Id& group : batch.forget) {
    std::erase_if(model, [&](const auto& row) { return row.first.group == group; });
  }
  for (const IndexRow& row : batch.rows) {
    model.erase(row.key);
    if (row.value) model.emplace(row.key, *row.value);
  }
}

void expect_as_in(const Model& model, const IndexStore& store, const IndexKey& asked, bool or_equal,
                  std::size_t count_max) {
  const auto found = model.find(asked);
  EXPECT_EQ(store.find(asked), found == model.end() ? std::nullopt : std::optional<Bytes>(found->second));
  std::vector<IndexKey> expected;
  std::vector<Id> groups;
  for (const auto& [at, value] : model) {
    if (at.table == IndexTable::kFolder && (groups.empty() || groups.back() != at.group)) {
      groups.push_back(at.group);
    }
    if (at.group != asked.group || at.table != asked.table || expected.size() == count_max) continue;
    if (asked.key < at.key || (or_equal && asked.key == at.key)) expected.push_back(at);
  }
  EXPECT_EQ(store.groups(), groups);
  const std::vector<IndexRow> rows = store.list(asked, or_equal, count_max);
  ASSERT_EQ(rows.size(), expected.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].key, expected[i]);
    EXPECT_EQ(rows[i].value, model.at(expected[i]));
  }
}

TYPED_TEST(IndexStores, AgreesWithAMapUnderRandomCommits) {
  Rng rng = Rng::keyed(11, "test", "index");
  Model model;
  std::size_t unanswered = 0;
  for (int round = 0; round < 400; ++round) {
    IndexBatch batch = random_batch(rng);
    apply_to_model(batch, model);
    this->store().commit(std::move(batch));
    ++unanswered;
    if (rng.below(8) == 0) this->harness_.wait(std::exchange(unanswered, 0));
    const IndexKey asked = random_key(rng);
    const bool or_equal = rng.below(2) == 0;
    expect_as_in(model, this->store(), asked, or_equal, rng.below(6));
  }
  this->harness_.wait(unanswered);
  expect_as_in(model, this->store(), key(1, {}), true, 100);
}

// ---- Memory: what a crash leaves

TEST(MemoryIndexStore, LosesAtACrashWhatTheNodeHasNotBeenTold) {
  Rng rng = Rng::keyed(12, "test", "index");
  for (int round = 0; round < 200; ++round) {
    CommitQueue commits;
    MemoryIndexStore store(commits);
    Model told;
    std::vector<IndexBatch> batches;
    for (int i = 0; i < 12; ++i) {
      batches.push_back(random_batch(rng));
      store.commit(batches.back());
    }
    const std::vector<CommitCompletion> done = commits.take();
    const std::size_t count = rng.below(done.size() + 1);
    for (std::size_t i = 0; i < count; ++i) {
      apply_to_model(batches[i], told);
      store.settle(done[i].commit);
    }
    EXPECT_EQ(store.unsettled(), done.size() - count);
    store.crash();
    EXPECT_EQ(store.unsettled(), 0u);
    for (std::uint8_t which = 0; which < 3; ++which) {
      expect_as_in(told, store, key(which, {}), true, 100);
      expect_as_in(told, store, key(which, {}, IndexTable::kFolder), true, 100);
    }
  }
}

TEST(MemoryIndexStore, FailsCommitsAndChangesNothingWhileItIsFull) {
  MemoryHarness harness;
  harness.index().commit(put(key(1, {1}), {1}));
  harness.index().set_full(true);
  harness.index().commit({{{key(1, {2}), Bytes{2}}}, {folder(1)}});
  const std::vector<CommitCompletion> done = harness.wait(2);
  ASSERT_EQ(done.size(), 2u);
  EXPECT_TRUE(done[0].outcome.has_value());
  ASSERT_FALSE(done[1].outcome.has_value());
  EXPECT_EQ(done[1].outcome.error().code, ErrorCode::kIo);
  EXPECT_EQ(keys_of(harness.index().list(key(1, {}), true, 10)), std::vector<Bytes>{{1}});
}

// ---- SQLite: durability, other programs, other versions, damage

TEST(SqliteIndexStore, KeepsEverythingOverACleanStop) {
  SqliteHarness harness;
  Rng rng = Rng::keyed(13, "test", "index");
  Model model;
  for (int i = 0; i < 50; ++i) {
    IndexBatch batch = random_batch(rng);
    apply_to_model(batch, model);
    harness.index().commit(std::move(batch));
  }
  harness.open();
  for (std::uint8_t which = 0; which < 3; ++which) {
    expect_as_in(model, harness.index(), key(which, {}), true, 100);
    expect_as_in(model, harness.index(), key(which, {}, IndexTable::kFolder), true, 100);
  }
  EXPECT_THAT(harness.stores().take_warnings(), IsEmpty());
}

TEST(SqliteIndexStore, TakesBackABatchThatFailed) {
  SqliteHarness harness;
  harness.open({.busy_timeout = 0ms});
  harness.index().commit({{{key(1, {1}), Bytes{1}}, {key(2, {1}), Bytes{2}}}, {}});
  harness.wait(1);
  {
    SQLite::Database other(harness.file().string(), SQLite::OPEN_READWRITE);
    SQLite::Transaction held(other, SQLite::TransactionBehavior::IMMEDIATE);
    harness.index().commit({{{key(1, {1}), Bytes{9}}, {key(1, {2}), Bytes{9}}}, {folder(2)}});
    const std::vector<CommitCompletion> done = harness.wait(1);
    ASSERT_EQ(done.size(), 1u);
    ASSERT_FALSE(done[0].outcome.has_value());
    EXPECT_EQ(done[0].outcome.error().code, ErrorCode::kBusy);
  }
  EXPECT_EQ(harness.index().find(key(1, {1})), Bytes{1});
  EXPECT_EQ(harness.index().find(key(1, {2})), std::nullopt);
  EXPECT_EQ(harness.index().find(key(2, {1})), Bytes{2});
  harness.index().commit(put(key(1, {2}), {3}));
  EXPECT_TRUE(harness.wait(1).at(0).outcome.has_value());
}

TEST(SqliteIndexStore, WritesALargeBatchAloneAndRefusesWhatIsTooMuchBesideIt) {
  SqliteHarness harness;
  const Bytes large(SqliteWriter::kWaitingBytesMax);
  harness.index().commit(put(key(1, {1}), large));
  EXPECT_TRUE(harness.wait(1).at(0).outcome.has_value());
  EXPECT_EQ(harness.index().find(key(1, {1})), large);
  std::vector<IndexBatch> batches;
  for (std::uint8_t i = 2; i < 5; ++i) batches.push_back(put(key(1, {i}), large));
  std::map<CommitId, std::uint8_t> keys;
  {
    // Nothing can be written meanwhile: one may be tried, one may wait. Which of the others is refused
    // depends on when the writer takes the first.
    SQLite::Database other(harness.file().string(), SQLite::OPEN_READWRITE);
    SQLite::Transaction held(other, SQLite::TransactionBehavior::IMMEDIATE);
    for (std::uint8_t i = 2; i < 5; ++i) {
      keys.emplace(harness.index().commit(std::move(batches[i - 2u])), i);
    }
  }
  std::size_t refused = 0;
  for (const CommitCompletion& done : harness.wait(3)) {
    const auto found = harness.index().find(key(1, {keys.at(done.commit)}));
    if (done.outcome) {
      EXPECT_EQ(found, large);
      continue;
    }
    ++refused;
    EXPECT_EQ(done.outcome.error().code, ErrorCode::kBusy);
    EXPECT_EQ(done.outcome.error().message, "too much waits to be written");
    EXPECT_EQ(found, std::nullopt);
  }
  EXPECT_GE(refused, 1u);
}

TEST(SqliteIndexStore, ComesIntoADatabaseOfTheFirstVersion) {
  SqliteHarness harness;
  harness.items().commit({{item(1, 500)}, {}});
  harness.wait(1);
  harness.close();
  {
    SQLite::Database older(harness.file().string(), SQLite::OPEN_READWRITE);
    older.exec("DROP TABLE known_peer");
    older.exec("DROP TABLE index_row");
    older.exec("PRAGMA user_version = 1");
  }
  harness.open();
  expect_same(harness.items().find(item(1).header.name), item(1, 500));
  harness.index().commit(put(key(1, {1}), {1}));
  EXPECT_TRUE(harness.wait(1).at(0).outcome.has_value());
  harness.open();
  EXPECT_EQ(harness.index().find(key(1, {1})), Bytes{1});
  EXPECT_THAT(harness.stores().take_warnings(), IsEmpty());
}

TEST(SqliteIndexStore, HasADamagedFileMovedAsideAtTheNextStart) {
  SqliteHarness harness;
  IndexBatch batch;
  for (std::uint8_t i = 0; i < 200; ++i) batch.rows.push_back({key(1, {i}), Bytes(900, i)});
  harness.index().commit(std::move(batch));
  harness.wait(1);
  harness.close();
  {
    // Only the pages of the table's leaves, at the end of the file.
    std::fstream bytes(harness.file(), std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(7 * 4096);
    const std::string garbage(std::filesystem::file_size(harness.file()) - 7 * 4096, '\xee');
    bytes.write(garbage.data(), static_cast<std::streamsize>(garbage.size()));
  }
  harness.open();
  EXPECT_EQ(harness.index().find(key(1, {77})), std::nullopt);
  EXPECT_THAT(harness.index().list(key(1, {}), true, 500), IsEmpty());
  EXPECT_THAT(harness.stores().take_warnings(), testing::Not(IsEmpty()));
  harness.open();
  EXPECT_THAT(harness.stores().take_warnings().at(0), HasSubstr("moved to shoal.sqlite.damaged-1"));
  EXPECT_THAT(harness.index().groups(), IsEmpty());
  harness.index().commit(put(key(1, {1}), {1}));
  EXPECT_TRUE(harness.wait(1).at(0).outcome.has_value());
}

}  // namespace
}  // namespace shoal
