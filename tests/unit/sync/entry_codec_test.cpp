// Entries as bytes: one form only, and nothing but that form is read.
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/sync/folder_replica.h"

namespace shoal::sync {
namespace {

// Entries with everything in them: concurrent writes, a link, a deletion, a conflict copy's id.
std::vector<Entry> sample() {
  auto replicas = some_replicas(2);
  FolderReplica& a = replicas[0];
  FolderReplica& b = replicas[1];
  const NodeId directory_id = a.create(kRoot, "d", directory());
  const NodeId file = a.create(directory_id, "f", file_of(1));
  Content link;
  link.kind = NodeKind::kLink;
  link.target = "../x";
  const NodeId link_id = a.create(kRoot, "l", link);
  exchange_all(replicas);
  a.edit(file, file_of(2));
  b.edit(file, file_of(3));
  b.remove(link_id);
  b.move(directory_id, kRoot, "e");
  exchange_all(replicas);
  a.move(a.tree().conflict_copies().front(), kRoot, "copy");
  std::vector<Entry> entries;
  for (const NodeId& id : a.tree().ids()) {
    if (const Entry* entry = a.tree().find(id)) entries.push_back(*entry);
  }
  entries.front().signature = {1, 2, 3};
  return entries;
}

Entry a_file(std::string name) {
  Stamp stamp{replica_id(1), 1, 1};
  return created(stamp, kRoot, std::move(name), file_of(1), Metadata{0644});
}

void expect_refused(const Entry& entry) {
  EXPECT_FALSE(decode_entry(encode_entry(entry)).has_value());
}

TEST(EntryCodec, WhatIsEncodedIsDecoded) {
  const std::vector<Entry> entries = sample();
  ASSERT_GE(entries.size(), 4u);
  EXPECT_EQ(decode_entries(encode_entries(entries), entries.size()), entries);
  for (const Entry& entry : entries) EXPECT_EQ(decode_entry(encode_entry(entry)), entry);
  EXPECT_EQ(decode_entries(encode_entries({}), 0), std::vector<Entry>{});
}

TEST(EntryCodec, MoreEntriesThanAskedForAreRefused) {
  const std::vector<Entry> entries = sample();
  EXPECT_FALSE(decode_entries(encode_entries(entries), entries.size() - 1).has_value());
}

TEST(EntryCodec, AnythingCutOffIsRefused) {
  const Bytes bytes = encode_entries(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_entries(ByteView(bytes).first(size), 100).has_value()) << size;
  }
}

TEST(EntryCodec, BytesBehindTheLastAreRefused) {
  Bytes bytes = encode_entries(sample());
  bytes.push_back(0);
  EXPECT_FALSE(decode_entries(bytes, 100).has_value());
}

TEST(EntryCodec, WhateverIsReadIsTheOnlyFormOfItsEntries) {
  const Bytes bytes = encode_entries(sample());
  std::mt19937_64 rng(7);
  std::size_t read = 0;
  for (int i = 0; i < 20'000; ++i) {
    Bytes mutated = bytes;
    for (int change = 0; change <= i % 3; ++change) {
      mutated[rng() % mutated.size()] = static_cast<std::uint8_t>(rng() % (i % 2 == 0 ? 256 : 4));
    }
    const auto decoded = decode_entries(mutated, 100);
    if (!decoded) continue;
    ++read;
    EXPECT_EQ(encode_entries(*decoded), mutated);
  }
  EXPECT_GT(read, 100u);
}

TEST(EntryCodec, AReplicaThatNothingNamesIsRefused) {
  Bytes bytes = {2};
  bytes.insert(bytes.end(), 16, 1);
  bytes.insert(bytes.end(), 16, 2);
  const Bytes one_of_two = {1, 0, 5};
  bytes.insert(bytes.end(), one_of_two.begin(), one_of_two.end());
  EXPECT_FALSE(decode_knowledge(bytes).has_value());
}

TEST(EntryCodec, KnowledgeComesBackAndNothingElseIsRead) {
  Knowledge knowledge;
  knowledge.add(replica_id(1), 5);
  knowledge.add(replica_id(9), kCounterMax);
  const Bytes bytes = encode_knowledge(knowledge);
  EXPECT_EQ(decode_knowledge(bytes), knowledge);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_knowledge(ByteView(bytes).first(size)).has_value());
  }
  EXPECT_EQ(decode_knowledge(encode_knowledge({})), Knowledge{});
}

TEST(EntryCodec, BoundsHold) {
  for (const std::string& name :
       {std::string(), std::string("a/b"), std::string(".."), std::string(".shoal"), std::string(256, 'a')}) {
    expect_refused(a_file(name));
  }
  EXPECT_TRUE(decode_entry(encode_entry(a_file(std::string(255, 'a')))).has_value());

  Entry setuid = a_file("f");
  setuid.metadata.write({{replica_id(1), 2}, 2, Metadata{04755}});
  expect_refused(setuid);
  Entry counter = a_file("f");
  counter.metadata.write({{replica_id(1), kCounterMax + 1}, 2, Metadata{0755}});
  expect_refused(counter);
  Entry time = a_file("f");
  time.metadata.write({{replica_id(1), 2}, kCounterMax + 1, Metadata{0755}});
  expect_refused(time);
  Entry signature = a_file("f");
  signature.signature.resize(257);
  expect_refused(signature);
  Entry homeless = a_file("f");
  homeless.place.drop(homeless.id);
  expect_refused(homeless);
  Entry link = a_file("f");
  Content target;
  target.kind = NodeKind::kLink;
  link.content.write({{replica_id(1), 2}, 2, target});
  expect_refused(link);
}

}  // namespace
}  // namespace shoal::sync
