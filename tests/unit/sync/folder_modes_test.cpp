// Directories that their owner may not write in.
#include <gmock/gmock.h>

#include "tests/unit/sync/folder_cluster.h"

namespace shoal {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

class FolderModesTest : public FolderCluster {
 protected:
  std::uint32_t mode(std::size_t host, const std::string& path) { return stat(host, path).mode; }
  std::vector<std::string> staged(std::size_t host) {
    std::vector<std::string> found;
    for (const std::string& path : disk(host).paths()) {
      if (path.starts_with(in_root(sync::kStagingDirectory + "/opened-"))) found.push_back(path);
    }
    return found;
  }
};

TEST_F(FolderModesTest, AReadOnlyDirectoryStaysSoOnAllHosts) {
  share_among(2);
  write(0, "archive/x", "x");
  ASSERT_TRUE(converge());
  set(0, "archive", 0555, std::nullopt);
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_EQ(mode(0, "archive"), 0555u);
  EXPECT_EQ(mode(1, "archive"), 0555u);
}

TEST_F(FolderModesTest, APeerMakesEditsMovesAndDeletesInIt) {
  share_among(2);
  for (const char* name : {"edited", "deleted", "moved", "renamed"}) write(0, std::string("d/") + name, name);
  write(0, "e/inner/f", "f");
  ASSERT_TRUE(converge());
  for (const char* path : {"d", "e", "e/inner"}) set(0, path, 0555, std::nullopt);
  ASSERT_TRUE(converge());
  const std::uint64_t dots = folder(1).knowledge().of(folder(1).replica());
  write(0, "d/edited", "edited now");
  write(0, "d/new/deep", "new");
  remove(0, "d/deleted");
  rename(0, "d/moved", "e/moved");
  rename(0, "d/renamed", "d/renamed now");
  rename(0, "e/inner", "inner");
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_THAT(paths(1), UnorderedElementsAre("d", "d/edited", "d/new", "d/new/deep", "d/renamed now", "e",
                                             "e/moved", "inner", "inner/f"));
  for (const char* path : {"d", "e", "inner"}) EXPECT_EQ(mode(1, path), 0555u) << path;
  EXPECT_EQ(folder(1).knowledge().of(folder(1).replica()), dots) << "the mode between is nobody's change";
  EXPECT_THAT(staged(1), ElementsAre());
}

TEST_F(FolderModesTest, ADirectoryThatCannotBeLookedIntoStaysSoWithItsOwnerOnly) {
  share_among(2);
  write(0, "d/x", "x");
  ASSERT_TRUE(converge());
  set(0, "d", 0311, std::nullopt);
  ASSERT_TRUE(converge());
  EXPECT_EQ(mode(0, "d"), 0311u);
  EXPECT_EQ(mode(1, "d"), 0711u);
}

TEST_F(FolderModesTest, WhatACrashHasLeftOpenIsPutBackAtTheStart) {
  share_among(2);
  write(0, "d/x", "x");
  ASSERT_TRUE(converge());
  set(0, "d", 0555, std::nullopt);
  ASSERT_TRUE(converge());
  const std::uint64_t dots = folder(1).knowledge().of(folder(1).replica());
  cluster_.crash(1);
  set(1, "d", 0755, std::nullopt);
  const std::string note = sync::kStagingDirectory + "/opened-7-1";
  write(1, note, "555 " + std::to_string(stat(1, "d").inode) + " d");
  write(1, sync::kStagingDirectory + "/opened-7-2", "555 1 elsewhere");
  write(1, sync::kStagingDirectory + "/opened-7-3", "nonsense");
  cluster_.restart(1);
  ASSERT_TRUE(converge());
  EXPECT_EQ(mode(1, "d"), 0555u);
  EXPECT_THAT(staged(1), ElementsAre());
  expect_the_same();
  EXPECT_EQ(folder(1).knowledge().of(folder(1).replica()), dots) << "the mode between is nobody's change";
}

// As one that is killed leaves it.
TEST_F(FolderModesTest, AWorkThatIsCutShortLeavesANoteOfWhatItHasOpened) {
  const std::size_t host = add_host();
  write(host, "d/e/x", "x");
  for (const char* path : {"d", "d/e"}) set(host, path, 0555, std::nullopt);
  ASSERT_TRUE(disk(host).make_directories(in_root(sync::kStagingDirectory)));
  MemoryFolders folders(disk(host), [](const FolderEvent&) {});
  const auto opened_folder = folders.open(Id{}, "/" + kFolderRoot);
  ASSERT_TRUE(opened_folder);
  {
    sync::OpenedDirectories opened(**opened_folder, 7, true);
    opened.open("d");
    opened.open("d/e");
    EXPECT_EQ(mode(host, "d/e"), 0755u);
  }
  EXPECT_THAT(staged(host), testing::SizeIs(2));
  sync::SetUpWork set_up(*opened_folder, true);
  set_up.began = WallTime{};
  set_up.run();
  EXPECT_EQ(mode(host, "d"), 0555u);
  EXPECT_EQ(mode(host, "d/e"), 0555u);
  EXPECT_THAT(staged(host), ElementsAre());
}

}  // namespace
}  // namespace shoal
