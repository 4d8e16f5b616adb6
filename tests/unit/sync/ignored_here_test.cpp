// What one host ignores is none of its business: it is not fetched, not waited for, not touched and not told.
#include <gmock/gmock.h>

#include "tests/unit/sync/folder_cluster.h"

namespace shoal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

class IgnoredHereTest : public FolderCluster {
 protected:
  // Replaces the host's own list.
  void ignore(std::size_t host, const std::string& patterns) {
    write(host, ".shoal/ignore", patterns);
    cluster_.advance(2s);
  }
  void expect_in_sync(std::size_t host) {
    ASSERT_TRUE(converge());
    EXPECT_EQ(status(host).state, State::kInSync);
    EXPECT_EQ(status(host).files_needed, 0u);
    EXPECT_EQ(status(host).bytes_needed, 0u);
  }
  std::string next_step(std::size_t host, const std::string& path) {
    bool more = false;
    for (const FolderPathStatus& each : folder(host).path_status({}, kFolderRowsMax, more)) {
      if (each.path == path) return each.next_step;
    }
    return {};
  }
};

TEST_F(IgnoredHereTest, WhatAPeerPutsThereIsNotFetched) {
  share_among(2);
  ignore(1, "/cache\n*.tmp\n");
  write(0, "cache/big", random_bytes(3'000'000));
  write(0, "z.tmp", random_bytes(100'000));
  write(0, "d/y.tmp", "y");
  write(0, "ok", "ok");
  expect_in_sync(1);
  EXPECT_THAT(paths(1), ElementsAre("d", "ok"));
  EXPECT_EQ(counters(1).part_bytes_fetched, 2u);
  EXPECT_THAT(causes(1), IsEmpty());
  bool more = false;
  const auto told = folder(1).path_status("z.tmp", kFolderRowsMax, more);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told.front().cause, "ignored") << "who asks for it is told";
  cluster_.restart(1);
  expect_in_sync(1);
}

TEST_F(IgnoredHereTest, AFetchThatIsUnderWayEnds) {
  share_among(2);
  cluster_.disk(1).work_time = 50ms;
  write(0, "large", random_bytes(16 << 20));
  ASSERT_TRUE(cluster_.network().run_until([&] { return counters(1).part_bytes_fetched > (1 << 20); }, 60s));
  ignore(1, "large\n");
  expect_in_sync(1);
  EXPECT_LT(counters(1).part_bytes_fetched, 12u << 20);
  EXPECT_THAT(paths(1), IsEmpty());
}

TEST_F(IgnoredHereTest, WhatIsNotIgnoredAnyLongerComes) {
  share_among(2);
  ignore(1, "*.tmp\n/cache\n");
  write(0, "a.tmp", "a");
  write(0, "cache/d/b", "b");
  expect_in_sync(1);
  ignore(1, "");
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_EQ(read(1, "cache/d/b"), "b");
}

TEST_F(IgnoredHereTest, WhatIsIgnoredLaterStaysAndIsLeftAlone) {
  share_among(2);
  write(0, "a.tmp", "first");
  write(0, "cache/b", "first");
  ASSERT_TRUE(converge());
  ignore(1, "*.tmp\n/cache\n");
  expect_in_sync(1);
  EXPECT_THAT(paths(0), ElementsAre("a.tmp", "cache", "cache/b"));
  write(0, "a.tmp", "edited by the peer");
  remove(0, "cache");
  expect_in_sync(1);
  EXPECT_EQ(read(1, "a.tmp"), "first");
  EXPECT_EQ(read(1, "cache/b"), "first");
  ignore(1, "");
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_EQ(read(1, "a.tmp"), "edited by the peer");
  EXPECT_THAT(paths(1), ElementsAre("a.tmp"));
  EXPECT_THAT(trash(1), UnorderedElementsAre("first", "first"));
  EXPECT_THAT(folder(1).conflicts().conflicts, IsEmpty());
}

TEST_F(IgnoredHereTest, WhatIsDeletedWhileItIsIgnoredStaysAtPeersAndComesBack) {
  share_among(2);
  write(0, "a.tmp", "a");
  write(0, "cache/d/b", "b");
  ASSERT_TRUE(converge());
  ignore(1, "*.tmp\n/cache\n");
  remove(1, "a.tmp");
  remove(1, "cache");
  expect_in_sync(1);
  EXPECT_THAT(paths(0), ElementsAre("a.tmp", "cache", "cache/d", "cache/d/b"));
  ignore(1, "");
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_EQ(read(1, "cache/d/b"), "b");
}

TEST_F(IgnoredHereTest, ADirectoryThatIsDeletedWithIgnoredFilesInItStaysAtPeersWithThese) {
  share_among(2);
  write(0, "d/a.c", "source");
  write(0, "d/a.o", "object");
  ASSERT_TRUE(converge());
  ignore(1, "*.o\n");
  remove(1, "d");
  expect_in_sync(1);
  EXPECT_THAT(paths(0), ElementsAre("d", "d/a.o"));
}

TEST_F(IgnoredHereTest, WhatIsEditedWhileItIsIgnoredIsToldLater) {
  share_among(2);
  write(0, "a.tmp", "first");
  ASSERT_TRUE(converge());
  ignore(1, "*.tmp\n");
  write(1, "a.tmp", "edited here");
  expect_in_sync(1);
  EXPECT_EQ(read(0, "a.tmp"), "first");
  ignore(1, "");
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_EQ(read(0, "a.tmp"), "edited here");
}

TEST_F(IgnoredHereTest, AMoveToAnIgnoredNameGoesToTheTrashAndAMoveBackComes) {
  share_among(2);
  ignore(1, "*.tmp\n/cache\n");
  write(0, "a", "a");
  write(0, "d/e/b", "b");
  expect_in_sync(1);
  rename(0, "a", "a.tmp");
  rename(0, "d", "cache");
  expect_in_sync(1);
  EXPECT_THAT(paths(1), IsEmpty());
  EXPECT_THAT(trash(1), UnorderedElementsAre("a", "b"));
  rename(0, "a.tmp", "a2");
  rename(0, "cache", "d2");
  expect_in_sync(1);
  expect_the_same();
  EXPECT_THAT(paths(1), ElementsAre("a2", "d2", "d2/e", "d2/e/b"));
}

TEST_F(IgnoredHereTest, AMoveOfADirectoryThatMakesAPatternMatchBelowIsFollowed) {
  share_among(2);
  ignore(1, "/cache/**/*.o\n");
  write(0, "d/e/b.o", "b");
  write(0, "d/e/b.c", "c");
  expect_in_sync(1);
  rename(0, "d", "cache");
  expect_in_sync(1);
  EXPECT_THAT(paths(1), ElementsAre("cache", "cache/e", "cache/e/b.c"));
  rename(0, "cache", "d");
  expect_in_sync(1);
  expect_the_same();
}

// It is known from before it was ignored, and may have been edited since.
TEST_F(IgnoredHereTest, AMoveFromAnIgnoredNameLeavesWhatLiesThere) {
  share_among(2);
  write(0, "a.tmp", "first");
  ASSERT_TRUE(converge());
  ignore(1, "*.tmp\n");
  write(1, "a.tmp", "mine");
  expect_in_sync(1);
  rename(0, "a.tmp", "a");
  expect_in_sync(1);
  EXPECT_EQ(read(1, "a"), "first");
  EXPECT_EQ(read(1, "a.tmp"), "mine");
}

TEST_F(IgnoredHereTest, ADeletedDirectoryStaysForWhatIsIgnoredInIt) {
  share_among(2);
  ignore(1, "*.o\n");
  write(0, "proj/src/a.c", "int a;");
  ASSERT_TRUE(converge());
  write(1, "proj/src/a.o", "object");
  ASSERT_TRUE(converge());
  remove(0, "proj");
  expect_in_sync(1);
  EXPECT_THAT(paths(0), IsEmpty());
  EXPECT_THAT(paths(1), ElementsAre("proj", "proj/src", "proj/src/a.o"));
  EXPECT_THAT(causes(1), ElementsAre(Pair("proj", "holds_ignored"), Pair("proj/src", "holds_ignored")));
  EXPECT_THAT(next_step(1, "proj/src"), HasSubstr("proj/src/a.o"));
  const std::uint64_t scans = counters(1).scans_started;
  cluster_.advance(60s);
  EXPECT_EQ(counters(1).scans_started, scans) << "nobody looks again and again";
  cluster_.restart(1);
  expect_in_sync(1);
  EXPECT_THAT(causes(1), ElementsAre(Pair("proj", "holds_ignored"), Pair("proj/src", "holds_ignored")));
  remove(1, "proj/src/a.o");
  ASSERT_TRUE(converge());
  EXPECT_THAT(paths(1), IsEmpty()) << "nothing keeps it any longer";
  EXPECT_THAT(causes(1), IsEmpty());
}

TEST_F(IgnoredHereTest, WhatKeptADeletedDirectoryBringsItBackOnceItIsNotIgnored) {
  share_among(2);
  ignore(1, "*.o\n");
  write(0, "proj/a.c", "int a;");
  ASSERT_TRUE(converge());
  write(1, "proj/a.o", "object");
  ASSERT_TRUE(converge());
  remove(0, "proj");
  expect_in_sync(1);
  ignore(1, "");
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_THAT(paths(0), ElementsAre("proj", "proj/a.o"));
}

TEST_F(IgnoredHereTest, AFileInThePlaceOfAKeptDirectoryWaitsAndSaysSo) {
  share_among(2);
  ignore(1, "*.o\n");
  write(0, "proj/a.c", "int a;");
  ASSERT_TRUE(converge());
  write(1, "proj/a.o", "object");
  ASSERT_TRUE(converge());
  remove(0, "proj");
  write(0, "proj", "a file now");
  cluster_.advance(30s);
  EXPECT_EQ(read(1, "proj/a.o"), "object");
  EXPECT_EQ(causes(1).at("proj"), "blocked") << describe();
  remove(1, "proj/a.o");
  ASSERT_TRUE(converge());
  expect_the_same();
}

TEST_F(IgnoredHereTest, APipeInADeletedDirectoryKeepsItToo) {
  share_among(2);
  write(0, "d/a", "a");
  ASSERT_TRUE(converge());
  ASSERT_TRUE(disk(1).make_other(in_root("d/pipe")));
  ASSERT_TRUE(converge());
  remove(0, "d");
  expect_in_sync(1);
  EXPECT_THAT(paths(1), ElementsAre("d", "d/pipe"));
  EXPECT_THAT(next_step(1, "d"), HasSubstr("d/pipe"));
}

}  // namespace
}  // namespace shoal
