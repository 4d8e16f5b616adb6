// What a folder puts into its trash, and for how long it stays there.
#include <gmock/gmock.h>

#include "tests/unit/sync/folder_cluster.h"

namespace shoal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class FolderTrashTest : public FolderCluster {
 protected:
  void share_among_two(Duration lifetime) {
    NodeConfig config;
    config.folder_trash_lifetime = lifetime;
    for (std::size_t host = 0; host < 2; ++host) {
      add_host(config);
      share(host);
    }
    ASSERT_TRUE(converge());
  }
  void link(std::size_t host, const std::string& path, const std::string& target) {
    ASSERT_TRUE(disk(host).make_link(in_root(path), target));
  }
  std::string restore(std::size_t host, const std::string& path) {
    const CommandResult result = command(host, Verb::kRestore, path);
    return result ? std::get<RestoreResult>(*result).path : result.error().message;
  }
  void jump(std::size_t host, Duration by) { cluster_.network().jump_wall_time(cluster_.index(host), by); }
};

// ---- What goes there

TEST_F(FolderTrashTest, LinksThatAPeerDeletesOrOverwritesComeBack) {
  share_among(2);
  link(0, "deleted", "to/a");
  link(0, "retargeted", "to/b");
  link(0, "becomes a file", "to/c");
  link(0, "becomes a directory", "to/d");
  write(0, "becomes a link", "a file");
  ASSERT_TRUE(converge());
  for (const char* path :
       {"deleted", "retargeted", "becomes a file", "becomes a directory", "becomes a link"}) {
    remove(0, path);
  }
  link(0, "retargeted", "to/new");
  write(0, "becomes a file", "now a file");
  ASSERT_TRUE(disk(0).make_directories(in_root("becomes a directory")));
  link(0, "becomes a link", "to/e");
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_EQ(restore(1, "deleted"), "deleted");
  EXPECT_EQ(stat(1, "deleted").link_target, "to/a");
  EXPECT_EQ(restore(1, "retargeted"), "retargeted (restored)");
  EXPECT_EQ(stat(1, "retargeted (restored)").link_target, "to/b");
  EXPECT_EQ(restore(1, "becomes a file"), "becomes a file (restored)");
  EXPECT_EQ(stat(1, "becomes a file (restored)").link_target, "to/c");
  EXPECT_EQ(restore(1, "becomes a directory"), "becomes a directory (restored)");
  EXPECT_EQ(stat(1, "becomes a directory (restored)").link_target, "to/d");
  EXPECT_EQ(restore(1, "becomes a link"), "becomes a link (restored)");
  EXPECT_EQ(read(1, "becomes a link (restored)"), "a file");
  ASSERT_TRUE(converge());
  expect_the_same();
}

TEST_F(FolderTrashTest, DirectoriesThatAPeerDeletesComeBackWithTheirModes) {
  share_among(2);
  write(0, "d/e/f", "f");
  ASSERT_TRUE(disk(0).make_directories(in_root("empty")));
  set(0, "d", 0750, std::nullopt);
  set(0, "d/e", 0700, std::nullopt);
  set(0, "empty", 0711, std::nullopt);
  ASSERT_TRUE(converge());
  const Contents before = contents(1);
  remove(0, "d");
  remove(0, "empty");
  ASSERT_TRUE(converge());
  ASSERT_THAT(paths(1), IsEmpty());
  EXPECT_EQ(restore(1, "d"), "d");
  EXPECT_EQ(restore(1, "empty"), "empty");
  EXPECT_EQ(contents(1), before);
  ASSERT_TRUE(converge());
  expect_the_same();
}

// ---- For how long

TEST_F(FolderTrashTest, ADateThatJumpsEmptiesNoTrash) {
  for (const Duration by : {Duration(24h * 40), Duration(-24h * 40), Duration(24h * 365 * 60)}) {
    SCOPED_TRACE(to_seconds(by));
    NodeConfig config;
    config.folder_trash_lifetime = 2h;
    const std::size_t a = add_host(config), b = add_host(config);
    share(a);
    share(b);
    ASSERT_TRUE(converge());
    write(a, "gone", "deleted by a");
    ASSERT_TRUE(converge());
    jump(b, by);
    remove(a, "gone");
    ASSERT_TRUE(converge());
    cluster_.advance(20min);
    write(a, "other", "x");
    cluster_.advance(20min);
    EXPECT_THAT(trash(b), ElementsAre("deleted by a")) << "while the date is wrong";
    jump(b, -by);
    cluster_.advance(40min);
    EXPECT_THAT(trash(b), ElementsAre("deleted by a")) << "and afterwards";
    cluster_.advance(80min);
    EXPECT_THAT(trash(b), IsEmpty()) << "its time is over";
    for (const std::size_t host : {a, b}) {
      (void)command(host, Verb::kRemove);
      cluster_.crash(host);
    }
  }
}

TEST_F(FolderTrashTest, AWrongDateAtTheStartEmptiesNoTrash) {
  share_among_two(2h);
  write(0, "gone", "deleted by a");
  ASSERT_TRUE(converge());
  remove(0, "gone");
  ASSERT_TRUE(converge());
  cluster_.advance(20min);
  for (const Duration by : {Duration(24h * 40), Duration(-24h * 40)}) {
    cluster_.crash(1);
    jump(1, by);
    cluster_.restart(1);
    cluster_.advance(10min);
    cluster_.crash(1);
    jump(1, -by);
    cluster_.restart(1);
    cluster_.advance(10min);
    EXPECT_THAT(trash(1), ElementsAre("deleted by a"));
  }
  cluster_.advance(2h);
  EXPECT_THAT(trash(1), IsEmpty());
}

TEST_F(FolderTrashTest, TheTimeForWhichAHostWasOffCountsSlowly) {
  share_among_two(8h);
  write(0, "gone", "deleted by a");
  ASSERT_TRUE(converge());
  remove(0, "gone");
  ASSERT_TRUE(converge());
  for (int times = 1; times <= 5; ++times) {
    cluster_.crash(1);
    cluster_.advance(24h);
    cluster_.restart(1);
    cluster_.advance(1min);
    if (times < 4) {
      EXPECT_THAT(trash(1), ElementsAre("deleted by a")) << times;
    }
    cluster_.advance(1h);
  }
  EXPECT_THAT(trash(1), IsEmpty()) << "each time two hours of it, and one that it ran";
}

}  // namespace
}  // namespace shoal
