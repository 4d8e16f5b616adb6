// What a crash of a disk in memory may do, and what it must not; and its faults.
#include "node/store/memory_disk.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "node/base/relative_path.h"
#include "node/store/memory_folder.h"

namespace shoal {
namespace {

using Order = MemoryDisk::CrashOrder;

Rng rng_of(std::uint64_t seed) {
  return Rng::keyed(seed, "disk", "crash");
}

class Disk {
 public:
  Disk() { folder = open(); }
  std::shared_ptr<Folder> open() { return folders.open(Id{}, "/").value(); }
  std::unique_ptr<FolderFile> create(const std::string& path, std::string_view bytes) {
    std::unique_ptr<FolderFile> file = folder->open(path, OpenMode::kCreate).value();
    EXPECT_TRUE(file->write(0, view(bytes)));
    return file;
  }
  void change(const FolderChange& step) { EXPECT_TRUE(folder->change(step)); }
  // Of the files, by path; other things are empty.
  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> files;
    for (const std::string& path : memory.paths()) {
      const Result<Bytes> bytes = memory.read_file(path);
      files[path] = bytes ? std::string(text(*bytes)) : std::string();
    }
    return files;
  }

  MemoryDisk memory;
  MemoryFolders folders{memory, [](const FolderEvent&) {}};
  std::shared_ptr<Folder> folder;
};

using Files = std::map<std::string, std::string>;
using Outcomes = std::set<Files>;

// The distinct outcomes of many crashes of disks that `prepare` has filled.
Outcomes outcomes(Order order, const std::function<void(Disk&)>& prepare) {
  Outcomes found;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Disk disk;
    prepare(disk);
    Rng rng = rng_of(seed);
    disk.memory.crash(rng, order);
    found.insert(disk.files());
  }
  return found;
}

TEST(MemoryDisk, KeepsOrLosesANewNameAndItsBytesApart) {
  const auto prepare = [](Disk& disk) { disk.create("f", "new"); };
  const Outcomes all = {Files{}, Files{{"f", ""}}, Files{{"f", "new"}}, Files{{"f", std::string(3, '\0')}}};
  EXPECT_EQ(outcomes(Order::kJournal, prepare), all);
  EXPECT_EQ(outcomes(Order::kAny, prepare), all);
}

TEST(MemoryDisk, KeepsTheBytesOfASyncedFileButNotItsName) {
  const auto prepare = [](Disk& disk) { ASSERT_TRUE(disk.create("f", "new")->sync()); };
  EXPECT_EQ(outcomes(Order::kAny, prepare), (Outcomes{Files{}, Files{{"f", "new"}}}));
}

TEST(MemoryDisk, KeepsTheNamesOfASyncedDirectoryButNotTheBytes) {
  const auto prepare = [](Disk& disk) {
    disk.create("f", "new");
    disk.change(SyncDirectory{""});
  };
  EXPECT_EQ(outcomes(Order::kAny, prepare),
            (Outcomes{Files{{"f", ""}}, Files{{"f", "new"}}, Files{{"f", std::string(3, '\0')}}}));
}

TEST(MemoryDisk, KeepsWhatWasWrittenSyncedAndNamed) {
  for (const Order order : {Order::kJournal, Order::kAny}) {
    const auto prepare = [](Disk& disk) {
      ASSERT_TRUE(disk.create("staged", "new")->sync());
      disk.change(MakeDirectory{"d"});
      disk.change(Rename{"staged", "d/f"});
      disk.change(SyncDirectory{"d"});
    };
    EXPECT_EQ(outcomes(order, prepare), (Outcomes{Files{{"d", ""}, {"d/f", "new"}}}));
  }
}

TEST(MemoryDisk, ExchangesWholeOrNot) {
  const auto prepare = [](Disk& disk) {
    disk.create("a", "A");
    disk.create("b", "B");
    disk.change(SyncAll{});
    disk.change(Rename{"a", "b", Rename::Mode::kExchange});
  };
  for (const Order order : {Order::kJournal, Order::kAny})
    EXPECT_EQ(outcomes(order, prepare),
              (Outcomes{Files{{"a", "A"}, {"b", "B"}}, Files{{"a", "B"}, {"b", "A"}}}));
}

TEST(MemoryDisk, NeverMovesAnythingIntoADirectoryThatIsLost) {
  const auto prepare = [](Disk& disk) {
    disk.create("f", "F");
    disk.change(SyncAll{});
    disk.change(MakeDirectory{"d"});
    disk.change(Rename{"f", "d/f"});
  };
  for (const Order order : {Order::kJournal, Order::kAny}) {
    EXPECT_EQ(outcomes(order, prepare),
              (Outcomes{Files{{"f", "F"}}, Files{{"d", ""}, {"f", "F"}}, Files{{"d", ""}, {"d/f", "F"}}}));
  }
}

TEST(MemoryDisk, LosesStepsFromTheLastOneOrAnyOfThem) {
  const auto prepare = [](Disk& disk) {
    ASSERT_TRUE(disk.create("a", "")->sync());
    ASSERT_TRUE(disk.create("b", "")->sync());
  };
  const Outcomes journal = {Files{}, Files{{"a", ""}}, Files{{"a", ""}, {"b", ""}}};
  EXPECT_EQ(outcomes(Order::kJournal, prepare), journal);
  Outcomes any = journal;
  any.insert(Files{{"b", ""}});
  EXPECT_EQ(outcomes(Order::kAny, prepare), any);
}

TEST(MemoryDisk, TearsUnsyncedBytesAtBlocks) {
  const std::string before(3 * MemoryDisk::kBlockBytes, 'o');
  const std::string after(3 * MemoryDisk::kBlockBytes, 'n');
  const auto prepare = [&](Disk& disk) {
    disk.create("f", before);
    disk.change(SyncAll{});
    ASSERT_TRUE(disk.memory.write_file("f", view(after)));
  };
  const Outcomes found = outcomes(Order::kJournal, prepare);
  EXPECT_EQ(found.size(), 8u);  // each block either
  for (const auto& files : found) {
    for (std::size_t block = 0; block < 3; ++block) {
      const std::string bytes =
          files.at("f").substr(block * MemoryDisk::kBlockBytes, MemoryDisk::kBlockBytes);
      EXPECT_TRUE(before.starts_with(bytes) || after.starts_with(bytes)) << block;
    }
  }
}

TEST(MemoryDisk, NeverHasNewBytesUnderAnOldTime) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Disk disk;
    disk.create("f", "old");
    disk.change(SyncAll{});
    const FileStat before = disk.folder->stat("f").value();
    disk.memory.now_ns += 1;
    ASSERT_TRUE(disk.memory.write_file("f", view("new")));
    Rng rng = rng_of(seed);
    disk.memory.crash(rng, Order::kAny);
    if (text(disk.memory.read_file("f").value()) == "old") continue;
    disk.folder.reset();
    EXPECT_NE(disk.open()->stat("f")->mtime_ns, before.mtime_ns);
  }
}

TEST(MemoryDisk, ForgetsWhatWasOpenWhenItCrashes) {
  Disk disk;
  const std::unique_ptr<FolderFile> file = disk.create("f", "f");
  Rng rng = rng_of(1);
  disk.memory.crash(rng, Order::kAny);
  EXPECT_EQ(file->write(0, view("x")).error().code, ErrorCode::kIo);
  EXPECT_EQ(disk.folder->stat("").error().code, ErrorCode::kIo);
  disk.folder.reset();
  EXPECT_TRUE(disk.open()->stat(""));
}

// ---- Random steps.

class RandomSteps {
 public:
  explicit RandomSteps(std::uint64_t seed) : rng_(Rng::keyed(seed, "disk", "steps")) {}

  void make(Disk& disk, int count) {
    for (int i = 0; i < count; ++i) make_one(disk);
  }

 private:
  std::string some_path() {
    std::string path;
    for (std::uint64_t depth = 1 + rng_.below(3); depth > 0; --depth)
      path = join_path(path, std::string(1, static_cast<char>('a' + rng_.below(3))));
    return path;
  }
  // Most are refused: paths are drawn without regard to what is there.
  void make_one(Disk& disk) {
    Folder& folder = *disk.folder;
    disk.memory.now_ns += 1;
    switch (rng_.below(8)) {
      case 0:
        if (const auto file = folder.open(some_path(), OpenMode::kCreate))
          (void)(*file)->write(0, view(std::to_string(++made_)));
        break;
      case 1:
        if (const auto file = folder.open(some_path(), OpenMode::kWrite)) (void)(*file)->sync();
        break;
      case 2:
        (void)folder.change(MakeDirectory{some_path()});
        break;
      case 3:
        (void)folder.change(Rename{some_path(), some_path(), Rename::Mode::kExchange});
        break;
      case 4:
        (void)folder.change(Remove{some_path()});
        break;
      case 5:
        (void)folder.change(SyncDirectory{rng_.below(2) == 0 ? std::string() : some_path()});
        break;
      default:
        (void)folder.change(Rename{some_path(), some_path()});
    }
  }

  Rng rng_;
  int made_ = 0;
};

TEST(MemoryDisk, KeepsEverythingThatWasSynced) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Disk disk;
    RandomSteps(seed).make(disk, 200);
    disk.change(SyncAll{});
    const auto before = disk.files();
    Rng rng = rng_of(seed);
    disk.memory.crash(rng, seed % 2 == 0 ? Order::kJournal : Order::kAny);
    ASSERT_EQ(disk.files(), before) << "seed " << seed;
  }
}

// Renames alone lose nothing, whatever of them happened.
TEST(MemoryDisk, HasEachSyncedFileOnceWhateverMovesWereLost) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Disk disk;
    RandomSteps steps(seed);
    steps.make(disk, 100);
    disk.change(SyncAll{});
    std::multiset<std::string> before;
    for (const auto& [path, bytes] : disk.files()) before.insert(bytes);
    const std::vector<std::string> paths = disk.memory.paths();
    Rng rng = rng_of(seed);
    for (int i = 0; i < 40 && !paths.empty(); ++i) {
      const std::string& from = paths[rng.below(paths.size())];
      const std::string& to = paths[rng.below(paths.size())];
      const auto mode = rng.below(2) == 0 ? Rename::Mode::kNoReplace : Rename::Mode::kExchange;
      (void)disk.folder->change(Rename{from, to, mode});
      if (rng.below(4) == 0) (void)disk.folder->change(SyncDirectory{split_path(to).parent});
    }
    disk.memory.crash(rng, seed % 2 == 0 ? Order::kJournal : Order::kAny);
    std::multiset<std::string> after;
    for (const auto& [path, bytes] : disk.files()) after.insert(bytes);
    ASSERT_EQ(after, before) << "seed " << seed;
  }
}

TEST(MemoryDisk, IsAFunctionOfItsSeed) {
  const auto run = [](std::uint64_t seed) {
    Disk disk;
    RandomSteps(seed).make(disk, 300);
    Rng rng = rng_of(seed);
    disk.memory.crash(rng, Order::kAny);
    return disk.files();
  };
  Outcomes different;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(run(seed), run(seed));
    different.insert(run(seed));
  }
  EXPECT_GT(different.size(), 10u);
}

// ---- Faults.

TEST(MemoryDisk, FailsTheCallThatWasChosenAndDoesNothingThen) {
  Disk disk;
  disk.memory.fail_call(2);
  EXPECT_TRUE(disk.folder->change(MakeDirectory{"a"}));
  const Result<void> failed = disk.folder->change(MakeDirectory{"b"});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kIo);
  EXPECT_TRUE(disk.folder->change(MakeDirectory{"c"}));
  EXPECT_EQ(disk.memory.paths(), (std::vector<std::string>{"a", "c"}));
  EXPECT_EQ(disk.memory.calls(), 3u);
}

TEST(MemoryDisk, IsFullAtItsCapacity) {
  Disk disk;
  disk.memory.capacity_bytes = 10;
  const std::unique_ptr<FolderFile> file = disk.create("f", "12345678");
  EXPECT_EQ(disk.folder->space()->free_bytes, 2u);
  EXPECT_EQ(file->write(8, view("9ab")).error().code, ErrorCode::kStoreFull);
  EXPECT_EQ(file->stat()->size, 8u);
  EXPECT_TRUE(file->write(0, view("8765432190")));
  EXPECT_EQ(disk.folder->space()->free_bytes, 0u);
  EXPECT_FALSE(disk.memory.write_file("g", view("x")));
  EXPECT_TRUE(disk.memory.remove_tree("f"));
  EXPECT_TRUE(disk.memory.write_file("g", view("x")));
  EXPECT_EQ(disk.folder->space()->free_bytes, 9u);
}

TEST(MemoryDisk, HolesTakeNoRoom) {
  Disk disk;
  disk.memory.capacity_bytes = 20'000;
  const std::unique_ptr<FolderFile> file = disk.create("f", "");
  disk.change(SetSize{"f", 1'000'000});
  EXPECT_EQ(file->stat()->size, 1'000'000u);
  EXPECT_EQ(disk.folder->space()->free_bytes, 20'000u);
  EXPECT_TRUE(file->write(500'000, view("x")));
  EXPECT_EQ(disk.folder->space()->free_bytes, 20'000u - MemoryDisk::kBlockBytes);
  Bytes read(3, 1);
  EXPECT_EQ(file->read(499'999, read).value(), 3u);
  EXPECT_EQ(read, (Bytes{0, 'x', 0}));
  disk.change(SetSize{"f", 10});
  EXPECT_EQ(file->stat()->size, 10u);
  EXPECT_EQ(disk.folder->space()->free_bytes, 20'000u);
}

TEST(MemoryFolders, HaveNoMoreWatchesThanTheHost) {
  Disk disk;
  disk.folders.watches_max = 1;
  disk.change(MakeDirectory{"a"});
  EXPECT_TRUE(disk.folder->list("", ListMode::kWatched));
  EXPECT_TRUE(disk.folder->list("", ListMode::kWatched));
  EXPECT_EQ(disk.folder->list("a", ListMode::kWatched).error().code, ErrorCode::kStoreFull);
  EXPECT_TRUE(disk.folder->list("a", ListMode::kOnce));
}

}  // namespace
}  // namespace shoal
