// Whole nodes that keep a folder in sync: what a person does on one of them is done on all.
#include <gmock/gmock.h>

#include "node/sync/scanner.h"
#include "tests/unit/sync/folder_cluster.h"

namespace shoal {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class FolderSyncTest : public FolderCluster {
 protected:
  std::uint64_t bytes_fetched(std::size_t host) { return counters(host).part_bytes_fetched; }
  // `act` is done while host 0 can meet none of the others; then they meet, and all come to the same.
  template <class Act>
  void while_apart(Act act) {
    for (std::size_t other = 1; other < hosts(); ++other) cut(0, other);
    act();
    cluster_.advance(5s);
    for (std::size_t other = 1; other < hosts(); ++other) heal(0, other);
    ASSERT_TRUE(converge(180s));
    expect_the_same();
  }
};

// ---- What arrives

TEST_F(FolderSyncTest, FilesDirectoriesAndLinksArriveWithModesAndTimes) {
  share_among(3);
  write(0, "a.txt", "hello");
  write(0, "d/e/run", "#!/bin/sh");
  set(0, "d/e/run", 0755, 1'600'000'000'123'456'789);
  set(0, "d", 0750, std::nullopt);
  write(0, "empty", "");
  ASSERT_TRUE(disk(0).make_directories(in_root("bare")));
  ASSERT_TRUE(disk(0).make_link(in_root("link"), "../outside"));
  ASSERT_TRUE(converge());
  expect_the_same();
  for (const std::size_t host : {1, 2}) {
    EXPECT_THAT(paths(host), UnorderedElementsAre("a.txt", "bare", "d", "d/e", "d/e/run", "empty", "link"));
    EXPECT_EQ(read(host, "a.txt"), "hello");
    EXPECT_EQ(stat(host, "d/e/run").mode, 0755u);
    EXPECT_EQ(stat(host, "d/e/run").mtime_ns, 1'600'000'000'123'456'789);
    EXPECT_EQ(stat(host, "d").mode, 0750u);
    EXPECT_EQ(stat(host, "link").link_target, "../outside");
    EXPECT_EQ(status(host).state, State::kInSync);
    EXPECT_EQ(status(host).files, 3u);
  }
}

TEST_F(FolderSyncTest, EditsArriveAndWhatTheyReplaceGoesToTheTrash) {
  share_among(2);
  write(0, "a", "first");
  ASSERT_TRUE(converge());
  write(1, "a", "second");
  set(0, "a", 0600, std::nullopt);
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_EQ(read(0, "a"), "second");
  EXPECT_EQ(stat(1, "a").mode, 0600u);
  EXPECT_THAT(trash(0), UnorderedElementsAre("first"));
  EXPECT_THAT(trash(1), IsEmpty()) << "its person replaced it";
}

TEST_F(FolderSyncTest, AnEditOfTheSameLengthIsSeen) {
  share_among(2);
  write(0, "a", "one");
  ASSERT_TRUE(converge());
  write(0, "a", "two");
  ASSERT_TRUE(converge());
  EXPECT_EQ(read(1, "a"), "two");
}

TEST_F(FolderSyncTest, DeletionsArriveAndGoToTheTrash) {
  share_among(2);
  write(0, "d/a", "keep me");
  write(0, "d/b", "me too");
  write(0, "c", "stays");
  ASSERT_TRUE(converge());
  remove(0, "d");
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_THAT(paths(1), ElementsAre("c"));
  EXPECT_THAT(trash(1), UnorderedElementsAre("keep me", "me too"));
  EXPECT_EQ(counters(1).files_placed, 3u);
}

TEST_F(FolderSyncTest, AChangeOfKindArrives) {
  share_among(2);
  write(0, "a", "a file");
  write(0, "b/c", "in a directory");
  ASSERT_TRUE(converge());
  remove(0, "a");
  write(0, "a/x", "now in a directory");
  remove(0, "b");
  write(0, "b", "now a file");
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_THAT(paths(1), ElementsAre("a", "a/x", "b"));
  EXPECT_EQ(read(1, "b"), "now a file");
}

// ---- What need not be fetched

TEST_F(FolderSyncTest, ARenameMovesNoContent) {
  share_among(2);
  write(0, "a", random_bytes(50'000));
  for (int i = 0; i < 200; ++i) write(0, "d/sub/" + std::to_string(i), "file " + std::to_string(i));
  ASSERT_TRUE(converge());
  const std::uint64_t before = bytes_fetched(1);
  const std::uint64_t placed = counters(1).files_placed;
  rename(0, "a", "b");
  rename(0, "d", "e");
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_EQ(paths(1).size(), 203u);
  EXPECT_EQ(read(1, "e/sub/17"), "file 17");
  EXPECT_EQ(bytes_fetched(1), before);
  EXPECT_EQ(counters(1).files_placed, placed);
  EXPECT_THAT(trash(1), IsEmpty());
}

TEST_F(FolderSyncTest, NamesThatAreExchangedMoveNoContent) {
  share_among(2);
  write(0, "a", "was a");
  write(0, "b", "was b");
  ASSERT_TRUE(converge());
  const std::uint64_t before = bytes_fetched(1);
  rename(0, "a", "t");
  rename(0, "b", "a");
  rename(0, "t", "b");
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_EQ(read(1, "a"), "was b");
  EXPECT_EQ(read(1, "b"), "was a");
  EXPECT_EQ(bytes_fetched(1), before);
}

TEST_F(FolderSyncTest, ContentThatIsHereUnderAnotherNameIsCopied) {
  share_among(2);
  const Bytes content = random_bytes(300'000);
  write(0, "a", content);
  write(0, "small", "small content");
  ASSERT_TRUE(converge());
  const std::uint64_t before = bytes_fetched(1);
  write(0, "copies/a", content);
  write(0, "copies/small", "small content");
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_EQ(bytes_fetched(1), before);
  EXPECT_GE(counters(1).part_bytes_copied, 300'000u);
}

// It is hashed in stretches, by two workers.
TEST_F(FolderSyncTest, AVeryLargeFileArrivesAndSoDoesAnEditWhereTwoStretchesMeet) {
  share_among(2);
  Bytes content = random_bytes(2 * sync::Scanner::kStretchBytes + 100'000);
  write(0, "large", content);
  ASSERT_TRUE(converge(600s));
  expect_the_same();
  EXPECT_EQ(bytes_fetched(1), content.size());
  content[sync::Scanner::kStretchBytes - 1] ^= 1;
  write(0, "large", content);
  ASSERT_TRUE(converge(600s));
  expect_the_same();
  EXPECT_LT(bytes_fetched(1) - content.size(), 4u * 65'536);
}

TEST_F(FolderSyncTest, AnEditWithinALargeFileFetchesAFewPartsOnly) {
  share_among(2);
  Bytes content = random_bytes(16 << 20);
  write(0, "large", content);
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_EQ(bytes_fetched(1), content.size());
  const std::uint64_t pages = counters(1).pages_fetched;
  EXPECT_GE(pages, 4u);
  content.insert(content.begin() + (2 << 20), {1, 2, 3});
  write(0, "large", content);
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_LT(bytes_fetched(1) - content.size(), 4u * 65'536);
  EXPECT_LT(counters(1).pages_fetched - pages, pages) << "the pages that are here are not asked for";
}

// ---- Unions

TEST_F(FolderSyncTest, TheUnionOfTwoFilledFoldersCopiesNothingThatIsEqual) {
  add_host();
  add_host();
  for (const std::size_t host : {0, 1}) {
    write(host, "same", "the same");
    write(host, "d/same", "the same there");
    write(host, "differs", "as host " + std::to_string(host) + " has it");
    write(host, "d/only" + std::to_string(host), "on one host");
    cluster_.advance(10ms);
    share(host);
  }
  ASSERT_TRUE(converge());
  expect_the_same();
  const std::set<std::string> both = paths(0);
  EXPECT_EQ(both.size(), 7u);
  EXPECT_THAT(both, testing::IsSupersetOf({"same", "d", "d/same", "d/only0", "d/only1", "differs"}));
  const auto conflicts = folder(0).conflicts().conflicts;
  ASSERT_THAT(conflicts, SizeIs(1));
  EXPECT_EQ(conflicts.front().of_path, "differs");
  EXPECT_THAT((std::set<std::string>{read(0, "differs"), read(0, conflicts.front().path)}),
              UnorderedElementsAre("as host 0 has it", "as host 1 has it"));
}

// ---- Conflicts

TEST_F(FolderSyncTest, EditsDuringAPartitionGiveOneWinnerAndOneCopyOnAllHosts) {
  share_among(3);
  write(0, "a", "base");
  ASSERT_TRUE(converge());
  while_apart([&] {
    write(0, "a", "edit of host 0");
    write(1, "a", "edit of host 1");
    cluster_.advance(5s);
    EXPECT_EQ(read(2, "a"), "edit of host 1") << describe();
  });
  EXPECT_THAT(paths(0), SizeIs(2));
  for (const std::size_t host : {0, 1, 2}) {
    const auto conflicts = folder(host).conflicts().conflicts;
    ASSERT_THAT(conflicts, SizeIs(1)) << host;
    EXPECT_THAT((std::set<std::string>{read(host, "a"), read(host, conflicts.front().path)}),
                UnorderedElementsAre("edit of host 0", "edit of host 1"));
  }
}

TEST_F(FolderSyncTest, AnEditBeatsADeletion) {
  share_among(2);
  write(0, "d/a", "base");
  ASSERT_TRUE(converge());
  while_apart([&] {
    remove(0, "d");
    write(1, "d/a", "edited");
  });
  EXPECT_EQ(read(0, "d/a"), "edited");
}

TEST_F(FolderSyncTest, ADeletionOnBothSidesIsOne) {
  share_among(2);
  write(0, "a", "base");
  ASSERT_TRUE(converge());
  while_apart([&] {
    remove(0, "a");
    remove(1, "a");
  });
  EXPECT_THAT(paths(0), IsEmpty());
}

// A peer's version comes while ours is written, at every moment of its coming.
TEST_F(FolderSyncTest, AnEditThatIsNotSyncedYetIsNeverOverwritten) {
  share_among(2);
  for (int moment = 0; moment < 60; moment += 3) {
    SCOPED_TRACE(moment);
    const std::string path = "f" + std::to_string(moment);
    write(0, path, "base");
    ASSERT_TRUE(converge());
    write(0, path, "of the peer");
    cluster_.advance(moment * 1ms);
    write(1, path, "of ours " + std::to_string(moment));
    ASSERT_TRUE(converge());
    std::set<std::string> live;
    for (const std::string& each : paths(1)) live.insert(read(1, each));
    EXPECT_THAT(live, Contains("of ours " + std::to_string(moment)));
  }
  expect_the_same();
}

// ---- Stops and starts

TEST_F(FolderSyncTest, ARestartGoesOnWhereItWas) {
  share_among(2);
  const Bytes content = random_bytes(6 << 20);
  write(0, "large", content);
  ASSERT_TRUE(cluster_.network().run_until([&] { return bytes_fetched(1) > (2 << 20); }, 60s));
  const std::uint64_t before = bytes_fetched(1);
  cluster_.crash(1);
  cluster_.advance(1s);
  cluster_.restart(1);
  ASSERT_TRUE(converge(180s));
  expect_the_same();
  EXPECT_LE(before + bytes_fetched(1), content.size() + 65'536);
  EXPECT_GT(counters(1).parts_resumed, 0u);
}

TEST_F(FolderSyncTest, WhatWasDoneWhileANodeWasDownIsFoundAtItsStart) {
  share_among(2);
  write(0, "a", "a");
  write(0, "b", "b");
  write(0, "c", "c");
  ASSERT_TRUE(converge());
  cluster_.crash(1);
  write(1, "a", "edited while it was down");
  rename(1, "b", "b2");
  remove(1, "c");
  write(0, "d", "new at the peer");
  cluster_.advance(1s);
  cluster_.restart(1);
  ASSERT_TRUE(converge(180s));
  expect_the_same();
  EXPECT_THAT(paths(0), ElementsAre("a", "b2", "d"));
  EXPECT_EQ(read(0, "a"), "edited while it was down");
  EXPECT_THAT(folder(0).conflicts().conflicts, IsEmpty());
}

// A copy of the index comes back, and nobody is there to say that it is old: what it writes next must not
// have the names of changes that were told to others before.
TEST_F(FolderSyncTest, ARestoredIndexWritesUnderANewName) {
  share_among(2);
  write(0, "a", "first");
  ASSERT_TRUE(converge());
  MemoryIndexStore& index = cluster_.disk(0).index();
  IndexBatch copy;
  copy.forget.push_back(key_.id());
  for (const IndexTable table : {IndexTable::kFolder, IndexTable::kEntry, IndexTable::kDisk,
                                 IndexTable::kContent, IndexTable::kPart}) {
    for (IndexRow& row : index.list({key_.id(), table, {}}, true, 1000)) copy.rows.push_back(std::move(row));
  }
  const sync::ReplicaId before = folder(0).replica();
  write(0, "a", "second");
  write(0, "b", "told to the other");
  ASSERT_TRUE(converge());
  cluster_.restart(0);
  cluster_.advance(5s);
  EXPECT_EQ(folder(0).replica(), before) << "an index that is the newest goes on";
  while_apart([&] {
    cluster_.crash(0);
    index.settle(index.commit(std::move(copy)));
    cluster_.restart(0);
    cluster_.advance(5s);
    write(0, "c", "written before anybody is met");
    write(1, "b", "edited there");
    cluster_.advance(5s);
    EXPECT_NE(folder(0).replica(), before);
    EXPECT_EQ(counters(0).restored_indexes, 1u);
  });
  EXPECT_EQ(read(1, "a"), "second");
  EXPECT_EQ(read(0, "b"), "edited there");
  EXPECT_EQ(read(1, "c"), "written before anybody is met");
}

TEST_F(FolderSyncTest, APausedFolderIsLeftAloneUntilItIsResumed) {
  share_among(2);
  ASSERT_TRUE(command(1, Verb::kPause));
  EXPECT_EQ(status(1).state, State::kPaused);
  write(0, "a", "of 0");
  write(1, "b", "of 1");
  cluster_.advance(10s);
  EXPECT_THAT(paths(0), ElementsAre("a"));
  EXPECT_THAT(paths(1), ElementsAre("b"));
  cluster_.restart(1);
  cluster_.advance(10s);
  EXPECT_EQ(status(1).state, State::kPaused) << "it stays so across a restart";
  ASSERT_TRUE(command(1, Verb::kResume));
  ASSERT_TRUE(converge(180s));
  expect_the_same();
  EXPECT_THAT(paths(0), ElementsAre("a", "b"));
}

TEST_F(FolderSyncTest, AResumeIsHeardAtOnce) {
  share_among(2);
  write(0, "of 0", "before");
  ASSERT_TRUE(converge());
  ASSERT_TRUE(command(1, Verb::kPause));
  for (int edit = 0; edit < 30; ++edit) {  // the peer asks, and is refused
    write(0, "of 0", "edit " + std::to_string(edit));
    cluster_.advance(1s);
  }
  write(1, "of 1", "while it was paused");
  cluster_.begin(1, FolderCommand{Verb::kResume, "folder", {}, {}, {}, {}});
  cluster_.advance(200ms);
  EXPECT_EQ(read(1, "of 0"), "edit 29");
  EXPECT_EQ(read(0, "of 1"), "while it was paused");
}

TEST_F(FolderSyncTest, AFirstJoinOfAPausedFolderIsDoneAtOnceWhenItIsResumed) {
  add_host();
  share(0);
  write(0, "a", "a");
  cluster_.advance(5s);
  ASSERT_TRUE(command(0, Verb::kPause));
  add_host();
  share(1);
  cluster_.advance(65s);
  EXPECT_THAT(paths(1), IsEmpty());
  cluster_.begin(0, FolderCommand{Verb::kResume, "folder", {}, {}, {}, {}});
  cluster_.advance(200ms);
  EXPECT_EQ(read(1, "a"), "a");
}

TEST_F(FolderSyncTest, ARemovedFolderKeepsItsFilesAndMayComeBack) {
  share_among(2);
  write(0, "a", "stays");
  ASSERT_TRUE(converge());
  ASSERT_TRUE(command(1, Verb::kRemove));
  remove(0, "a");
  write(0, "b", "new");
  cluster_.advance(10s);
  EXPECT_THAT(paths(1), ElementsAre("a"));
  share(1);
  ASSERT_TRUE(converge(180s));
  expect_the_same();
  EXPECT_THAT(paths(0), ElementsAre("a", "b")) << "a first sync is a union";
}

TEST_F(FolderSyncTest, AFolderThatIsRemovedWhileItWorksMayBeAddedAgainAtOnce) {
  share_among(2);
  for (int i = 0; i < 50; ++i) write(0, "f" + std::to_string(i), random_bytes(2'000));
  write(1, "mine", random_bytes(500'000));
  cluster_.advance(25ms);
  ASSERT_TRUE(command(1, Verb::kRemove));
  cluster_.disk(1).work_time = 20ms;
  cluster_.begin(1, AddFolderCommand{key_.id(), "/" + kFolderRoot, "folder"});
  cluster_.advance(1s);
  if (keepers().size() == 1) share(1);
  ASSERT_TRUE(converge(180s));
  expect_the_same();
}

TEST_F(FolderSyncTest, ARescanFindsWhatNobodyToldOf) {
  share_among(2);
  write(0, "d/a", "a");
  ASSERT_TRUE(converge());
  const std::uint64_t scans = counters(0).scans_started;
  ASSERT_TRUE(command(0, Verb::kRescan, "d"));
  EXPECT_FALSE(command(0, Verb::kRescan, "nowhere"));
  cluster_.advance(1s);
  EXPECT_EQ(counters(0).scans_started, scans + 1);
  cluster_.disk(0).memory_folders().overflow();
  ASSERT_TRUE(converge());
  EXPECT_EQ(counters(0).scans_started, scans + 2);
}

// ---- What stops a folder

TEST_F(FolderSyncTest, AMassDeletionIsAskedAboutAndThenBelieved) {
  share_among(2);
  for (int i = 0; i < 40; ++i) write(0, "d/" + std::to_string(i), "file " + std::to_string(i));
  write(0, "c", "stays");
  ASSERT_TRUE(converge());
  remove(0, "d");
  cluster_.advance(30s);
  EXPECT_EQ(status(0).reason, "mass_deletion");
  EXPECT_THAT(paths(1), SizeIs(42));
  ASSERT_TRUE(command(0, Verb::kResume));
  ASSERT_TRUE(converge(180s));
  expect_the_same();
  EXPECT_THAT(paths(1), ElementsAre("c"));
  EXPECT_THAT(trash(1), SizeIs(40));
}

TEST_F(FolderSyncTest, FilesOfAMassDeletionThatAreBackAreNoDeletion) {
  share_among(2);
  for (int i = 0; i < 40; ++i) write(0, "d/" + std::to_string(i), "file " + std::to_string(i));
  ASSERT_TRUE(converge());
  ASSERT_TRUE(disk(0).rename(in_root("d"), "elsewhere"));
  cluster_.advance(30s);
  EXPECT_EQ(status(0).reason, "mass_deletion");
  ASSERT_TRUE(disk(0).rename("elsewhere", in_root("d")));
  ASSERT_TRUE(command(0, Verb::kResume));
  ASSERT_TRUE(converge(180s));
  expect_the_same();
  EXPECT_THAT(paths(1), SizeIs(41));
}

TEST_F(FolderSyncTest, AMissingRootStopsTheFolderAndDeletesNothing) {
  share_among(2);
  write(0, "a", "a");
  ASSERT_TRUE(converge());
  ASSERT_TRUE(disk(0).rename(kFolderRoot, "elsewhere"));
  cluster_.advance(30s);
  EXPECT_EQ(status(0).reason, "root_missing");
  EXPECT_THAT(paths(1), ElementsAre("a"));
  ASSERT_TRUE(disk(0).rename("elsewhere", kFolderRoot));
  write(1, "b", "b");
  ASSERT_TRUE(converge(180s));
  expect_the_same();
  EXPECT_THAT(paths(0), ElementsAre("a", "b"));
}

TEST_F(FolderSyncTest, AMissingMarkerStopsTheFolderAndDeletesNothing) {
  share_among(2);
  write(0, "a", "a");
  write(0, "b", "b");
  ASSERT_TRUE(converge());
  // The disk is not mounted: its mount point is there, and empty.
  ASSERT_TRUE(disk(0).rename(kFolderRoot, "elsewhere"));
  ASSERT_TRUE(disk(0).make_directories(kFolderRoot));
  cluster_.advance(60s);
  EXPECT_EQ(status(0).reason, "marker_missing");
  EXPECT_THAT(paths(0), IsEmpty());
  EXPECT_THAT(paths(1), ElementsAre("a", "b"));
  ASSERT_TRUE(disk(0).remove_tree(kFolderRoot));
  ASSERT_TRUE(disk(0).rename("elsewhere", kFolderRoot));
  ASSERT_TRUE(converge(180s));
  expect_the_same();
}

TEST_F(FolderSyncTest, AMarkerThatIsTakenAwayStopsTheFolder) {
  share_among(2);
  write(0, "a", "a");
  ASSERT_TRUE(converge());
  ASSERT_TRUE(disk(0).rename(in_root(".shoal"), "marker"));
  remove(0, "a");
  cluster_.advance(30s);
  EXPECT_EQ(status(0).reason, "marker_missing");
  EXPECT_THAT(paths(1), ElementsAre("a"));
}

// ---- What is left out

TEST_F(FolderSyncTest, IgnoredPathsAreNotTouched) {
  add_host();
  add_host();
  write(0, ".shoalignore", "*.tmp\n/build/\n");
  share(0);
  share(1);
  ASSERT_TRUE(converge());
  write(0, "x.tmp", "not synced");
  write(0, "build/out", "not synced");
  write(0, "d/build/out", "synced");
  write(1, "x.tmp", "of the other");
  ASSERT_TRUE(converge());
  EXPECT_THAT(paths(1), ElementsAre(".shoalignore", "d", "d/build", "d/build/out", "x.tmp"));
  EXPECT_EQ(read(0, "x.tmp"), "not synced");
  EXPECT_EQ(read(1, "x.tmp"), "of the other");
}

TEST_F(FolderSyncTest, WhatCannotBeSyncedIsTold) {
  share_among(2);
  ASSERT_TRUE(disk(0).make_other(in_root("pipe")));
  write(0, "a", "a");
  ASSERT_TRUE(converge());
  EXPECT_THAT(paths(1), ElementsAre("a"));
  EXPECT_THAT(causes(0), ElementsAre(Pair("pipe", "unsyncable")));
  remove(0, "pipe");
  ASSERT_TRUE(converge());
  EXPECT_THAT(causes(0), IsEmpty());
}

TEST_F(FolderSyncTest, AFileThatNoPeerHasAnyLongerIsTold) {
  share_among(3);
  cut(1, 0);
  cut(1, 2);
  cut(0, 2);
  cluster_.advance(60s);
  write(0, "a", random_bytes(3 << 20));
  heal(0, 1);
  ASSERT_TRUE(cluster_.network().run_until([&] { return bytes_fetched(1) > (1 << 20); }, 180s));
  cluster_.crash(0);
  heal(1, 2);
  cluster_.advance(180s);
  EXPECT_THAT(causes(1), ElementsAre(Pair("a", "no_peer_has_it")));
  EXPECT_THAT(causes(2), ElementsAre(Pair("a", "no_peer_has_it")));
  cluster_.restart(0);
  heal(0, 2);
  ASSERT_TRUE(converge(300s));
  expect_the_same();
}

TEST_F(FolderSyncTest, TheTimeThatIsLeftIsTold) {
  share_among(2);
  cluster_.disk(1).work_time = 200ms;
  write(0, "large", random_bytes(16 << 20));
  ASSERT_TRUE(cluster_.network().run_until([&] { return bytes_fetched(1) > (4 << 20); }, 60s));
  const auto eta = status(1).eta;
  ASSERT_TRUE(eta.has_value());
  const Instant told = cluster_.network().now();
  ASSERT_TRUE(cluster_.network().run_until([&] { return status(1).files_needed == 0; }, 60s));
  const Duration took = cluster_.network().now() - told;
  EXPECT_GT(*eta, took / 4);
  EXPECT_LT(*eta, took * 4);
  EXPECT_FALSE(status(1).eta.has_value());
}

// ---- Calm

TEST_F(FolderSyncTest, IdleFoldersExchangeNothingButKeepAlives) {
  share_among(3);
  for (int i = 0; i < 20; ++i) write(0, "f" + std::to_string(i), "file");
  ASSERT_TRUE(converge());
  cluster_.advance(10s);
  std::vector<std::uint64_t> scans;
  for (const std::size_t host : {0, 1, 2}) scans.push_back(counters(host).scans_started);
  const auto before = cluster_.network().totals();
  cluster_.advance(100s);
  const auto after = cluster_.network().totals();
  for (const std::size_t host : {0, 1, 2}) EXPECT_EQ(counters(host).scans_started, scans[host]);
  EXPECT_LT(after.stream_bytes_written - before.stream_bytes_written, 3u * 100 * 100);
}

TEST_F(FolderSyncTest, WorksInAnyOrderComeToTheSame) {
  share_among(3);
  for (const std::size_t host : {0, 1, 2}) cluster_.disk(host).shuffles_works = true;
  for (int round = 0; round < 20; ++round) {
    for (const std::size_t host : {0, 1, 2}) {
      const std::string name = "d" + std::to_string(rng_.below(3)) + "/" + std::to_string(rng_.below(8));
      switch (rng_.below(4)) {
        case 0:
        case 1:
          write(host, name, random_bytes(rng_.below(100'000)));
          break;
        case 2:
          (void)disk(host).remove_tree(in_root(name));
          break;
        case 3:
          (void)disk(host).rename(in_root(name), in_root("d" + std::to_string(rng_.below(3)) + "/moved"));
          break;
      }
      cluster_.advance(rng_.below(100) * 1ms);
    }
  }
  ASSERT_TRUE(converge(180s));
  expect_the_same();
}

TEST_F(FolderSyncTest, ALineOfAnIgnoreListThatKeepsNothingOutIsTold) {
  share_among(2);
  write(0, ".shoalignore", "*.tmp\n[a\n\nb\\\n");
  ASSERT_TRUE(converge());
  EXPECT_EQ(causes(1), (std::map<std::string, std::string>{{".shoalignore", "bad_pattern"}}));
  bool more = false;
  const std::string next = folder(1).path_status({}, kFolderRowsMax, more).front().next_step;
  EXPECT_THAT(next, testing::HasSubstr("line 2: matches nothing"));
  EXPECT_THAT(next, testing::HasSubstr("line 4: matches nothing"));
  EXPECT_EQ(status(1).state, State::kInSync) << "what it keeps in is in sync";
  write(0, ".shoalignore", "*.tmp\n");
  ASSERT_TRUE(converge());
  EXPECT_THAT(causes(1), IsEmpty());
}

TEST_F(FolderSyncTest, WhatAPeerToldIsAskedForAgainWhenItCouldNotBeWritten) {
  share_among(2);
  MemoryIndexStore& index = cluster_.disk(1).index();
  cut(0, 1);
  write(0, "a", "news");
  cluster_.advance(2min);
  index.set_full(true);
  heal(0, 1);
  for (int i = 0; i < 300 && status(1).reason != "io_error"; ++i) cluster_.advance(1s);
  ASSERT_EQ(status(1).reason, "io_error");
  index.set_full(false);
  for (int i = 0; i < 3000 && status(1).state != State::kInSync; ++i) cluster_.advance(10ms);
  EXPECT_EQ(read(1, "a"), "news") << "it says that it is in sync";
  ASSERT_TRUE(converge(20s));
  EXPECT_EQ(read(1, "a"), "news");
}

}  // namespace
}  // namespace shoal
