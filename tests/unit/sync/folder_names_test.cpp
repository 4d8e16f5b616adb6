// Names and versions on whole hosts: names that differ in case, disks that do not tell such names apart, and
// who has the name when two hosts have changed a file apart.
#include <gmock/gmock.h>

#include "tests/unit/sync/folder_cluster.h"

namespace shoal {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

class FolderNamesTest : public FolderCluster {
 protected:
  void SetUp() override { share_among(2); }

  // Each host edits `path` (or makes it) while they are apart, the given one five seconds after the other.
  void edit_apart(const std::string& path, std::size_t newer) {
    cut(0, 1);
    write(1 - newer, path, "older");
    cluster_.advance(5s);
    write(newer, path, "newer");
    cluster_.advance(5s);
    heal(0, 1);
    ASSERT_TRUE(converge());
  }
};

TEST_F(FolderNamesTest, NamesThatDifferInCaseAreBothThereAndStay) {
  const std::vector<std::string> names = {"net/xt_DSCP.h", "net/xt_dscp.h", "pkg/A",  "pkg/a",
                                          "T/one",         "t/two",         "\u00e9", "e\u0301"};
  for (const std::string& name : names) write(0, name, name.starts_with("pkg") ? "" : name);
  ASSERT_TRUE(converge());
  const std::set<std::string> before = paths(0);
  for (const std::string& name : names) EXPECT_THAT(before, Contains(name));
  for (int save = 0; save < 3; ++save) {
    write(0, names[0], "DSCP " + std::to_string(save));
    write(1, names[1], "dscp " + std::to_string(save));
    ASSERT_TRUE(converge());
  }
  EXPECT_EQ(paths(0), before);
  EXPECT_EQ(read(1, names[0]), "DSCP 2");
  EXPECT_EQ(read(0, names[1]), "dscp 2");
  EXPECT_THAT(folder(0).conflicts().conflicts, IsEmpty());
  expect_the_same();
}

TEST_F(FolderNamesTest, ADiskThatFoldsNamesKeepsOneAndTellsOfTheOther) {
  disk(1).folds_names = true;
  write(0, "a", "small");
  write(0, "t/in", "in t");
  ASSERT_TRUE(converge());
  write(0, "A", "large");
  write(0, "T/in", "in T");
  write(0, "other", "other");
  cluster_.advance(30s);
  EXPECT_THAT(paths(1), UnorderedElementsAre("a", "t", "t/in", "other"));
  EXPECT_THAT(causes(1), testing::IsSupersetOf({Pair("A", "case_collision"), Pair("T", "case_collision")}));
  EXPECT_THAT(paths(0), UnorderedElementsAre("a", "A", "t", "t/in", "T", "T/in", "other"));
  EXPECT_THAT(trash(0), IsEmpty());
  EXPECT_THAT(trash(1), IsEmpty());
  rename(0, "A", "b");
  rename(0, "T", "u");
  ASSERT_TRUE(converge());
  EXPECT_EQ(read(1, "b"), "large");
  EXPECT_EQ(read(1, "u/in"), "in T");
  expect_the_same();
}

TEST_F(FolderNamesTest, ANameThatChangesInCaseOnlyDoesSoOnADiskThatFoldsNames) {
  disk(1).folds_names = true;
  write(0, "a.txt", "text");
  write(0, "d/in", "in");
  ASSERT_TRUE(converge());
  rename(0, "a.txt", "A.txt");
  rename(0, "d", "D");
  ASSERT_TRUE(converge());
  EXPECT_THAT(paths(1), UnorderedElementsAre("A.txt", "D", "D/in"));
  expect_the_same();
}

// The edit arrives while the disk still has the old name, and before the rename is tried again.
TEST_F(FolderNamesTest, AFileWhoseNameChangesInCaseOnlyIsStillFetched) {
  disk(1).folds_names = true;
  write(0, "a.txt", "text");
  ASSERT_TRUE(converge());
  rename(0, "a.txt", "A.txt");
  for (int i = 0; i < 50 && causes(1)["A.txt"] != "case_collision"; ++i) cluster_.advance(100ms);
  ASSERT_EQ(causes(1)["A.txt"], "case_collision");
  write(0, "A.txt", "another text");
  ASSERT_TRUE(converge());
  EXPECT_EQ(read(1, "A.txt"), "another text");
  expect_the_same();
}

// Versions before this one took names that differ in case for one: of two files one had a conflict name, and
// two directories were one on the disk.
TEST_F(FolderNamesTest, WhatAnEarlierVersionHadUnderOneNameGetsItsOwnNames) {
  for (const char* name : {"f", "F", "t/one", "T/two"}) write(0, name, name);
  ASSERT_TRUE(converge());
  const Contents before = contents(0);
  const auto& state = folder(1).context().disk;
  const auto at = [&](const char* path) { return *state.find(*state.at(path)); };
  sync::DiskEntry file = at("F"), gone = at("T"), below = at("T/two");
  cluster_.crash(1);
  rename(1, "F", "F (conflict 01020304-5)");
  rename(1, "T/two", "t/two");
  remove(1, "T");
  file.name = "F (conflict 01020304-5)";
  file.stat = stat(1, file.name);
  below.parent = *folder(0).context().disk.at("t");
  below.stat = stat(1, "t/two");
  IndexBatch batch;
  const auto add = [&](const sync::NodeId& id, std::optional<Bytes> value) {
    Bytes key;
    sync::append_dot(id, key);
    batch.rows.push_back({{key_.id(), IndexTable::kDisk, std::move(key)}, std::move(value)});
  };
  add(file.id, sync::encode_disk_entry(file));
  add(below.id, sync::encode_disk_entry(below));
  add(gone.id, std::nullopt);
  MemoryIndexStore& index = cluster_.disk(1).index();
  index.settle(index.commit(std::move(batch)));
  cluster_.restart(1);
  ASSERT_TRUE(converge());
  EXPECT_EQ(contents(0), before);
  EXPECT_THAT(trash(0), IsEmpty());
  EXPECT_THAT(trash(1), IsEmpty());
  expect_the_same();
}

// ---- The newest has the name

TEST_F(FolderNamesTest, OfEditsMadeApartTheNewestHasTheName) {
  for (const std::size_t newer : {0, 1, 0}) {
    const std::string path = "f" + std::to_string(paths(0).size());
    write(0, path, "first");
    ASSERT_TRUE(converge());
    edit_apart(path, newer);
    EXPECT_EQ(read(0, path), "newer");
  }
  EXPECT_THAT(folder(0).conflicts().conflicts, testing::SizeIs(3)) << "the older ones are there";
  expect_the_same();
}

TEST_F(FolderNamesTest, OfFilesMadeApartTheNewestHasTheName) {
  for (const std::size_t newer : {0, 1}) {
    const std::string path = "f" + std::to_string(newer);
    edit_apart(path, newer);
    EXPECT_EQ(read(0, path), "newer");
  }
  EXPECT_THAT(folder(0).conflicts().conflicts, testing::SizeIs(2));
  expect_the_same();
}

// The node was down, and what was written first is found last.
TEST_F(FolderNamesTest, WhenAnEditIsFoundDoesNotMatter) {
  write(0, "f", "first");
  ASSERT_TRUE(converge());
  cluster_.crash(1);
  write(1, "f", "older");
  cluster_.advance(5s);
  write(0, "f", "newer");
  cluster_.advance(20s);
  cluster_.restart(1);
  ASSERT_TRUE(converge());
  EXPECT_EQ(read(1, "f"), "newer");
  expect_the_same();
}

TEST_F(FolderNamesTest, AFileOfTheFutureDoesNotKeepTheNameForEver) {
  write(0, "f", "first");
  ASSERT_TRUE(converge());
  cut(0, 1);
  write(0, "f", "older");
  set(0, "f", std::nullopt, 4'000'000'000'000'000'000);  // in the year 2096
  cluster_.advance(5s);
  write(1, "f", "newer");
  cluster_.advance(5s);
  heal(0, 1);
  ASSERT_TRUE(converge());
  EXPECT_EQ(read(0, "f"), "newer");
  write(0, "f", "at last");
  ASSERT_TRUE(converge());
  EXPECT_EQ(read(1, "f"), "at last");
  expect_the_same();
}

}  // namespace
}  // namespace shoal
