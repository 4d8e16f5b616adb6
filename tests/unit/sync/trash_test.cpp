#include "node/sync/trash.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/base/bytes.h"
#include "node/store/memory_folder.h"
#include "node/sync/tree.h"

namespace shoal::sync {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class TrashTest : public testing::Test {
 protected:
  static std::int64_t lived(int minute) { return minute * 60'000; }
  static WallTime at(int minute) { return WallTime(std::chrono::hours(24 * 365 * 56) + minute * 1min); }
  void write(const std::string& path, std::string_view text) {
    ASSERT_TRUE(disk_.write_file(path, Bytes(text.begin(), text.end())));
  }
  // Displaced then, and what it was.
  void displaced(int minute, const std::string& path, std::string_view text) {
    write(directory(minute) + "/" + path, text);
  }
  std::string directory(int minute) {
    return ".shoal/trash/" + trash_name(at(minute), ++number_, lived(minute));
  }
  TrashWork& expire(int minute, std::chrono::minutes lifetime) {
    work_ = std::make_unique<TrashWork>(folder_, TrashWork::Task::kExpire);
    work_->clock = {lived(minute), 0};
    work_->lifetime = lifetime;
    work_->run();
    return *work_;
  }
  std::uint32_t mode(const std::string& path) {
    return disk_.stat(disk_.find(MemoryDisk::kRoot, path, "look at").value()).mode;
  }
  std::string read(const std::string& path) {
    const auto bytes = disk_.read_file(path);
    return bytes ? std::string(bytes->begin(), bytes->end()) : "(none)";
  }
  TrashWork& run(TrashWork::Task task, const std::string& path = {}, std::optional<WallTime> when = {}) {
    work_ = std::make_unique<TrashWork>(folder_, task);
    work_->path = path;
    work_->at = when;
    work_->run();
    return *work_;
  }
  // Where it is now; or why not.
  std::string restore(const std::string& path, std::optional<WallTime> when = {}) {
    TrashWork& work = run(TrashWork::Task::kRestore, path, when);
    return work.outcome ? work.restored_to : work.outcome.error().message;
  }

  MemoryDisk disk_;
  MemoryFolders folders_{disk_, [](const FolderEvent&) {}};
  std::shared_ptr<Folder> folder_ = *folders_.open(Id{}, "/");
  std::unique_ptr<TrashWork> work_;
  std::uint64_t number_ = 0;
};

TEST_F(TrashTest, NamesSayWhen) {
  const std::string name = trash_name(at(7) + 123ms, 42, 5000);
  EXPECT_EQ(trash_time(name), at(7) + 123ms);
  EXPECT_EQ(trash_lived_ms(name), 5000);
  EXPECT_EQ(trash_lived_ms("20261128T113207.123Z-17"), std::nullopt) << "of an earlier version";
  EXPECT_EQ(trash_lived_ms("20261128T113207.123Z-17-99999999999999999"), std::nullopt) << "not of ours";
  for (const char* no :
       {"", "x", "20261328T113207.123Z-17", "20260230T113207.123Z-17", "2026x128T113207.123Z-17"}) {
    EXPECT_FALSE(trash_time(no)) << no;
  }
}

TEST_F(TrashTest, AFileComesBackAsItWasLast) {
  displaced(1, "d/f", "first");
  displaced(2, "d/f", "second");
  EXPECT_EQ(restore("d/f"), "d/f");
  EXPECT_EQ(read("d/f"), "second");
  EXPECT_EQ(work_->restored_files, 1u);
}

TEST_F(TrashTest, OrAsItWasAtATime) {
  displaced(10, "f", "until ten past");
  displaced(20, "f", "until twenty past");
  write("f", "now");
  EXPECT_EQ(restore("f", at(15)), "f (restored)");
  EXPECT_EQ(read("f (restored)"), "until twenty past");
  EXPECT_EQ(restore("f", at(5)), "f (restored 2)");
  EXPECT_EQ(read("f (restored 2)"), "until ten past");
  EXPECT_EQ(restore("f", at(25)), "the trash has no f of that time");
  EXPECT_EQ(read("f"), "now");
}

TEST_F(TrashTest, WhatLiesThereStays) {
  displaced(1, "d.x/a.tar.gz", "old");
  write("d.x/a.tar.gz", "new");
  EXPECT_EQ(restore("d.x/a.tar.gz"), "d.x/a.tar (restored).gz");
  displaced(1, "d.x/.hidden", "old");
  write("d.x/.hidden", "new");
  EXPECT_EQ(restore("d.x/.hidden"), "d.x/.hidden (restored)");
  EXPECT_EQ(read("d.x/.hidden"), "new");
}

TEST_F(TrashTest, ADirectoryComesBackWithWhatIsMissingInIt) {
  displaced(1, "d/a", "a, long ago");
  displaced(2, "d/a", "a");
  displaced(2, "d/e/b", "b");
  displaced(3, "d/e/c", "c, overwritten");
  write("d/e/c", "c");
  displaced(3, "dd/x", "of another");
  EXPECT_EQ(restore("d"), "d");
  EXPECT_EQ(work_->restored_files, 2u);
  EXPECT_EQ(read("d/a"), "a");
  EXPECT_EQ(read("d/e/b"), "b");
  EXPECT_EQ(read("d/e/c"), "c");
  EXPECT_EQ(read("dd/x"), "(none)");
  for (const std::string& path : disk_.paths()) EXPECT_THAT(path, Not(HasSubstr("(restored")));
  EXPECT_EQ(restore("d"), "the trash has no d") << "nothing of it is missing now";
}

TEST_F(TrashTest, OrADirectoryAsItWasAtATime) {
  displaced(10, "d/a", "a until ten past");
  displaced(20, "d/a", "a until twenty past");
  displaced(30, "d/b", "b until half past");
  write("d/b", "b now");
  EXPECT_EQ(restore("d", at(15)), "d");
  EXPECT_EQ(read("d/a"), "a until twenty past");
  EXPECT_EQ(read("d/b"), "b now");
  EXPECT_EQ(read("d/b (restored)"), "b until half past");
}

TEST_F(TrashTest, SaysWhenItHasNothing) {
  EXPECT_EQ(restore("f"), "the trash has no f") << "there is none yet";
  displaced(1, "g", "g");
  EXPECT_EQ(restore("f"), "the trash has no f");
}

TEST_F(TrashTest, ListsWhatItHasNewestFirstAndForgetsWhatIsTooOld) {
  displaced(1, "a", "1");
  displaced(3, "d/b", "333");
  displaced(2, "c", "22");
  run(TrashWork::Task::kList);
  std::vector<std::string> found;
  for (const auto& each : work_->found) found.push_back(each.path + " " + std::to_string(each.bytes));
  EXPECT_THAT(found, ElementsAre("d/b 3", "c 2", "a 1"));
  EXPECT_TRUE(expire(4, 2min).outcome);
  EXPECT_EQ(restore("a"), "the trash has no a");
  EXPECT_EQ(restore("d/b"), "d/b");
}

TEST_F(TrashTest, AgeAndOrderGoByTheCountAndNotByTheDate) {
  write(".shoal/trash/" + trash_name(at(90), 1, lived(1)) + "/f", "first, on a day in the future");
  write(".shoal/trash/" + trash_name(at(5), 2, lived(2)) + "/f", "second");
  EXPECT_TRUE(expire(3, 2min).outcome);
  EXPECT_EQ(restore("f"), "f");
  EXPECT_EQ(read("f"), "second");
  EXPECT_EQ(restore("f"), "the trash has no f");
}

TEST_F(TrashTest, WhatAnEarlierVersionHasPutThereIsCountedFromNowOn) {
  write(".shoal/trash/20200101T000000.000Z-5/f", "old");
  EXPECT_TRUE(expire(10, 2min).outcome);
  EXPECT_TRUE(expire(11, 2min).outcome);
  EXPECT_EQ(read(".shoal/trash/20200101T000000.000Z-5-600000/f"), "old");
  EXPECT_TRUE(expire(12, 2min).outcome);
  EXPECT_EQ(restore("f"), "the trash has no f");
}

TEST_F(TrashTest, KeepsTheCountWhileItHoldsAnything) {
  EXPECT_TRUE(expire(1, 2min).outcome);
  EXPECT_EQ(read(kTrashClockFile), "(none)");
  displaced(1, "f", "f");
  EXPECT_TRUE(expire(2, 2min).outcome);
  EXPECT_EQ(TrashClock::decode(read(kTrashClockFile)), (TrashClock::Saved{lived(2), 0}));
}

TEST_F(TrashTest, LinksAreListedAndComeBack) {
  const std::string trash = directory(1);
  ASSERT_TRUE(disk_.make_directories(trash));
  ASSERT_TRUE(disk_.make_link(trash + "/current", "../data/2026"));
  EXPECT_EQ(run(TrashWork::Task::kList).found.size(), 1u);
  EXPECT_EQ(restore("current"), "current");
  const FileStat stat = disk_.stat(disk_.find(MemoryDisk::kRoot, "current", "look at").value());
  EXPECT_EQ(stat.link_target, "../data/2026");
}

TEST_F(TrashTest, DirectoriesComeBackWithTheirModes) {
  const std::string trash = directory(1);
  write(trash + "/d/e/f", "f");
  ASSERT_TRUE(disk_.make_directories(trash + "/d/empty"));
  ASSERT_TRUE(disk_.set(MemoryDisk::kRoot, SetMetadata{trash + "/d", 0750, {}}));
  ASSERT_TRUE(disk_.set(MemoryDisk::kRoot, SetMetadata{trash + "/d/empty", 0711, {}}));
  std::vector<std::string> found;
  for (const auto& each : run(TrashWork::Task::kList).found) found.push_back(each.path);
  EXPECT_THAT(found, ElementsAre("d/e/f", "d/empty/"));
  EXPECT_EQ(restore("d"), "d");
  EXPECT_EQ(read("d/e/f"), "f");
  EXPECT_EQ(mode("d"), 0750u);
  EXPECT_EQ(mode("d/empty"), 0711u);
  EXPECT_EQ(restore("d"), "the trash has no d") << "nothing of it is missing now";
}

TEST_F(TrashTest, AnEmptyDirectoryOfADeletedTreeHasNoLineOfItsOwn) {
  displaced(1, "d/f", "f");
  ASSERT_TRUE(disk_.make_directories(directory(2) + "/d"));
  std::vector<std::string> found;
  for (const auto& each : run(TrashWork::Task::kList).found) found.push_back(each.path);
  EXPECT_THAT(found, ElementsAre("d/f"));
}

TEST_F(TrashTest, ALongNameIsCutWhereItMustBeMarked) {
  for (const std::string& name : {std::string(246, 'x') + ".txt", std::string(255, 'y'),
                                  // A character of two bytes is not cut in the middle.
                                  std::string("a") +
                                      [] {
                                        std::string text;
                                        for (int i = 0; i < 125; ++i) text += "\xc3\xa9";
                                        return text;
                                      }() +
                                      ".odt"}) {
    displaced(1, "d/" + name, "old");
    write("d/" + name, "new");
    const std::string restored = restore("d/" + name);
    ASSERT_TRUE(work_->outcome) << restored;
    EXPECT_LE(restored.size(), 2 + kNameBytesMax);
    EXPECT_THAT(restored, HasSubstr(" (restored)"));
    EXPECT_EQ(read(restored), "old");
    EXPECT_EQ(fold_name(restored), restored) << "it is no UTF-8";
  }
}

}  // namespace
}  // namespace shoal::sync
