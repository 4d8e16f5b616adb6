// Disks that lose power, and calls that fail, under whole nodes that keep a folder: everything comes to the
// same in the end, and no content that a person had on a disk is lost.
#include <gmock/gmock.h>

#include "tests/unit/sync/folder_cluster.h"

namespace shoal {
namespace {

class CrashTest : public FolderCluster, public testing::WithParamInterface<std::uint64_t> {
 protected:
  CrashTest() : FolderCluster(GetParam()) {}

  // Everything that lies on the disks, in the folder or in its trash.
  std::multiset<std::string> everything() {
    std::multiset<std::string> all;
    for (const std::size_t host : keepers()) {
      for (const std::string& path : disk(host).paths()) {
        if (!path.starts_with(kFolderRoot + "/") || path.starts_with(in_root(".shoal/staging/"))) continue;
        if (const auto bytes = disk(host).read_file(path)) all.emplace(bytes->begin(), bytes->end());
      }
    }
    return all;
  }
  std::string name() {
    const std::string directory =
        rng_.below(2) == 0 ? std::string() : "d" + std::to_string(rng_.below(3)) + "/";
    return directory + "f" + std::to_string(rng_.below(6));
  }
  // One thing that a person does.
  void act(std::size_t host) {
    const std::string path = name();
    const std::string other = name();
    switch (rng_.below(5)) {
      case 0:
      case 1: {
        const std::string text =
            "content " + std::to_string(++written_) + std::string(rng_.below(70'000), 'x');
        if (disk(host).write_file(in_root(path), bytes_of(text))) texts_.insert(text);
        break;
      }
      case 2:
        (void)disk(host).make_directories(in_root(path.substr(0, path.find('/'))));
        break;
      case 3:
        (void)disk(host).rename(in_root(path), in_root(other));
        break;
      case 4:
        (void)disk(host).remove_tree(in_root(path));
        break;
    }
  }

  std::uint64_t written_ = 0;
  std::set<std::string> texts_;
  std::set<std::string> replaced_;
};

TEST_P(CrashTest, HostsThatLosePowerComeToTheSame) {
  share_among(2);
  for (int round = 0; round < 6; ++round) {
    for (std::uint64_t i = 0, count = 1 + rng_.below(6); i < count; ++i) {
      act(rng_.below(2));
      cluster_.advance(rng_.below(300) * 1ms);
    }
    for (const std::size_t host : {0, 1}) disk(host).sync_all();
    cluster_.advance(rng_.below(60) * 1ms);
    const std::size_t victim = rng_.below(2);
    cluster_.lose_power(victim,
                        rng_.below(2) == 0 ? MemoryDisk::CrashOrder::kJournal : MemoryDisk::CrashOrder::kAny);
    cluster_.advance(rng_.below(3000) * 1ms);
    cluster_.restart(victim);
  }
  ASSERT_TRUE(converge(300s));
  expect_the_same();
}

// Only one host has a person, and he only writes new files; the other loses power while it takes them. What
// the person has written is in both folders in the end.
TEST_P(CrashTest, AHostThatLosesPowerWhileItTakesFilesLosesNone) {
  share_among(2);
  std::map<std::string, std::string> written;
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 4; ++i) {
      const std::string path = "d" + std::to_string(round % 3) + "/f" + std::to_string(rng_.below(9));
      const std::string text =
          "content " + std::to_string(++written_) + std::string(rng_.below(200'000), 'y');
      write(0, path, text);
      written[path] = text;
    }
    cluster_.advance(20ms + rng_.below(250) * 1ms);
    cluster_.lose_power(1);
    cluster_.advance(1s);
    cluster_.restart(1);
    cluster_.advance(rng_.below(5) * 1s);
  }
  ASSERT_TRUE(converge(300s));
  expect_the_same();
  for (const auto& [path, text] : written) EXPECT_EQ(read(0, path), text) << path;
  EXPECT_TRUE(folder(0).conflicts().conflicts.empty());
}

// The process dies, and not the machine: what was on the disk stays there.
TEST_P(CrashTest, NothingIsLostWhenNodesDieAtAnyMoment) {
  share_among(2);
  for (int round = 0; round < 8; ++round) {
    for (int i = 0; i < 4; ++i) {
      // Edits, by renames over the old file and in place, of files that the other host edits too.
      const std::size_t host = rng_.below(2);
      const std::string path = "f" + std::to_string(rng_.below(4));
      const auto before = disk(host).read_file(in_root(path));
      if (before) replaced_.insert(std::string(before->begin(), before->end()));
      const std::string text = "content " + std::to_string(++written_);
      write(host, path, text);
      texts_.insert(text);
      cluster_.advance(rng_.below(120) * 1ms);
    }
    const std::size_t victim = rng_.below(2);
    cluster_.restart(victim);
  }
  ASSERT_TRUE(converge(300s));
  expect_the_same();
  const std::multiset<std::string> all = everything();
  for (const std::string& text : texts_) {
    EXPECT_TRUE(replaced_.contains(text) || all.contains(text)) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, CrashTest, testing::Range<std::uint64_t>(1, 52));

// ---- The n-th call fails, for every n

class FailingCallTest : public FolderCluster {};

TEST_F(FailingCallTest, WhicheverCallOfAFolderFailsItGoesOn) {
  share_among(2);
  write(0, "edited", "before");
  write(0, "removed", "goes");
  write(0, "moved", "moves");
  write(0, "d/x", "x");
  ASSERT_TRUE(converge());
  bool has_failed = true;
  for (std::uint64_t n = 1; has_failed && n < 200; n += 3) {
    SCOPED_TRACE(n);
    const std::string text = std::to_string(n);
    const std::uint64_t calls = disk(1).calls();
    disk(1).fail_call(n);
    write(0, "edited", text);
    write(0, "new" + text, std::string(80'000, 'z') + text);
    rename(0, n % 2 == 1 ? "moved" : "moved2", n % 2 == 1 ? "moved2" : "moved");
    remove(0, n == 1 ? "removed" : "new" + std::to_string(n - 3));
    ASSERT_TRUE(converge(300s));
    has_failed = disk(1).calls() >= calls + n;
    ASSERT_EQ(contents(1), contents(0));
  }
  EXPECT_FALSE(has_failed) << "more calls than the test goes through";
  expect_the_same();
}

}  // namespace
}  // namespace shoal
