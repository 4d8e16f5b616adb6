// The promises of ItemStore and HostStore, kept by every implementation.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>

#include "node/base/rng.h"
#include "tests/unit/store/sqlite_harness.h"
#include "tests/unit/store/store_harness.h"

namespace shoal {
namespace {

template <class Harness>
class ItemStores : public testing::Test {
 protected:
  ItemStore& store() { return harness_.items(); }
  // Hands over the batch and waits for its outcome.
  void commit(ItemBatch batch) {
    const CommitId id = store().commit(std::move(batch));
    const std::vector<CommitCompletion> done = harness_.wait(1);
    ASSERT_EQ(done.size(), 1u);
    EXPECT_EQ(done[0].commit, id);
    EXPECT_TRUE(done[0].outcome.has_value());
  }
  Harness harness_;
};
using ItemStoreHarnesses = testing::Types<MemoryHarness, SqliteHarness>;
TYPED_TEST_SUITE(ItemStores, ItemStoreHarnesses);

TYPED_TEST(ItemStores, IsEmptyAtFirst) {
  EXPECT_EQ(this->store().totals().count, 0u);
  EXPECT_EQ(this->store().totals().body_bytes, 0u);
  EXPECT_TRUE(this->store().list(nullptr, 10).empty());
  EXPECT_FALSE(this->store().find(item(1).header.name).has_value());
}

TYPED_TEST(ItemStores, FindsWhatWasCommittedBeforeAndAfterItIsDurable) {
  const StoredItem put = item(1, 3000);
  const CommitId id = this->store().commit({{put}, {}});
  expect_same(this->store().find(put.header.name), put);
  EXPECT_EQ(this->harness_.wait(1).at(0).commit, id);
  expect_same(this->store().find(put.header.name), put);
}

TYPED_TEST(ItemStores, CompletesCommitsLaterAndInOrder) {
  std::vector<CommitId> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(this->store().commit({{item(i)}, {}}));
  const std::vector<CommitCompletion> done = this->harness_.wait(ids.size());
  ASSERT_EQ(done.size(), ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(done[i].commit, ids[i]);
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
}

TYPED_TEST(ItemStores, ReplacesWhatLiesUnderTheSameName) {
  StoredItem first = item(1, 100);
  this->commit({{first}, {}});
  StoredItem second = item(1, 250);
  second.header.sequence = 9;
  this->commit({{second}, {}});
  expect_same(this->store().find(first.header.name), second);
  EXPECT_EQ(this->store().totals().count, 1u);
  EXPECT_EQ(this->store().totals().body_bytes, 250u);
}

TYPED_TEST(ItemStores, TellsKindsAndSaltsApart) {
  StoredItem plain = item(1, 10);
  plain.header.name.kind = ItemKind::kPublish;
  StoredItem salted = plain;
  salted.header.name.salt = {1, 2};
  salted.body = std::make_shared<const Bytes>(Bytes(10, 7));
  StoredItem hash = plain;
  hash.header.name.kind = ItemKind::kHash;
  this->commit({{plain, salted, hash}, {}});
  EXPECT_EQ(this->store().totals().count, 3u);
  expect_same(this->store().find(salted.header.name), salted);
  expect_same(this->store().find(plain.header.name), plain);
  this->commit({{}, {plain.header.name}});
  EXPECT_FALSE(this->store().find(plain.header.name).has_value());
  expect_same(this->store().find(salted.header.name), salted);
}

TYPED_TEST(ItemStores, ErasesBeforeItPuts) {
  const StoredItem put = item(1, 100);
  this->commit({{put}, {put.header.name}});
  expect_same(this->store().find(put.header.name), put);
  this->commit({{}, {put.header.name, item(2).header.name}});
  EXPECT_FALSE(this->store().find(put.header.name).has_value());
  EXPECT_EQ(this->store().totals().count, 0u);
  EXPECT_EQ(this->store().totals().body_bytes, 0u);
}

TYPED_TEST(ItemStores, KeepsEmptyAndLargestBodiesAndNumbers) {
  StoredItem empty = item(1, 0);
  empty.header.sequence = ~std::uint64_t{0};
  const StoredItem largest = item(2, wire::kValueBytesMax + 200);
  this->commit({{empty, largest}, {}});
  expect_same(this->store().find(empty.header.name), empty);
  expect_same(this->store().find(largest.header.name), largest);
}

TYPED_TEST(ItemStores, ListsInPagesInTheOrderOfNames) {
  std::map<ItemName, StoredItem> expected;
  ItemBatch batch;
  for (int i = 0; i < 50; ++i) {
    StoredItem put = item(i, 10 + static_cast<std::size_t>(i));
    if (i % 3 == 0) put.header.name.location = item(0).header.name.location;
    if (i % 3 == 0) put.header.name.salt = Bytes(static_cast<std::size_t>(i / 3), 0xff);
    expected[put.header.name] = put;
    batch.puts.push_back(put);
  }
  this->store().commit(batch);  // listed while it may not be durable yet
  std::vector<ItemHeader> listed;
  for (;;) {
    const std::vector<ItemHeader> page =
        this->store().list(listed.empty() ? nullptr : &listed.back().name, 7);
    listed.insert(listed.end(), page.begin(), page.end());
    if (page.size() < 7) break;
  }
  ASSERT_EQ(listed.size(), expected.size());
  auto at = expected.begin();
  for (const ItemHeader& header : listed) expect_same_header(header, (at++)->second.header);
  this->harness_.wait(1);
}

// Any sequence of commits, observed at any moment, gives the same answers as a plain map.
TYPED_TEST(ItemStores, AgreesWithAMapUnderRandomCommits) {
  Rng rng = Rng::keyed(7, "test", "store");
  std::map<ItemName, StoredItem> model;
  std::size_t unanswered = 0;
  for (int round = 0; round < 300; ++round) {
    ItemBatch batch;
    for (std::uint64_t n = rng.below(4); n > 0; --n) {
      batch.erases.push_back(item(static_cast<int>(rng.below(40))).header.name);
    }
    for (std::uint64_t n = rng.below(4); n > 0; --n) {
      const int which = static_cast<int>(rng.below(40));
      batch.puts.push_back(item(which, static_cast<std::size_t>(rng.below(500))));
    }
    for (const ItemName& name : batch.erases) model.erase(name);
    for (const StoredItem& put : batch.puts) model[put.header.name] = put;
    this->store().commit(std::move(batch));
    ++unanswered;
    if (rng.below(8) == 0) this->harness_.wait(std::exchange(unanswered, 0));

    const ItemName asked = item(static_cast<int>(rng.below(40))).header.name;
    const auto expected = model.find(asked);
    if (expected == model.end()) {
      EXPECT_FALSE(this->store().find(asked).has_value());
    } else {
      expect_same(this->store().find(asked), expected->second);
    }
    const std::size_t count_max = static_cast<std::size_t>(rng.below(6));
    const std::vector<ItemHeader> page = this->store().list(&asked, count_max);
    auto at = model.upper_bound(asked);
    EXPECT_EQ(page.size(),
              std::min<std::size_t>(count_max, static_cast<std::size_t>(std::distance(at, model.end()))));
    for (const ItemHeader& header : page) expect_same_header(header, (at++)->second.header);
    std::uint64_t bytes = 0;
    for (const auto& [name, held] : model) bytes += held.body->size();
    EXPECT_EQ(this->store().totals().count, model.size());
    EXPECT_EQ(this->store().totals().body_bytes, bytes);
  }
  this->harness_.wait(unanswered);
}

template <class Harness>
class HostStores : public testing::Test {
 protected:
  Harness harness_;
};
TYPED_TEST_SUITE(HostStores, ItemStoreHarnesses);

TYPED_TEST(HostStores, KeepsTheIdentity) {
  HostStore& hosts = this->harness_.hosts();
  EXPECT_FALSE(hosts.load_identity().has_value());
  HostIdentity identity;
  identity.key_seed.fill(0xa5);
  identity.created = WallTime(1234567ms);
  identity.boot_number = 41;
  hosts.save_identity(identity);
  identity.boot_number = 42;
  hosts.save_identity(identity);
  const std::optional<HostIdentity> loaded = hosts.load_identity();
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->key_seed, identity.key_seed);
  EXPECT_EQ(loaded->created, identity.created);
  EXPECT_EQ(loaded->boot_number, 42u);
}

TYPED_TEST(HostStores, KeepsTheMostRecentlySeenHosts) {
  HostStore& hosts = this->harness_.hosts();
  EXPECT_TRUE(hosts.load_hosts().empty());
  std::vector<KnownHost> known;
  for (std::uint32_t i = 0; i < kKnownHostsMax + 50; ++i) {
    Contact contact{Rng::keyed(i, "test", "hosts").id(), Endpoint::v4(0x0a000000u + i, 4000)};
    known.push_back({contact, WallTime(std::chrono::milliseconds(1000 + (i * 7919) % 1000))});
  }
  hosts.save_hosts({known[3]});
  hosts.save_hosts(known);
  const std::vector<KnownHost> loaded = hosts.load_hosts();
  const std::vector<KnownHost> expected = most_recent(known, kKnownHostsMax);
  ASSERT_EQ(loaded.size(), kKnownHostsMax);
  for (std::size_t i = 0; i < loaded.size(); ++i) {
    EXPECT_EQ(loaded[i].contact, expected[i].contact);
    EXPECT_EQ(loaded[i].last_seen, expected[i].last_seen);
  }
}

TYPED_TEST(HostStores, KeepsThePeersOfEachGroup) {
  HostStore& hosts = this->harness_.hosts();
  const Id group = Rng::keyed(1, "test", "group").id();
  const Id other = Rng::keyed(2, "test", "group").id();
  const std::vector<KnownPeer> peers{
      {Rng::keyed(3, "test", "host").id(), {Endpoint::v4(1, 2), Endpoint::v4(3, 4)}, WallTime(9ms)},
      {Rng::keyed(4, "test", "host").id(), {Endpoint::v4(5, 6)}, WallTime(8ms)}};
  EXPECT_TRUE(hosts.load_peers(group).empty());
  hosts.save_peers(group, {peers[1]});
  hosts.save_peers(group, peers);
  hosts.save_peers(other, {{peers[0].host, {Endpoint::v4(7, 8)}, WallTime(7ms)}});
  EXPECT_EQ(hosts.load_peers(group), peers);
  hosts.save_peers(group, {});
  EXPECT_TRUE(hosts.load_peers(group).empty());
  EXPECT_EQ(hosts.load_peers(other).size(), 1u);
}

TEST(MemoryItemStore, SharesEqualBodiesOverOnePool) {
  BodyPool pool;
  CommitQueue commits;
  MemoryItemStore a(commits, &pool);
  MemoryItemStore b(commits, &pool);
  a.commit({{item(1, 1000)}, {}});
  b.commit({{item(1, 1000)}, {}});
  const auto held = a.find(item(1).header.name)->body;
  EXPECT_EQ(held, b.find(item(1).header.name)->body);
  EXPECT_EQ(held.use_count(), 3);  // a's, b's and ours
}

TEST(BodyPool, ForgetsBodiesThatNobodyHolds) {
  BodyPool pool;
  for (int i = 0; i < 10'000; ++i) pool.share(item(i, 20).body);
  EXPECT_LT(pool.size(), 3000u);
}

}  // namespace
}  // namespace shoal
