// Directories put in and got again, over folders and values in memory: what a real node and a real disk would
// rarely do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>

#include "node/base/rng.h"
#include "node/os/get_tree.h"
#include "node/os/put_tree.h"
#include "node/secure/keys.h"
#include "node/store/memory_folder.h"

namespace shoal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::UnorderedElementsAre;

class MemoryValues final : public Values {
 public:
  std::map<Id, Bytes> stored;
  std::size_t puts = 0;
  std::function<void()> before_put = [] {};
  std::function<Result<void>()> before_take = [] { return Result<void>(); };
  std::size_t asked_max = 0;

  void put(Bytes value) override {
    before_put();
    ++puts;
    EXPECT_LE(value.size(), 65'536u);
    const Id location = sha256(value);
    stored[location] = std::move(value);
  }
  Result<void> failure() const override { return {}; }
  Result<void> flush() override { return {}; }
  Ticket ask(const Id& key) override {
    asked_.emplace(++tickets_, key);
    asked_max = std::max(asked_max, asked_.size());
    return tickets_;
  }
  Result<Bytes> take(Ticket ticket) override {
    const auto asked = asked_.extract(ticket);
    EXPECT_FALSE(asked.empty());
    if (Result<void> fine = before_take(); !fine) return tl::unexpected(fine.error());
    const auto found = stored.find(asked.mapped());
    if (found == stored.end()) return fail(ErrorCode::kNotFound, "nobody has it");
    return found->second;
  }

 private:
  Ticket tickets_ = 0;
  std::map<Ticket, Id> asked_;
};

// "/in" is put, "/out" is where it is got.
class TreeTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(disk_.make_directories("in"));
    ASSERT_TRUE(disk_.make_directories("out"));
  }
  Bytes random_bytes(std::size_t size) {
    Bytes bytes(size);
    rng_.fill(bytes);
    return bytes;
  }
  void write(const std::string& path, const Bytes& bytes) { ASSERT_TRUE(disk_.write_file(path, bytes)); }
  void fill() {
    write("in/none", {});
    write("in/small", random_bytes(10));
    write("in/large", random_bytes(3'000'000));
    write("in/a/b/c", random_bytes(70'000));
    write("in/a/d", random_bytes(1));
    ASSERT_TRUE(disk_.make_directories("in/z/empty"));
    ASSERT_TRUE(disk_.make_link("in/a/link", "../small"));
    for (int i = 0; i < 300; ++i) write("in/many/f" + std::to_string(i), random_bytes(100));
  }
  std::shared_ptr<Folder> folder(const std::string& root) { return *folders_.open(Id{}, root); }

  Result<sync::TreeLink> put(const std::optional<Secret>& key = {}) {
    PutTree tree(folder("/in"), values_, key, [](const TreeProgress&) {});
    Result<sync::TreeLink> link = tree.run();
    progress_ = tree.progress();
    left_ = tree.left_out();
    return link;
  }
  Result<void> get(const sync::TreeLink& link) {
    GetTree tree(folder("/out"), values_, link, [](const TreeProgress&) {});
    Result<void> done = tree.run();
    progress_ = tree.progress();
    left_ = tree.in_the_way();
    return done;
  }
  // Of what lies below a directory of the disk: kind, mode, time, bytes and targets by path.
  std::map<std::string, std::string> picture(const std::string& root) {
    std::map<std::string, std::string> all;
    const auto below = folder("/" + root);
    for (const std::string& path : disk_.paths()) {
      if (!path.starts_with(root + "/")) continue;
      const std::string relative = path.substr(root.size() + 1);
      const FileStat stat = *below->stat(relative);
      std::string& text = all[relative];
      text = std::to_string(static_cast<int>(stat.kind)) + " " + std::to_string(stat.mode) + " " +
             stat.link_target;
      if (stat.kind != FileKind::kFile) continue;
      const Bytes bytes = *disk_.read_file(path);
      text += std::to_string(stat.mtime_ns) + " " + std::string(bytes.begin(), bytes.end());
    }
    return all;
  }
  // Stores a tree as somebody might who wants to harm whoever gets it.
  sync::StoredContent store(const sync::StoredListing& listing) {
    const Bytes bytes = sync::encode_listing(listing);
    const Id location = sha256(bytes);
    values_.stored[location] = bytes;
    return {{location, 0, bytes.size()}, location};
  }
  sync::TreeLink store_head(const sync::StoredListing& root) {
    const Bytes head = sync::seal_head({}, store(root));
    values_.stored[sha256(head)] = head;
    return {sha256(head), {}};
  }

  Rng rng_ = Rng::keyed(1, "test", "tree");
  MemoryDisk disk_;
  MemoryFolders folders_{disk_, [](const FolderEvent&) {}};
  MemoryValues values_;
  TreeProgress progress_;
  std::vector<std::string> left_;
  const Secret key_{Secret::Array{1, 2, 3}};
};

TEST_F(TreeTest, ComesBackAsItWas) {
  fill();
  const auto before = picture("in");
  for (const std::optional<Secret>& key : {std::optional<Secret>(), std::optional(key_)}) {
    const auto link = put(key);
    ASSERT_TRUE(link) << link.error().message;
    EXPECT_THAT(left_, IsEmpty());
    EXPECT_EQ(progress_.entries, before.size());
    EXPECT_EQ(progress_.bytes, progress_.bytes_in_all);
    const auto got = get(*link);
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(picture("out"), before);
    EXPECT_EQ(progress_.entries, before.size());
    EXPECT_EQ(progress_.entries, progress_.entries_in_all);
    EXPECT_EQ(progress_.bytes, progress_.bytes_in_all);
    EXPECT_GE(values_.asked_max, GetTree::kStepsAhead);
    ASSERT_TRUE(disk_.remove_tree("out"));
    ASSERT_TRUE(disk_.make_directories("out"));
  }
  EXPECT_EQ(picture("in"), before);
}

TEST_F(TreeTest, OfNothingIsEmpty) {
  const auto link = put(key_);
  ASSERT_TRUE(link);
  ASSERT_TRUE(get(*link));
  EXPECT_THAT(picture("out"), IsEmpty());
}

TEST_F(TreeTest, ShowsNothingToThoseWhoHoldItEncrypted) {
  const std::string secret = "a line that nobody else may read\n";
  Bytes bytes;
  for (int i = 0; i < 1000; ++i) bytes.insert(bytes.end(), secret.begin(), secret.end());
  write("in/the name", bytes);
  ASSERT_TRUE(put(key_));
  for (const auto& [location, value] : values_.stored) {
    const std::string text(value.begin(), value.end());
    EXPECT_THAT(text, testing::Not(HasSubstr("a line")));
    EXPECT_THAT(text, testing::Not(HasSubstr("the name")));
  }
}

TEST_F(TreeTest, PutAgainUnderItsKeyHasTheSameLinkAndChangesCostOnlyThemselves) {
  fill();
  const auto first = put(key_);
  const std::size_t stored = values_.stored.size();
  EXPECT_EQ(put(key_)->to_string(), first->to_string());
  EXPECT_EQ(values_.stored.size(), stored);
  write("in/many/f7", random_bytes(100));
  EXPECT_NE(put(key_)->to_string(), first->to_string());
  EXPECT_LE(values_.stored.size(), stored + 6) << "the file, listings on the way, the head";
}

TEST_F(TreeTest, LeavesOutWhatIsNoFileAndSaysSo) {
  write("in/file", random_bytes(10));
  ASSERT_TRUE(disk_.make_other("in/pipe"));
  ASSERT_TRUE(disk_.make_directories("in/.shoal/trash"));
  ASSERT_TRUE(disk_.make_directories("in/a/.shoal"));
  const auto link = put();
  ASSERT_TRUE(link);
  EXPECT_THAT(left_, ElementsAre("pipe: it is no file, directory or link"));
  ASSERT_TRUE(get(*link));
  EXPECT_THAT(picture("out"), ElementsAre(Key("a"), Key("file")));
}

TEST_F(TreeTest, ReadsAFileAgainThatIsWrittenToMeanwhile) {
  write("in/file", random_bytes(500'000));
  bool is_written = false;
  values_.before_put = [&] {
    if (!std::exchange(is_written, true)) write("in/file", random_bytes(400'000));
  };
  const auto link = put(key_);
  ASSERT_TRUE(link);
  EXPECT_THAT(left_, IsEmpty());
  ASSERT_TRUE(get(*link));
  EXPECT_EQ(picture("out"), picture("in"));
}

TEST_F(TreeTest, LeavesOutAFileThatIsWrittenToAllTheTime) {
  write("in/file", random_bytes(500'000));
  write("in/other", random_bytes(10));
  values_.before_put = [&] { write("in/file", random_bytes(400'000)); };
  const auto link = put(key_);
  ASSERT_TRUE(link);
  EXPECT_THAT(left_, ElementsAre(HasSubstr("file: it was written to while it was read")));
  ASSERT_TRUE(get(*link));
  EXPECT_EQ(picture("out").size(), 1u);
}

TEST_F(TreeTest, IsTakenUpWhereItWasInterrupted) {
  fill();
  const auto link = put(key_);
  for (int takes = 1; takes < 40; takes += 7) {
    int left = takes;
    values_.before_take = [&]() -> Result<void> {
      if (--left < 0) return fail(ErrorCode::kTimeout, "nobody answers");
      return {};
    };
    const auto got = get(*link);
    ASSERT_FALSE(got);
    EXPECT_THAT(got.error().message, HasSubstr("nobody answers"));
    for (const auto& [path, what] : picture("out")) {
      EXPECT_FALSE(path.starts_with(".shoal")) << path;
      if (what.starts_with("0 ")) {
        EXPECT_EQ(what, picture("in")[path]) << "whole, or not there: " << path;
      }
    }
  }
  values_.before_take = [] { return Result<void>(); };
  ASSERT_TRUE(get(*link));
  EXPECT_EQ(picture("out"), picture("in"));
  EXPECT_THAT(left_, IsEmpty());
}

TEST_F(TreeTest, OverwritesNothing) {
  fill();
  const auto link = put();
  write("out/small", random_bytes(10));
  write("out/a/d/mine", random_bytes(5));
  write("out/z", random_bytes(5));
  ASSERT_TRUE(disk_.make_link("out/large", "/etc/passwd"));
  write("out/a/link", random_bytes(5));
  const auto before = picture("out");
  ASSERT_TRUE(get(*link));
  EXPECT_THAT(left_, UnorderedElementsAre(
                         "a/d: something else is there already", "a/link: something else is there already",
                         "large: something else is there already", "small: something else is there already",
                         "z: something that is no directory is there already"));
  const auto after = picture("out");
  for (const auto& [path, what] : before) {
    if (!what.starts_with("1 ")) {
      EXPECT_EQ(after.at(path), what) << path;
    }
  }
}

TEST_F(TreeTest, SaysWhatIsMissing) {
  fill();
  const auto link = put();
  const Bytes bytes = *disk_.read_file("in/a/d");
  values_.stored.erase(sha256(bytes));
  const auto got = get(*link);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(got.error().message, "a/d: nobody has it");
}

TEST_F(TreeTest, WithAnotherKeyIsNotOpened) {
  fill();
  auto link = *put(key_);
  link.key = Secret(Secret::Array{9});
  EXPECT_THAT(get(link).error().message, HasSubstr("not encrypted under the link's key"));
  link.key.reset();
  EXPECT_THAT(get(link).error().message, HasSubstr("expected 73"));
  EXPECT_THAT(picture("out"), IsEmpty());
}

// Twenty listings, each with the next one in it twice: 2^20 directories.
TEST_F(TreeTest, OfListingsThatNameOneAnotherAgainAndAgainEndsEarly) {
  sync::StoredListing listing{2, 0, {}};
  for (int level = 0; level < 20; ++level) {
    const sync::StoredContent below = store(listing);
    listing = {100, 0, {}};
    for (const char* name : {"x", "y"}) {
      listing.entries.push_back({sync::NodeKind::kDirectory, name, 0755, 0, below, {}});
    }
  }
  const auto got = get(store_head(listing));
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().message, HasSubstr("the tree has more in it than its root says"));
  EXPECT_LE(picture("out").size(), 100u);
}

// Each directory with forty more in it, of which the first has …
TEST_F(TreeTest, HoweverDeepAsksForSoManyValuesAtMost) {
  sync::StoredListing listing;
  for (int level = 0; level < 30; ++level) {
    const sync::StoredContent below = store(listing);
    const std::uint64_t entries = listing.entries_below + 40;
    listing = {entries, 0, {}};
    for (int i = 0; i < 40; ++i) {
      const sync::StoredContent empty = store({std::uint64_t(level * 40 + i), 0, {}});
      const std::string name = "d" + std::to_string(10 + i);
      listing.entries.push_back(
          {sync::NodeKind::kDirectory, name, 0755, 0, i == 0 && level > 0 ? below : empty, {}});
    }
  }
  const auto got = get(store_head(listing));
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(picture("out").size(), 30u * 40);
  EXPECT_GE(values_.asked_max, GetTree::kAskedMax);
  EXPECT_LE(values_.asked_max, GetTree::kAskedMax + 1);
}

TEST_F(TreeTest, WithAPartOfAnotherLengthIsRefused) {
  const Bytes bytes = random_bytes(10);
  values_.stored[sha256(bytes)] = bytes;
  sync::StoredListing listing{1, 11, {}};
  listing.entries.push_back(
      {sync::NodeKind::kFile, "f", 0644, 0, {{sha256(bytes), 0, 11}, sha256(bytes)}, {}});
  const auto got = get(store_head(listing));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().message, "f: a part of 10 bytes: expected 11");
  EXPECT_THAT(picture("out"), IsEmpty());
}

TEST_F(TreeTest, ThatWritesWhereGettingItStagesIsRefused) {
  sync::StoredListing inner{1, 0, {}};
  inner.entries.push_back({sync::NodeKind::kLink, "get", 0, 0, {}, "/etc"});
  sync::StoredListing listing{2, 0, {}};
  listing.entries.push_back({sync::NodeKind::kDirectory, ".shoal", 0755, 0, store(inner), {}});
  const auto got = get(store_head(listing));
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().message, HasSubstr("a name that no file may have"));
  EXPECT_THAT(picture("out"), IsEmpty());
}

TEST_F(TreeTest, OnADiskThatIsFullEndsWithAnError) {
  fill();
  const auto link = put();
  disk_.capacity_bytes = 3'400'000;
  const auto got = get(*link);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::kStoreFull);
  for (const auto& [path, what] : picture("out")) {
    if (what.starts_with("0 ")) {
      EXPECT_EQ(what, picture("in")[path]) << path;
    }
  }
}

// Each call of the disk fails once.
TEST_F(TreeTest, SurvivesADiskThatFails) {
  write("in/a/b", random_bytes(70'000));
  ASSERT_TRUE(disk_.make_link("in/link", "a"));
  const auto link = put(key_);
  const auto whole = picture("in");
  bool has_failed = true;
  for (std::uint64_t call = 1; has_failed; ++call) {
    const std::uint64_t first = disk_.calls();
    disk_.fail_call(call);
    const auto got = get(*link);
    has_failed = disk_.calls() >= first + call;
    disk_.fail_call(std::numeric_limits<std::uint32_t>::max());
    EXPECT_TRUE(got || has_failed);
    for (const auto& [path, what] : picture("out")) {
      const bool is_file = what.starts_with("0 ") && !path.starts_with(".shoal");
      EXPECT_TRUE(!is_file || what == whole.at(path)) << path << " when call " << call << " fails";
    }
    ASSERT_TRUE(get(*link)) << "and once it works again, all comes";
    for (const auto& [path, what] : whole) EXPECT_EQ(picture("out")[path], what) << path << ", call " << call;
    ASSERT_TRUE(disk_.remove_tree("out"));
    ASSERT_TRUE(disk_.make_directories("out"));
  }
}

}  // namespace
}  // namespace shoal
