// What a folder does on a disk that is nearly full, and what it leaves in staging.
#include <gmock/gmock.h>

#include "tests/unit/sync/folder_cluster.h"

namespace shoal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

class FolderRoomTest : public FolderCluster {
 protected:
  static constexpr std::uint64_t kDiskBytes = 4 << 20;

  void share_among_two_with_a_small_disk() {
    share_among(2);
    disk(1).capacity_bytes = kDiskBytes;
  }
  // Lets time pass, and holds the floor of the small disk.
  void pass(Duration time) {
    for (Duration passed{}; passed < time; passed += 100ms) {
      cluster_.advance(100ms);
      ASSERT_GE(disk(1).free_bytes(), kDiskBytes / 16);
    }
  }
  std::vector<std::string> staged(std::size_t host) {
    std::vector<std::string> found;
    for (const std::string& path : disk(host).paths()) {
      if (path.starts_with(in_root(sync::kPartsPrefix))) found.push_back(path);
    }
    return found;
  }
  std::vector<FolderStop> stops(std::size_t host) { return cluster_.node(host).sync()->stopped(); }
  std::uint64_t allocated(std::size_t host, const std::string& path) {
    return disk(host).allocated_bytes(disk(host).find(MemoryDisk::kRoot, in_root(path), "look at").value());
  }
  bool fetched(std::size_t host, std::uint64_t bytes) {
    return cluster_.network().run_until([&] { return counters(host).part_bytes_fetched > bytes; }, 60s);
  }
};

TEST_F(FolderRoomTest, WhatDoesNotFitWaitsForRoomAndAllElseArrives) {
  share_among_two_with_a_small_disk();
  write(0, "x", "1");
  write(0, "too large", random_bytes(8 << 20));
  write(0, "large", random_bytes(1 << 20));
  pass(20s);
  EXPECT_THAT(paths(1), UnorderedElementsAre("x", "large"));
  EXPECT_THAT(causes(1), ElementsAre(Pair("too large", "disk_full")));
  EXPECT_EQ(status(1).state, State::kWaiting);
  EXPECT_EQ(status(1).reason, "disk_full");
  EXPECT_LT(counters(1).part_bytes_fetched, 2u << 20) << "nothing of it is fetched";
  ASSERT_THAT(stops(1), testing::SizeIs(1)) << "the log tells it";
  EXPECT_EQ(stops(1).front().reason, "disk_full");
  write(0, "x", "2");
  remove(0, "large");
  write(1, "y", "from there");
  pass(10s);
  EXPECT_EQ(read(1, "x"), "2");
  EXPECT_EQ(read(0, "y"), "from there");
  EXPECT_FALSE(paths(1).contains("large"));
  disk(1).capacity_bytes = 64 << 20;
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_THAT(stops(1), IsEmpty());
}

TEST_F(FolderRoomTest, FilesThatDoNotFitTogetherDoNotTakeTheSameRoom) {
  share_among_two_with_a_small_disk();
  for (int i = 0; i < 3; ++i) write(0, "large " + std::to_string(i), random_bytes(3 << 19));
  for (int i = 0; i < 40; ++i) write(0, "small " + std::to_string(i), random_bytes(60'000));
  pass(30s);
  EXPECT_FALSE(causes(1).empty());
  for (const auto& [path, cause] : causes(1)) EXPECT_EQ(cause, "disk_full") << path;
  disk(1).capacity_bytes = 64 << 20;
  ASSERT_TRUE(converge());
  expect_the_same();
}

TEST_F(FolderRoomTest, WhatWaitsForRoomMayBeDeletedOrReplaced) {
  share_among_two_with_a_small_disk();
  write(0, "a", random_bytes(8 << 20));
  write(0, "b", random_bytes(8 << 20));
  pass(10s);
  remove(0, "a");
  write(0, "b", "small now");
  ASSERT_TRUE(converge());
  expect_the_same();
}

TEST_F(FolderRoomTest, ADiskThatRefusesThoughItSaysThatThereIsRoomHoldsUpThatFileOnly) {
  share_among(2);
  disk(1).quota_bytes = 1 << 20;
  write(0, "large", random_bytes(4 << 20));
  cluster_.advance(10s);
  write(0, "x", "x");
  cluster_.advance(10s);
  EXPECT_EQ(causes(1)["large"], "disk_full");
  EXPECT_THAT(staged(1), testing::SizeIs(1)) << "what has come is kept";
  disk(1).quota_bytes = 64 << 20;
  const std::uint64_t before = counters(1).part_bytes_fetched;
  ASSERT_TRUE(converge(180s));
  expect_the_same();
  EXPECT_LT(counters(1).part_bytes_fetched - before, (3u << 20) + (3u << 18));
}

// ---- Holes

TEST_F(FolderRoomTest, HolesStayHoles) {
  share_among(2);
  Bytes image(32 << 20);
  const Bytes data = random_bytes(100'000);
  std::ranges::copy(data, image.begin() + 12'345'678);
  write(0, "image", image);
  disk(1).capacity_bytes = 2 << 20;
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_LT(allocated(1, "image"), 300'000u);
  EXPECT_LT(counters(1).part_bytes_fetched, 400'000u) << "zeros need not be sent";
  write(0, "copy", image);
  ASSERT_TRUE(converge());
  EXPECT_LT(allocated(1, "copy"), 300'000u) << "copied from the other";
  std::fill_n(image.begin() + 12'345'678, 100'000, std::uint8_t{0});
  image[5'000'000] = 1;
  write(0, "image", image);
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_LT(allocated(1, "image"), 100'000u);
}

// ---- What is left in staging

TEST_F(FolderRoomTest, AKillInTheMiddleCostsLessThanAMebibyte) {
  share_among(2);
  const std::uint64_t bytes = 24 << 20;
  write(0, "large", random_bytes(bytes));
  ASSERT_TRUE(fetched(1, bytes * 45 / 100));
  cluster_.crash(1);
  cluster_.advance(1s);
  cluster_.restart(1);
  ASSERT_TRUE(converge(180s));
  expect_the_same();
  EXPECT_LE(counters(0).part_bytes_served, bytes + (1u << 20));
  EXPECT_EQ(counters(1).pages_fetched, 0u) << "the list of parts was kept";
  EXPECT_THAT(staged(1), IsEmpty());
}

TEST_F(FolderRoomTest, WhatIsReplacedWhileItIsFetchedLeavesNothingInStaging) {
  share_among(2);
  write(0, "large", random_bytes(4 << 20));
  ASSERT_TRUE(fetched(1, 1 << 20));
  write(0, "large", random_bytes(1 << 20));
  ASSERT_TRUE(converge());
  EXPECT_THAT(staged(1), IsEmpty());
  write(0, "large", random_bytes(4 << 20));
  ASSERT_TRUE(fetched(1, 3 << 20));
  cluster_.crash(1);
  write(0, "large", "small now");
  cluster_.advance(10s);
  ASSERT_THAT(staged(1), testing::SizeIs(1));
  cluster_.restart(1);
  ASSERT_TRUE(converge());
  expect_the_same();
  cluster_.advance(6min);  // the next comparison with a peer
  EXPECT_THAT(staged(1), IsEmpty());
}

TEST_F(FolderRoomTest, WhatIsRenamedWhileItIsFetchedGoesOnWhereItWas) {
  share_among(2);
  const std::uint64_t bytes = 4 << 20;
  write(0, "large", random_bytes(bytes));
  ASSERT_TRUE(fetched(1, bytes / 2));
  rename(0, "large", "renamed");
  ASSERT_TRUE(converge());
  expect_the_same();
  EXPECT_LE(counters(1).part_bytes_fetched, bytes + (1u << 20));
}

}  // namespace
}  // namespace shoal
