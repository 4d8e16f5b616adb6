// A peer that knows the key and speaks the protocol, and means no good: what it says and serves is forged
// beneath it, in its index and on its disk. Others lose nothing by it and go on among each other.
#include <gmock/gmock.h>

#include <algorithm>
#include <ctime>

#include "node/sync/local_changes.h"
#include "tests/unit/sync/folder_cluster.h"

namespace shoal {
namespace {

using testing::Contains;
using testing::Key;

constexpr std::size_t kVictim = 0;
constexpr std::size_t kHonest = 1;
constexpr std::size_t kHostile = 2;

class HostilePeerTest : public FolderCluster {
 protected:
  void SetUp() override { share_among(3); }

  // The hostile host is started anew with these entries in its index, and says that it knows `knowledge`.
  void forge(const std::vector<sync::Entry>& entries, const sync::Knowledge& knowledge) {
    rewrite_index(kHostile, entries, {}, knowledge);
    cluster_.advance(30s);
  }
  // Of the hostile host's own replica, from its next counter on.
  sync::Stamp stamp() {
    const sync::SyncPathManager& hostile = folder(kHostile);
    return {hostile.replica(), hostile.knowledge().of(hostile.replica()) + 1,
            hostile.context().tree.lamport() + 1};
  }
  static sync::Content file_of(std::uint64_t size, std::uint8_t depth) {
    sync::Content content;
    content.kind = sync::NodeKind::kFile;
    content.root = sha256(bytes_of("nobody has it"));
    content.size = size;
    content.depth = depth;
    return content;
  }
  // What the victim and the honest host do goes to and fro as before.
  void expect_the_honest_go_on() {
    write(kVictim, "of the victim", "one");
    write(kHonest, "of the honest", "two");
    cluster_.advance(10s);
    EXPECT_EQ(read(kHonest, "of the victim"), "one");
    EXPECT_EQ(read(kVictim, "of the honest"), "two");
    write(kVictim, "of the victim", "three");
    cluster_.advance(10s);
    EXPECT_EQ(read(kHonest, "of the victim"), "three");
  }
};

TEST_F(HostilePeerTest, AFileThatNobodyCanGiveHoldsNothingUp) {
  sync::Stamp by = stamp();
  std::vector<sync::Entry> entries;
  entries.push_back(sync::created(by, sync::kRoot, "huge", file_of(1ull << 50, 6), {0644}));
  entries.push_back(sync::created(by, sync::kRoot, "small", file_of(1000, 0), {0644}));
  sync::Knowledge knowledge = folder(kHostile).knowledge();
  knowledge.add(by.replica, by.counter - 1);
  forge(entries, knowledge);
  EXPECT_THAT(causes(kVictim), testing::AllOf(Contains(Key("huge")), Contains(Key("small"))));
  EXPECT_LT(disk(kVictim).paths().size(), 20u);
  expect_the_honest_go_on();
}

// With lies about the victim's own counters it would write dots that others take for known.
TEST_F(HostilePeerTest, ForgedCountersOfTheVictimDoNotSilenceIt) {
  write(kVictim, "a", "a");
  ASSERT_TRUE(converge());
  sync::Knowledge knowledge = folder(kHostile).knowledge();
  knowledge.add(folder(kVictim).replica(), knowledge.of(folder(kVictim).replica()) + 1000);
  forge({}, knowledge);
  expect_the_honest_go_on();
}

TEST_F(HostilePeerTest, AForgedWriteOfTheVictimDoesNotMixWithItsOwn) {
  write(kVictim, "a", "a");
  ASSERT_TRUE(converge());
  sync::Knowledge knowledge = folder(kHostile).knowledge();
  const sync::ReplicaId victim = folder(kVictim).replica();
  sync::Stamp by{victim, knowledge.of(victim) + 1, folder(kVictim).context().tree.lamport() + 1};
  std::vector<sync::Entry> entries;
  for (int i = 0; i < 10; ++i) {
    sync::Content content;
    content.kind = sync::NodeKind::kDirectory;
    entries.push_back(sync::created(by, sync::kRoot, "forged" + std::to_string(i), content, {0755}));
  }
  knowledge.add(victim, by.counter - 1);
  forge(entries, knowledge);
  expect_the_honest_go_on();
  EXPECT_EQ(folder(kVictim).context().tree.fingerprint(), folder(kHonest).context().tree.fingerprint());
}

// ---- Bounds (bounds.h)

sync::ReplicaId replica_number(std::uint64_t number) {
  sync::ReplicaId replica;
  for (std::size_t i = 0; i < 8; ++i) replica.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return replica;
}

TEST_F(HostilePeerTest, AnEntryOfTooManyVersionsIsLeftOutAndTold) {
  sync::Stamp by = stamp();
  sync::Entry crowded = sync::created(by, sync::kRoot, "crowded", file_of(1, 0), {0644});
  const sync::Entry good = sync::created(by, sync::kRoot, "good", file_of(0, 0), {0644});
  sync::Knowledge knowledge = folder(kHostile).knowledge();
  knowledge.add(by.replica, by.counter - 1);
  std::vector<sync::Version<sync::Content>> versions;
  for (std::uint64_t i = 1; i <= 650; ++i) {
    versions.push_back({{replica_number(i), 1}, i, file_of(i, 0)});
    knowledge.add(versions.back().dot);
  }
  crowded.content = sync::Register<sync::Content>::from_parts(versions, crowded.content.context());
  ASSERT_FALSE(sync::fits(crowded, sync::kReceivedEntryBytesMax));
  forge({crowded, good}, knowledge);
  EXPECT_GT(counters(kVictim).entries_refused, 0u);
  EXPECT_EQ(folder(kVictim).context().tree.find(crowded.id), nullptr);
  EXPECT_NE(folder(kVictim).context().tree.find(good.id), nullptr);
  EXPECT_EQ(causes(kVictim)["crowded"], "too_many_versions");
  expect_the_honest_go_on();
}

TEST_F(HostilePeerTest, MoreReplicasThanAFolderMayHaveEndNothing) {
  sync::Knowledge knowledge = folder(kHostile).knowledge();
  for (std::uint64_t i = 1; i <= 2 * sync::kReplicasMax; ++i) knowledge.add(replica_number(i), 1);
  forge({}, knowledge);
  EXPECT_EQ(folder(kVictim).knowledge().counters().size(), sync::kReplicasMax);
  expect_the_honest_go_on();
  EXPECT_EQ(status(kVictim).reason, "too_many_replicas");
}

// Eight times as many cost about eight times as much, not sixty.
TEST_F(HostilePeerTest, ThousandsOfThingsOfOneNameHoldNothingUp) {
  const auto cost_of = [&](int count, const std::string& name) {
    sync::Stamp by = stamp();
    std::vector<sync::Entry> entries;
    for (int i = 0; i < count; ++i) {
      sync::Content link;
      link.kind = sync::NodeKind::kLink;
      link.target = name + std::to_string(i);
      entries.push_back(sync::created(by, sync::kRoot, name, link, {0777}));
    }
    sync::Knowledge knowledge = folder(kHostile).knowledge();
    knowledge.add(by.replica, by.counter - 1);
    const std::clock_t begin = std::clock();
    forge(entries, knowledge);
    const auto paths_of_name = std::ranges::count_if(
        paths(kVictim), [&](const std::string& path) { return path.starts_with(name); });
    EXPECT_EQ(paths_of_name, count);
    return static_cast<double>(std::clock() - begin) / count;
  };
  const double few = cost_of(250, "few");
  EXPECT_LT(cost_of(2'000, "many"), 4 * few);
  expect_the_honest_go_on();
}

// It serves bytes that are not those that it announced; its person has changed the file under it, and the
// times so that no scan sees it.
TEST_F(HostilePeerTest, WrongPartsAreNotTakenAndTheRightOnesComeFromOthers) {
  const Bytes content = random_bytes(1 << 20);
  cut(kVictim, kHonest);
  cut(kVictim, kHostile);
  write(kHonest, "a", content);
  cluster_.advance(10s);
  ASSERT_EQ(read(kHostile, "a").size(), content.size()) << describe();
  cut(kHonest, kHostile);
  const FileStat is = stat(kHostile, "a");
  MemoryDisk& forged = disk(kHostile);
  forged.now_ns = is.ctime_ns;
  ASSERT_TRUE(forged.write_file(in_root("a"), random_bytes(content.size())));
  ASSERT_TRUE(forged.set(MemoryDisk::kRoot, SetMetadata{in_root("a"), is.mode, is.mtime_ns}));
  heal(kVictim, kHostile);
  cluster_.advance(120s);
  EXPECT_THAT(paths(kVictim), testing::IsEmpty());
  EXPECT_GT(counters(kVictim).wrong_parts, 0u);
  EXPECT_LT(counters(kVictim).wrong_parts, 100u);
  heal(kVictim, kHonest);
  cluster_.advance(120s);
  EXPECT_EQ(read(kVictim, "a"), std::string(content.begin(), content.end()));
}

}  // namespace
}  // namespace shoal
