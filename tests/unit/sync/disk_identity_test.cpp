// Whole nodes on disks that do what disks do: inode numbers are used again, names change in cycles,
// directories are made again, folders are copied, other disks are mounted, editors save by renaming.
#include <gmock/gmock.h>

#include <functional>

#include "tests/unit/sync/folder_cluster.h"

namespace shoal {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class DiskIdentity : public FolderCluster {
 protected:
  static constexpr std::int64_t kOldTime = 499'162'500'000'000'000;

  std::set<std::string> all_contents(std::size_t host) {
    std::set<std::string> all;
    for (const std::string& path : paths(host)) {
      if (stat(host, path).kind == FileKind::kFile) all.insert(read(host, path));
    }
    return all;
  }
  // The next that is made gets the inode number of this.
  void number_next_as(std::size_t host, const std::string& path) {
    disk(host).next_number = stat(host, path).inode;
  }
  std::uint64_t bytes_fetched(std::size_t host) { return counters(host).part_bytes_fetched; }
};

// ---- Inode numbers

class InodeReuse : public DiskIdentity, public testing::WithParamInterface<bool> {};

TEST_P(InodeReuse, ANewFileWithTheInodeSizeAndTimeOfADeletedOneArrives) {
  share_among(2);
  disk(0).has_birth_times = GetParam();
  write(0, "pkg-1.json", "version 1");
  set(0, "pkg-1.json", std::nullopt, kOldTime);
  ASSERT_TRUE(converge());
  number_next_as(0, "pkg-1.json");
  remove(0, "pkg-1.json");
  write(0, "pkg-2.json", "version 2");
  set(0, "pkg-2.json", std::nullopt, kOldTime);
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_THAT(paths(1), ElementsAre("pkg-2.json"));
  EXPECT_EQ(read(1, "pkg-2.json"), "version 2");
}

TEST_P(InodeReuse, AnEditThatSetsTheTimeBackAndARenameArrive) {
  share_among(2);
  disk(0).has_birth_times = GetParam();
  write(0, "a", "version 1");
  set(0, "a", std::nullopt, kOldTime);
  ASSERT_TRUE(converge());
  write(0, "a", "version 2");
  set(0, "a", std::nullopt, kOldTime);
  rename(0, "a", "b");
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_EQ(read(1, "b"), "version 2");
}

TEST_P(InodeReuse, ARenameMovesNoContentAndOfADirectoryHashesNothing) {
  share_among(2);
  disk(0).has_birth_times = GetParam();
  write(0, "a", random_bytes(50'000));
  for (int i = 0; i < 50; ++i) write(0, "d/sub/" + std::to_string(i), "file " + std::to_string(i));
  ASSERT_TRUE(converge());
  const std::uint64_t fetched = bytes_fetched(1);
  const std::uint64_t hashed = counters(0).files_hashed;
  rename(0, "d", "e");
  ASSERT_TRUE(converge());
  EXPECT_EQ(counters(0).files_hashed, hashed);
  rename(0, "a", "e/b");
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_EQ(counters(0).files_hashed, hashed + 1);
  EXPECT_EQ(bytes_fetched(1), fetched);
  EXPECT_THAT(trash(1), IsEmpty());
}

// The first scan after it sees all of it.
TEST_P(InodeReuse, ADirectoryMadeAgainWithTheSameInodeIsListedAndWatched) {
  share_among(2);
  disk(0).has_birth_times = GetParam();
  write(0, "build/sub/old.o", "old");
  ASSERT_TRUE(converge());
  number_next_as(0, "build");
  remove(0, "build");
  cluster_.advance(200ms);
  ASSERT_TRUE(disk(0).make_directories(in_root("build")));
  write(0, "build/new.o", "new");
  cluster_.advance(3s);
  write(0, "build/later.o", "written later");
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_THAT(paths(1), ElementsAre("build", "build/later.o", "build/new.o"));
}

INSTANTIATE_TEST_SUITE_P(BirthTimes, InodeReuse, testing::Bool(),
                         [](const auto& suite) { return suite.param ? "AreTold" : "AreNot"; });

// ---- Directories made again

TEST_F(DiskIdentity, ADirectoryMadeAgainIsListedAndWatchedAtEveryDepth) {
  for (const Duration pause : {Duration(0ms), Duration(30ms), Duration(200ms), Duration(450ms)}) {
    SCOPED_TRACE(pause.count());
    if (hosts() == 0) share_among(2);
    write(0, "out/build/sub/old.o", "old");
    write(0, "out/build/sub/stays", "stays");
    write(0, "out/keep", "kept");
    ASSERT_TRUE(converge());
    remove(0, "out/build");
    cluster_.advance(pause);
    write(0, "out/build/sub/new.o", "new");
    cluster_.advance(pause);
    write(0, "out/build/sub/stays", "stays");
    cluster_.advance(3s);
    write(0, "out/build/later.o", "later");
    write(0, "out/build/sub/later.o", "later");
    ASSERT_TRUE(converge());
    expect_the_same();
    EXPECT_THAT(paths(1),
                UnorderedElementsAre("out", "out/keep", "out/build", "out/build/later.o", "out/build/sub",
                                     "out/build/sub/later.o", "out/build/sub/new.o", "out/build/sub/stays"));
    remove(0, "out");
    ASSERT_TRUE(converge());
  }
}

TEST_F(DiskIdentity, ADirectoryThatMovesAndIsMadeAgainTakesItsFilesAlong) {
  share_among(2);
  for (int i = 0; i < 5; ++i) write(0, "d/sub/" + std::to_string(i), "file " + std::to_string(i));
  ASSERT_TRUE(converge());
  const std::uint64_t hashed = counters(0).files_hashed;
  rename(0, "d", "d.old");
  write(0, "d/sub/1", "a new one");
  cluster_.advance(5s);
  write(0, "d/sub/later", "later");
  write(0, "d.old/sub/later", "later too");
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_EQ(read(1, "d/sub/1"), "a new one");
  EXPECT_EQ(read(1, "d.old/sub/1"), "file 1");
  EXPECT_EQ(read(1, "d.old/sub/later"), "later too");
  EXPECT_THAT(paths(1), SizeIs(12));
  EXPECT_LE(counters(0).files_hashed, hashed + 6) << "each new file, and again when it is no longer young";
  EXPECT_THAT(trash(1), IsEmpty());
}

TEST_F(DiskIdentity, ACopiedFolderIsTheSameFolder) {
  share_among(2);
  write(0, "docs/deep/x", "docs");
  write(0, "pics/x", "pics");
  write(0, "z", "z");
  ASSERT_TRUE(disk(0).make_link(in_root("docs/link"), "deep/x"));
  ASSERT_TRUE(converge());
  cluster_.crash(0);
  ASSERT_TRUE(disk(0).copy_tree(kFolderRoot, "copy"));
  ASSERT_TRUE(disk(0).rename(kFolderRoot, "original"));
  ASSERT_TRUE(disk(0).rename("copy", kFolderRoot));
  cluster_.restart(0);
  ASSERT_TRUE(converge(180s));
  expect_the_same();
  EXPECT_THAT(paths(1), SizeIs(7));
  EXPECT_THAT(folder(0).conflicts().conflicts, IsEmpty());
  EXPECT_THAT(trash(1), IsEmpty());
  remove(1, "docs");
  rename(1, "pics", "pictures");
  write(1, "z", "edited");
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_THAT(paths(0), ElementsAre("pictures", "pictures/x", "z"));
}

TEST_F(DiskIdentity, ADirectoryThatIsReplacedByItsCopyIsTheSameDirectory) {
  share_among(2);
  for (int i = 0; i < 30; ++i) write(0, "docs/deep/" + std::to_string(i), "file " + std::to_string(i));
  ASSERT_TRUE(converge());
  ASSERT_TRUE(disk(0).copy_tree(in_root("docs"), "copy"));
  ASSERT_TRUE(disk(0).rename(in_root("docs"), "elsewhere"));
  ASSERT_TRUE(disk(0).rename("copy", in_root("docs")));
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_EQ(status(0).state, State::kInSync);
  EXPECT_THAT(trash(1), IsEmpty());
  write(0, "docs/deep/3", "edited");
  remove(1, "docs/deep/4");
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_EQ(read(1, "docs/deep/3"), "edited");
  EXPECT_THAT(paths(0), SizeIs(31));
}

// ---- Cycles of names

struct Renaming {
  std::string name;
  std::vector<std::pair<std::string, std::string>> steps;
};

class Cycles : public DiskIdentity, public testing::WithParamInterface<Renaming> {
 protected:
  void fill() {
    share_among(2);
    ASSERT_TRUE(disk(0).make_link(in_root("link"), "elsewhere"));
    write(0, "file", "a file");
    ASSERT_TRUE(disk(0).make_directories(in_root("d")));
    ASSERT_TRUE(disk(0).make_link(in_root("d/link"), "there"));
    for (const std::string directory : {"d", "d/in", "e", "f"}) {
      for (int i = 0; i < 3; ++i)
        write(0, directory + "/" + std::to_string(i), directory + std::to_string(i));
    }
    ASSERT_TRUE(converge());
  }
  void expect_a_renaming(Duration pause) {
    const std::set<std::string> contents = all_contents(0);
    const std::uint64_t fetched = bytes_fetched(1);
    for (const auto& [from, to] : GetParam().steps) {
      rename(0, from, to);
      cluster_.advance(pause);
    }
    const Contents as_it_is = this->contents(0);
    ASSERT_TRUE(converge());
    expect_the_same();
    EXPECT_EQ(this->contents(0), as_it_is) << "what a person did stays";
    EXPECT_EQ(all_contents(1), contents);
    EXPECT_EQ(bytes_fetched(1), fetched);
    // Nothing is blind afterwards.
    for (const std::string& path : paths(0)) {
      if (stat(0, path).kind == FileKind::kDirectory) write(0, path + "/later", "later");
    }
    ASSERT_TRUE(converge());
    expect_the_same();
  }
};

TEST_P(Cycles, InOneScanAreARenaming) {
  fill();
  expect_a_renaming(0ms);
  // A directory that goes below its own child is found by a later scan only.
  if (GetParam().name == "ParentAndChild") return;
  EXPECT_THAT(trash(1), IsEmpty());
}

TEST_P(Cycles, OverSeveralScansLoseNothing) {
  fill();
  expect_a_renaming(100ms);
}

INSTANTIATE_TEST_SUITE_P(
    Names, Cycles,
    testing::Values(Renaming{"LinkAndDirectory", {{"link", "t"}, {"d", "link"}, {"t", "d"}}},
                    Renaming{"FileAndDirectory", {{"file", "t"}, {"d", "file"}, {"t", "d"}}},
                    Renaming{"FileAndLink", {{"file", "t"}, {"link", "file"}, {"t", "link"}}},
                    Renaming{"TwoDirectories", {{"d", "t"}, {"e", "d"}, {"t", "e"}}},
                    Renaming{"ThreeDirectories", {{"d", "t"}, {"e", "d"}, {"f", "e"}, {"t", "f"}}},
                    Renaming{"ThreeKinds", {{"d", "t"}, {"link", "d"}, {"file", "link"}, {"t", "file"}}},
                    Renaming{"Chain", {{"f", "g"}, {"e", "f"}, {"d", "e"}, {"link", "d"}}},
                    Renaming{"ParentAndChild", {{"d/in", "t"}, {"d", "t/in"}, {"t", "d"}}},
                    Renaming{"AcrossDirectories", {{"d/in", "t"}, {"e", "d/in"}, {"t", "e"}}},
                    Renaming{"LinkAndDirectoryAcross", {{"d/link", "t"}, {"e", "d/link"}, {"t", "e"}}},
                    Renaming{"FileIntoTheNameOfItsDirectory", {{"d/0", "t"}, {"d", "u"}, {"t", "d"}}}),
    [](const auto& suite) { return suite.param.name; });

TEST_F(DiskIdentity, AFileThatTakesTheNameOfItsDeletedDirectoryIsNoDeletion) {
  share_among(2);
  write(0, "d/f", "stays");
  write(0, "d/g", "goes");
  ASSERT_TRUE(converge());
  rename(0, "d/f", "t");
  remove(0, "d");
  rename(0, "t", "d");
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_THAT(contents(1), SizeIs(1));
  EXPECT_EQ(read(1, "d"), "stays");
}

TEST_F(DiskIdentity, TwoDirectoriesThatChangeNamesAreNotHashed) {
  share_among(2);
  for (int i = 0; i < 20; ++i) {
    write(0, "d/" + std::to_string(i), "d " + std::to_string(i));
    write(0, "e/" + std::to_string(i), "e " + std::to_string(i));
  }
  ASSERT_TRUE(converge());
  const std::uint64_t hashed = counters(0).files_hashed;
  const std::uint64_t placed = counters(1).files_placed;
  rename(0, "d", "t");
  rename(0, "e", "d");
  rename(0, "t", "e");
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_EQ(read(1, "d/7"), "e 7");
  EXPECT_EQ(counters(0).files_hashed, hashed);
  EXPECT_EQ(counters(1).files_placed, placed);
}

TEST_F(DiskIdentity, TwoFilesThatChangeNamesOverSeveralScansKeepAPeersEdit) {
  share_among(2);
  write(0, "a", "was a");
  write(0, "b", "was b");
  ASSERT_TRUE(converge());
  cut(0, 1);
  write(1, "a", "edit of the peer");
  rename(0, "a", "t");
  cluster_.advance(1s);
  rename(0, "b", "a");
  rename(0, "t", "b");
  cluster_.advance(5s);
  heal(0, 1);
  ASSERT_TRUE(converge(180s));
  expect_the_same();
  EXPECT_THAT(all_contents(0), UnorderedElementsAre("was a", "was b", "edit of the peer"));
}

// ---- Mounts, devices, and what cannot be read

TEST_F(DiskIdentity, WhatLiesUnderAMountIsNoDeletionAndPeersChangesWait) {
  share_among(2);
  for (int i = 0; i < 15; ++i) write(0, "in/photos/sub/" + std::to_string(i), "photo " + std::to_string(i));
  write(0, "keep", "keep");
  ASSERT_TRUE(converge());
  ASSERT_TRUE(disk(0).mount(in_root("in/photos")));
  ASSERT_TRUE(command(0, Verb::kRescan));
  cluster_.advance(30s);
  EXPECT_THAT(paths(1), SizeIs(19));
  EXPECT_EQ(causes(0), (std::map<std::string, std::string>{{"in/photos", "mounted_over"}}));
  EXPECT_EQ(status(0).state, State::kInSync);
  write(1, "in/photos/sub/1", "edited by the peer");
  write(1, "in/photos/sub/new", "made by the peer");
  remove(1, "in/photos/sub/2");
  rename(1, "in/photos/sub/3", "moved");
  write(1, "keep", "kept in sync");
  cluster_.advance(30s);
  EXPECT_EQ(read(0, "keep"), "kept in sync");
  EXPECT_EQ(status(0).state, State::kSyncing);
  for (const std::string path : {"in/photos", "in/photos/sub/1", "in/photos/sub/new", "in/photos/sub/2"}) {
    EXPECT_THAT(causes(0), Contains(Pair(path, "mounted_over")));
  }
  EXPECT_EQ(read(1, "moved"), "photo 3");
  ASSERT_TRUE(disk(0).unmount(in_root("in/photos")));
  ASSERT_TRUE(converge(180s)) << "it goes on by itself";
  expect_the_same();
  EXPECT_EQ(read(0, "in/photos/sub/1"), "edited by the peer");
  EXPECT_EQ(read(0, "moved"), "photo 3");
  EXPECT_THAT(causes(0), IsEmpty());
}

TEST_F(DiskIdentity, AMountThatNoScanHasSeenIsFoundWhenAPeersChangeComes) {
  share_among(2);
  for (int i = 0; i < 5; ++i) write(0, "photos/sub/" + std::to_string(i), "photo " + std::to_string(i));
  ASSERT_TRUE(converge());
  ASSERT_TRUE(disk(0).mount(in_root("photos")));
  remove(1, "photos/sub/2");
  cluster_.advance(10s);
  EXPECT_THAT(causes(0), Contains(Pair("photos", "mounted_over")));
  EXPECT_THAT(causes(0), Contains(Pair("photos/sub/2", "mounted_over")));
  EXPECT_THAT(paths(1), SizeIs(6));
  ASSERT_TRUE(disk(0).unmount(in_root("photos")));
  ASSERT_TRUE(converge(180s));
  expect_the_same();
  EXPECT_THAT(paths(0), SizeIs(6));
}

TEST_F(DiskIdentity, AMountThatIsThereAtTheStartIsNoDeletion) {
  share_among(2);
  write(0, "photos/sub/a", "photo");
  write(0, "config", "a file under a bind mount");
  ASSERT_TRUE(converge());
  cluster_.crash(0);
  ASSERT_TRUE(disk(0).mount(in_root("photos")));
  ASSERT_TRUE(disk(0).mount(in_root("config")));
  cluster_.restart(0);
  cluster_.advance(120s);
  EXPECT_THAT(paths(1), ElementsAre("config", "photos", "photos/sub", "photos/sub/a"));
  EXPECT_EQ(causes(0),
            (std::map<std::string, std::string>{{"config", "mounted_over"}, {"photos", "mounted_over"}}));
  ASSERT_TRUE(disk(0).unmount(in_root("photos")));
  ASSERT_TRUE(disk(0).unmount(in_root("config")));
  cluster_.advance(120s);
  EXPECT_THAT(causes(0), IsEmpty());
  write(0, "photos/sub/later", "watched again");
  write(0, "config", "edited");
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_EQ(read(1, "config"), "edited");
}

TEST_F(DiskIdentity, ADeviceInThePlaceOfSomethingIsNoDeletion) {
  share_among(2);
  write(0, "a", "a");
  write(0, "d/b", "b");
  ASSERT_TRUE(converge());
  ASSERT_TRUE(disk(0).rename(in_root("d"), "elsewhere"));
  ASSERT_TRUE(disk(0).make_other(in_root("d")));
  ASSERT_TRUE(disk(0).remove_tree(in_root("a")));
  ASSERT_TRUE(disk(0).make_other(in_root("a")));
  cluster_.advance(10s);
  EXPECT_THAT(paths(1), ElementsAre("a", "d", "d/b"));
  EXPECT_EQ(causes(0), (std::map<std::string, std::string>{{"a", "unsyncable"}, {"d", "unsyncable"}}));
  remove(0, "d");
  ASSERT_TRUE(disk(0).rename("elsewhere", in_root("d")));
  remove(0, "a");
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_THAT(paths(1), ElementsAre("d", "d/b"));
}

TEST_F(DiskIdentity, ADirectoryThatCannotBeReadIsNoDeletionAndIsSeenAgain) {
  share_among(2);
  write(0, "d/sub/a", "a");
  ASSERT_TRUE(converge());
  cluster_.crash(0);
  ASSERT_TRUE(disk(0).set_unreadable(in_root("d"), true));
  cluster_.restart(0);
  cluster_.advance(30s);
  EXPECT_THAT(paths(1), ElementsAre("d", "d/sub", "d/sub/a"));
  EXPECT_THAT(causes(0), ElementsAre(Pair("d", "io_error")));
  ASSERT_TRUE(disk(0).set_unreadable(in_root("d"), false));
  cluster_.advance(120s);
  EXPECT_THAT(causes(0), IsEmpty());
  write(0, "d/sub/later", "watched");
  ASSERT_TRUE(converge());
  expect_the_same();
}

// ---- Editors

// Saves of `x`; a scan may see the folder after each step.
class Saves : public DiskIdentity, public testing::WithParamInterface<std::string> {
 protected:
  std::vector<std::function<void()>> steps(const std::string& text) {
    const auto renames = [this](std::string from, std::string to) {
      return [this, from, to] { rename(0, from, to); };
    };
    const auto writes = [this](std::string path, std::string content) {
      return [this, path, content] { write(0, path, content); };
    };
    const auto removes = [this](std::string path) { return [this, path] { remove(0, path); }; };
    if (GetParam() == "BackupStays") return {renames("x", "x~"), writes("x", text)};
    if (GetParam() == "BackupGoes") return {renames("x", "x~"), writes("x", text), removes("x~")};
    if (GetParam() == "BackupInADirectory") return {renames("x", "old/x"), writes("x", text)};
    if (GetParam() == "TemporaryOverIt") return {writes("x.tmp", text), renames("x.tmp", "x")};
    if (GetParam() == "TwoTemporaries") {
      return {writes("t1", text), renames("x", "t2"), renames("t1", "x"), removes("t2")};
    }
    if (GetParam() == "RemovedFirst") return {removes("x"), writes("x", text)};
    if (GetParam() == "BackupIsACopy") return {writes("x~", read(0, "x")), writes("x", text)};
    return {writes("x", text)};  // InPlace
  }
  // In the folder, or in a trash as something that was replaced by a person who saw it.
  std::set<std::string> kept() {
    std::set<std::string> kept = all_contents(0);
    for (const std::size_t host : {0, 1}) {
      for (const std::string& content : trash(host)) kept.insert(content);
    }
    return kept;
  }
  void save(const std::string& text, Duration pause) {
    for (const auto& step : steps(text)) {
      step();
      cluster_.advance(pause);
    }
  }
};

TEST_P(Saves, NeverTakeAPeersEditAway) {
  for (const Duration pause : {Duration(0ms), Duration(100ms), Duration(300ms)}) {
    SCOPED_TRACE(pause.count());
    if (hosts() == 0) {
      share_among(2);
      ASSERT_TRUE(disk(0).make_directories(in_root("old")));
    }
    write(0, "x", "base");
    ASSERT_TRUE(converge());
    cut(0, 1);
    save("edit of 0", pause);
    cluster_.advance(2s);
    write(1, "x", "EDIT OF THE PEER");
    cluster_.advance(2s);
    heal(0, 1);
    ASSERT_TRUE(converge(180s));
    expect_the_same();
    EXPECT_EQ((std::set<std::string>{"edit of 0", "EDIT OF THE PEER"}).count(read(0, "x")), 1u) << describe();
    const auto conflicts = folder(0).conflicts().conflicts;
    ASSERT_THAT(conflicts, SizeIs(1)) << describe();
    EXPECT_EQ(conflicts.front().of_path, "x");
    save("edit 2 of 0", pause);
    ASSERT_TRUE(converge());
    expect_the_same();
    EXPECT_EQ(read(1, "x"), "edit 2 of 0");
    EXPECT_THAT(kept(), Contains("EDIT OF THE PEER")) << describe();
    for (const std::string& path : paths(0)) {
      if (path != "old") remove(0, path);
    }
    ASSERT_TRUE(disk(0).make_directories(in_root("old")));
    ASSERT_TRUE(converge());
  }
}

// The peer's edit comes between the two halves of the save.
TEST_P(Saves, KeepAPeersEditThatComesMeanwhile) {
  share_among(2);
  ASSERT_TRUE(disk(0).make_directories(in_root("old")));
  write(0, "x", "base");
  ASSERT_TRUE(converge());
  const auto all = steps("edit of 0");
  all.front()();
  cluster_.advance(100ms);
  write(1, "x", "EDIT OF THE PEER");
  cluster_.advance(300ms);
  for (std::size_t i = 1; i < all.size(); ++i) {
    all[i]();
    cluster_.advance(100ms);
  }
  ASSERT_TRUE(converge(180s));
  expect_the_same();
  EXPECT_THAT(kept(), Contains("EDIT OF THE PEER")) << describe();
  EXPECT_THAT(kept(), Contains("edit of 0")) << describe();
}

INSTANTIATE_TEST_SUITE_P(Editors, Saves,
                         testing::Values("BackupStays", "BackupGoes", "BackupInADirectory", "TemporaryOverIt",
                                         "TwoTemporaries", "RemovedFirst", "BackupIsACopy", "InPlace"),
                         [](const auto& suite) { return suite.param; });

// ---- Times

TEST_F(DiskIdentity, AFileFromTheFutureIsHashedTwiceAtMost) {
  share_among(2);
  write(0, "movie", random_bytes(1000));
  set(0, "movie", std::nullopt, 4'070'908'800'000'000'000);
  ASSERT_TRUE(converge());
  cluster_.advance(60s);
  EXPECT_LE(counters(0).files_hashed, 2u);
  EXPECT_LE(counters(1).files_hashed, 2u);
  expect_the_same();
}

TEST_F(DiskIdentity, FilesWrittenBeforeTheClockWasSetBackAreHashedTwiceAtMost) {
  share_among(2);
  cluster_.network().jump_wall_time(Duration(1h));
  write(0, "a", "written in the future");
  cluster_.advance(100ms);
  cluster_.network().jump_wall_time(Duration(-1h));
  ASSERT_TRUE(converge());
  cluster_.advance(60s);
  EXPECT_LE(counters(0).files_hashed, 2u);
  write(0, "a", "written in the present");
  ASSERT_TRUE(converge());
  EXPECT_EQ(read(1, "a"), "written in the present");
}

// ---- Watches

TEST_F(DiskIdentity, WithTooFewWatchesTheFolderIsPolledAndSaysWhatToDo) {
  add_host();
  NodeConfig config;
  config.folder_poll_interval = 2s;
  add_host(config);
  share(0);
  for (int i = 0; i < 20; ++i) write(1, "d" + std::to_string(i) + "/f", "file");
  cluster_.disk(1).memory_folders().watches_max = 5;
  share(1);
  ASSERT_TRUE(converge());
  EXPECT_FALSE(status(1).watching);
  EXPECT_THAT(status(1).next_step, testing::HasSubstr("fs.inotify.max_user_watches"));
  write(1, "d15/g", "written where nobody watches");
  cluster_.advance(4s);
  EXPECT_EQ(read(0, "d15/g"), "written where nobody watches");
  cluster_.disk(1).memory_folders().watches_max = 1000;
  cluster_.advance(5s);
  EXPECT_TRUE(status(1).watching);
  EXPECT_THAT(status(1).next_step, IsEmpty());
  const std::uint64_t scans = counters(1).scans_started;
  cluster_.advance(60s);
  EXPECT_LE(counters(1).scans_started, scans + 1);
  // The limit is met in the middle of the folder's life.
  cluster_.disk(1).memory_folders().watches_max = 0;
  write(1, "new/f", "in a directory that cannot be watched");
  cluster_.advance(1s);
  EXPECT_FALSE(status(1).watching);
  write(1, "new/g", "written there");
  cluster_.advance(4s);
  EXPECT_EQ(read(0, "new/g"), "written there");
}

}  // namespace
}  // namespace shoal
