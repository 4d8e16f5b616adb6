// Work on large files, which several cores share.
#include "node/sync/folder_work.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/base/rng.h"
#include "node/secure/keys.h"
#include "node/store/memory_folder.h"

namespace shoal::sync {
namespace {

constexpr std::uint64_t kStretchBytes = 300'000;
constexpr std::uint64_t kFileBytes = 1'000'000;

class StretchWorkTest : public testing::Test {
 protected:
  StretchWorkTest() {
    init_crypto();
    write(random(kFileBytes, "before"));
    folder_ = folders_.open(Id{}, "/").value();
  }
  static Bytes random(std::size_t count, std::string_view name) {
    Bytes bytes(count);
    Rng::keyed(1, "test", name).fill(bytes);
    return bytes;
  }
  void write(const Bytes& bytes) {
    ++disk_.now_ns;
    ASSERT_TRUE(disk_.write_file("large", bytes));
  }
  Result<StretchWork::Found> stretch(std::uint64_t begin, std::uint64_t end) {
    StretchWork work(folder_, "large", begin, end);
    work.run();
    return work.found;
  }
  std::vector<StretchWork::Found> all_stretches() {
    std::vector<StretchWork::Found> found;
    for (std::uint64_t begin = 0; begin < kFileBytes; begin += kStretchBytes) {
      const bool is_last = begin + kStretchBytes >= kFileBytes;
      found.push_back(stretch(begin, is_last ? UINT64_MAX : begin + kStretchBytes).value());
    }
    return found;
  }
  HashWork::File hash(std::vector<StretchWork::Found> stretches) {
    HashWork work(folder_);
    work.files.resize(1);
    work.files[0].path = "large";
    work.files[0].stretches = std::move(stretches);
    work.run();
    return work.files[0];
  }

  MemoryDisk disk_;
  MemoryFolders folders_{disk_, [](const FolderEvent&) {}};
  std::shared_ptr<Folder> folder_;
};

TEST_F(StretchWorkTest, AFileInStretchesHasTheNameAndThePartsOfTheWhole) {
  const HashWork::File whole = hash({});
  const HashWork::File joined = hash(all_stretches());
  ASSERT_TRUE(joined.stat);
  EXPECT_EQ(joined.content, whole.content);
  EXPECT_EQ(joined.parts, whole.parts);
  EXPECT_EQ(joined.content.size, kFileBytes);
}

TEST_F(StretchWorkTest, AStretchEndsBehindItsEndAndNoPartBeginsThere) {
  const Stretch stretch = this->stretch(0, kStretchBytes)->stretch;
  std::uint64_t bytes = 0;
  for (const PartRef& part : stretch.parts) {
    EXPECT_LT(bytes, kStretchBytes);
    bytes += part.bytes;
  }
  EXPECT_GE(bytes, kStretchBytes);
}

TEST_F(StretchWorkTest, AFileThatWasWrittenToBetweenTwoStretchesIsBusy) {
  std::vector<StretchWork::Found> found = all_stretches();
  write(random(kFileBytes, "after"));
  found[1] = *stretch(kStretchBytes, 2 * kStretchBytes);
  const HashWork::File joined = hash(found);
  ASSERT_FALSE(joined.stat);
  EXPECT_EQ(joined.stat.error().code, ErrorCode::kBusy);
  EXPECT_EQ(joined.stat.error().message, "large is being written to");
}

TEST_F(StretchWorkTest, AFileThatHasGrownOrShrunkIsBusy) {
  const std::vector<StretchWork::Found> found = all_stretches();
  for (const std::size_t bytes : {kFileBytes + 100'000, kFileBytes - 400'000}) {
    write(random(bytes, "other"));
    const HashWork::File joined = hash(found);
    ASSERT_FALSE(joined.stat);
    EXPECT_EQ(joined.stat.error().code, ErrorCode::kBusy);
  }
}

TEST_F(StretchWorkTest, AStretchBehindTheEndIsEmptyAndAFileThatIsGoneIsNotFound) {
  EXPECT_TRUE(stretch(kFileBytes + 5, UINT64_MAX)->stretch.parts.empty());
  ASSERT_TRUE(disk_.remove_tree("large"));
  EXPECT_EQ(stretch(0, kStretchBytes).error().code, ErrorCode::kNotFound);
}

// A file with the inode number, size and time of the one that is known, but made later.
class OtherFileTest : public testing::Test {
 protected:
  OtherFileTest() {
    init_crypto();
    write("bytes");
    folder_ = folders_.open(Id{}, "/").value();
    known_ = folder_->stat("a").value();
    disk_.next_number = known_.inode;
    EXPECT_TRUE(disk_.remove_tree("a"));
    disk_.now_ns += 1'000'000'000;
    write("other");
  }
  void write(std::string_view text) {
    EXPECT_TRUE(disk_.write_file("a", Bytes(text.begin(), text.end())));
    EXPECT_TRUE(disk_.set(MemoryDisk::kRoot, SetMetadata{"a", {}, 1'000'000'000}));
  }
  InstallStep step(InstallStep::Kind kind) {
    InstallStep step;
    step.kind = kind;
    step.path = kind == InstallStep::Kind::kMove ? "b" : "a";
    step.from = kind == InstallStep::Kind::kMove ? "a" : "";
    step.expected = known_;
    step.mode = 0600;
    step.trash = ".shoal/trash/a";
    return step;
  }

  MemoryDisk disk_;
  MemoryFolders folders_{disk_, [](const FolderEvent&) {}};
  std::shared_ptr<Folder> folder_;
  FileStat known_;
};

TEST_F(OtherFileTest, IsNotReadForAPeer) {
  const FileStat now = folder_->stat("a").value();
  ASSERT_EQ(now.inode, known_.inode);
  ASSERT_EQ(now.size, known_.size);
  ASSERT_EQ(now.mtime_ns, known_.mtime_ns);
  ReadWork work(folder_);
  work.ranges.push_back({"a", known_, 0, 5, {}});
  work.ranges.push_back({"a", now, 0, 5, {}});
  work.run();
  EXPECT_TRUE(work.ranges[0].found.empty());
  EXPECT_EQ(work.ranges[1].found.size(), 5u);
}

TEST_F(OtherFileTest, IsNotRemovedMovedOrChanged) {
  InstallWork work(folder_, false);
  using Kind = InstallStep::Kind;
  for (const Kind kind : {Kind::kRemove, Kind::kMove, Kind::kSetMetadata}) work.steps.push_back(step(kind));
  work.run();
  for (const InstallStep& step : work.steps) EXPECT_EQ(step.outcome, InstallStep::Outcome::kChanged);
  EXPECT_EQ(disk_.read_file("a").value().size(), 5u);
  EXPECT_EQ(folder_->stat("a")->mode, 0644u);
}

}  // namespace
}  // namespace shoal::sync
