// Reading and changing what is in a folder.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/conformance/folder_suite.h"

namespace shoal::conformance {
namespace {

using Names = std::vector<std::string>;
constexpr auto kNone = ErrorCode::kNone;
constexpr auto kNotFound = ErrorCode::kNotFound;
constexpr auto kExists = ErrorCode::kExists;
constexpr auto kInvalid = ErrorCode::kInvalidArgument;

TEST_P(FolderConformance, IsOpenedAtADirectoryOnly) {
  harness_->write("file", "x");
  const std::pair<std::string, ErrorCode> roots[] = {
      {harness_->absolute("none"), kNotFound}, {harness_->absolute("file"), kInvalid}, {"folder", kInvalid}};
  for (const auto& [root, code] : roots) {
    const Result<std::shared_ptr<Folder>> opened = harness_->folders().open(group(9), root);
    ASSERT_FALSE(opened) << root;
    EXPECT_EQ(opened.error().code, code) << root;
    EXPECT_NE(opened.error().message.find(root), std::string::npos);
  }
}

TEST_P(FolderConformance, IsOneOfADirectoryAtATime) {
  harness_->make_directory("folder/within");
  EXPECT_NE(open("folder/within", 2), nullptr);
  const std::string root = harness_->absolute("folder");
  const Result<std::shared_ptr<Folder>> second = harness_->folders().open(group(9), root);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kBusy);
  EXPECT_NE(second.error().message.find(root), std::string::npos);
  folder_.reset();
  EXPECT_TRUE(harness_->folders().open(group(9), root));
}

TEST_P(FolderConformance, ShowsTheDataOfANodeAndOpensNoFolderInIt) {
  const std::string marker = std::string("/") + kNodeDataMarker;
  harness_->make_directory("folder/data/keys");
  EXPECT_EQ(folder_->stat("data")->kind, FileKind::kDirectory);
  harness_->write("folder/data" + marker, "");
  EXPECT_EQ(folder_->stat("data")->kind, FileKind::kNodeData);
  EXPECT_EQ(folder_->list("", ListMode::kOnce)->front().stat.kind, FileKind::kNodeData);
  EXPECT_EQ(list_code("data", ListMode::kOnce), kInvalid);
  for (const char* root : {"folder/data", "folder/data/keys"}) {
    const Result<std::shared_ptr<Folder>> opened =
        harness_->folders().open(group(9), harness_->absolute(root));
    ASSERT_FALSE(opened) << root;
    EXPECT_EQ(opened.error().code, kInvalid) << root;
  }
}

TEST_P(FolderConformance, ListsInTheOrderOfNamesWithWhatEachIs) {
  harness_->write("folder/b", "three");
  harness_->make_directory("folder/a");
  harness_->make_link("folder/c", "../outside");
  harness_->make_other("folder/d");
  harness_->write("folder/Z", "");
  const auto entries = folder_->list("", ListMode::kOnce);
  ASSERT_TRUE(entries);
  ASSERT_EQ(names(""), (Names{"Z", "a", "b", "c", "d"}));
  const FileKind kinds[] = {FileKind::kFile, FileKind::kDirectory, FileKind::kFile, FileKind::kLink,
                            FileKind::kOther};
  for (std::size_t i = 0; i < std::size(kinds); ++i) {
    EXPECT_EQ((*entries)[i].stat.kind, kinds[i]) << i;
    const Result<FileStat> alone = folder_->stat((*entries)[i].name);
    ASSERT_TRUE(alone);
    EXPECT_EQ(*alone, (*entries)[i].stat) << i;
  }
  EXPECT_EQ((*entries)[2].stat.size, 5u);
  EXPECT_EQ((*entries)[3].stat.link_target, "../outside");
  EXPECT_EQ(folder_->stat("")->kind, FileKind::kDirectory);
}

TEST_P(FolderConformance, AFileKeepsItsInodeWhenItMovesAndAnotherHasAnother) {
  create("a", "bytes");
  const FileStat before = folder_->stat("a").value();
  ASSERT_TRUE(folder_->change(Rename{"a", "b"}));
  EXPECT_TRUE(same_inode(folder_->stat("b").value(), before));
  create("a", "bytes");
  const FileStat other = folder_->stat("a").value();
  EXPECT_FALSE(same_inode(other, before));
  FileStat later = before;
  ++later.birth_ns;
  EXPECT_EQ(same_inode(later, before), before.birth_ns == 0) << "where it is not told nobody knows";
}

TEST_P(FolderConformance, TakesNamesOfAnyBytes) {
  const Names odd = {"\x01\n", std::string(255, 'x'), "a\nb", "\xff\xfe", "...", " ", "\\", "%s{}"};
  Names sorted = odd;
  std::sort(sorted.begin(), sorted.end());
  for (const std::string& name : odd) create(name, name);
  EXPECT_EQ(names(""), sorted);
  for (const std::string& name : odd) EXPECT_EQ(read(name), name);
}

TEST_P(FolderConformance, RefusesPathsThatAreNoneWithinTheFolder) {
  harness_->write("outside/secret", "s");
  harness_->make_directory("folder/a");
  const std::string wrong[] = {"..",
                               "../outside/secret",
                               "a/../../outside/secret",
                               "a/..",
                               "/",
                               "/etc/passwd",
                               harness_->absolute("outside/secret"),
                               ".",
                               "a/.",
                               "a/",
                               "a//b",
                               std::string(256, 'x'),
                               std::string("a\0b", 3)};
  for (const std::string& path : wrong) {
    EXPECT_EQ(stat_code(path), kInvalid) << path;
    EXPECT_EQ(list_code(path), kInvalid) << path;
    EXPECT_EQ(open_code(path, OpenMode::kRead), kInvalid) << path;
    EXPECT_EQ(open_code(path, OpenMode::kCreate), kInvalid) << path;
    EXPECT_EQ(open_code(path, OpenMode::kWrite), kInvalid) << path;
    EXPECT_EQ(change(MakeDirectory{path}), kInvalid) << path;
    EXPECT_EQ(change(MakeLink{path, "t"}), kInvalid) << path;
    EXPECT_EQ(change(Rename{"a", path}), kInvalid) << path;
    EXPECT_EQ(change(Rename{path, "b"}), kInvalid) << path;
    EXPECT_EQ(change(Remove{path}), kInvalid) << path;
    EXPECT_EQ(change(SetMetadata{path, 0700, {}}), kInvalid) << path;
    EXPECT_EQ(change(SyncDirectory{path}), kInvalid) << path;
  }
  EXPECT_EQ(names(""), Names{"a"});
  EXPECT_EQ(harness_->read("outside/secret"), "s");
}

TEST_P(FolderConformance, NeverFollowsALinkOnTheWay) {
  harness_->write("outside/secret", "s");
  harness_->make_directory("folder/real");
  harness_->make_link("folder/out", "../outside");
  harness_->make_link("folder/in", "real");
  harness_->write("folder/mine", "m");
  for (const std::string link : {"out", "in"}) {
    EXPECT_EQ(list_code(link), kInvalid);
    EXPECT_EQ(change(SyncDirectory{link}), kInvalid);
    EXPECT_EQ(stat_code(link + "/secret"), kInvalid);
    EXPECT_EQ(open_code(link + "/secret", OpenMode::kRead), kInvalid);
    EXPECT_EQ(open_code(link + "/secret", OpenMode::kWrite), kInvalid);
    EXPECT_EQ(open_code(link + "/new", OpenMode::kCreate), kInvalid);
    EXPECT_EQ(change(MakeDirectory{link + "/new"}), kInvalid);
    EXPECT_EQ(change(MakeLink{link + "/new", "t"}), kInvalid);
    EXPECT_EQ(change(Rename{"mine", link + "/new"}), kInvalid);
    EXPECT_EQ(change(Rename{link + "/secret", "stolen"}), kInvalid);
    EXPECT_EQ(change(Remove{link + "/secret"}), kInvalid);
    EXPECT_EQ(change(SetMetadata{link + "/secret", 0777, {}}), kInvalid);
  }
  EXPECT_EQ(names(""), (Names{"in", "mine", "out", "real"}));
  EXPECT_EQ(names("real"), Names{});
  EXPECT_EQ(harness_->read("outside/secret"), "s");
}

TEST_P(FolderConformance, TreatsALinkAtTheEndAsItself) {
  harness_->write("outside/secret", "s");
  harness_->make_link("folder/l", harness_->absolute("outside/secret"));
  harness_->write("folder/f", "f");
  EXPECT_EQ(folder_->stat("l")->link_target, harness_->absolute("outside/secret"));
  EXPECT_EQ(open_code("l", OpenMode::kRead), kInvalid);
  EXPECT_EQ(open_code("l", OpenMode::kWrite), kInvalid);
  EXPECT_EQ(open_code("l", OpenMode::kCreate), kExists);
  EXPECT_EQ(change(SetMetadata{"l", 0700, {}}), kInvalid);
  EXPECT_EQ(change(SetMetadata{"l", {}, 5'000'000'007}), kNone);
  EXPECT_EQ(folder_->stat("l")->mtime_ns, 5'000'000'007);
  EXPECT_EQ(change(Rename{"l", "f", Rename::Mode::kExchange}), kNone);
  EXPECT_EQ(folder_->stat("f")->kind, FileKind::kLink);
  EXPECT_EQ(read("l"), "f");
  EXPECT_EQ(change(Remove{"f"}), kNone);
  EXPECT_EQ(harness_->read("outside/secret"), "s");
  // One that leads nowhere does not either become a file.
  EXPECT_EQ(change(MakeLink{"n", "nowhere"}), kNone);
  EXPECT_EQ(open_code("n", OpenMode::kCreate), kExists);
  EXPECT_EQ(stat_code("nowhere"), kNotFound);
}

TEST_P(FolderConformance, NoticesThatADirectoryBecameALink) {
  harness_->write("folder/a/f", "in");
  harness_->write("outside/f", "out");
  EXPECT_EQ(read("a/f"), "in");
  harness_->rename("folder/a", "folder/b");
  harness_->make_link("folder/a", "../outside");
  EXPECT_EQ(read("a/f"), "invalid_argument");
  EXPECT_EQ(change(Remove{"a/f"}), kInvalid);
  EXPECT_EQ(harness_->read("outside/f"), "out");
}

TEST_P(FolderConformance, OpensNothingButRegularFiles) {
  harness_->make_other("folder/pipe");
  harness_->make_directory("folder/d");
  for (const std::string path : {"pipe", "d"}) {
    EXPECT_EQ(open_code(path, OpenMode::kRead), kInvalid);
    EXPECT_EQ(open_code(path, OpenMode::kWrite), kInvalid);
    EXPECT_EQ(open_code(path, OpenMode::kCreate), kExists);
  }
  EXPECT_EQ(change(Remove{"pipe"}), kInvalid);
  EXPECT_EQ(change(SetMetadata{"pipe", 0777, {}}), kInvalid);
  EXPECT_EQ(change(SetMetadata{"pipe", {}, 1}), kInvalid);
}

TEST_P(FolderConformance, SaysWhatIsMissingOrOfAnotherKind) {
  harness_->write("folder/f", "f");
  harness_->write("folder/d/x", "x");
  EXPECT_EQ(stat_code("none"), kNotFound);
  EXPECT_EQ(stat_code("none/x"), kNotFound);
  EXPECT_EQ(stat_code("f/x"), kInvalid);
  EXPECT_EQ(list_code("f"), kInvalid);
  EXPECT_EQ(list_code("none"), kNotFound);
  EXPECT_EQ(open_code("none", OpenMode::kRead), kNotFound);
  EXPECT_EQ(open_code("none", OpenMode::kWrite), kNotFound);
  EXPECT_EQ(open_code("none/x", OpenMode::kCreate), kNotFound);
  EXPECT_EQ(open_code("f", OpenMode::kCreate), kExists);
  EXPECT_EQ(change(MakeDirectory{"f"}), kExists);
  EXPECT_EQ(change(MakeDirectory{"none/d"}), kNotFound);
  EXPECT_EQ(change(MakeLink{"f", "t"}), kExists);
  EXPECT_EQ(change(MakeLink{"l", ""}), kInvalid);
  EXPECT_EQ(change(MakeLink{"l", std::string(4096, 'x')}), kInvalid);
  EXPECT_EQ(change(Remove{"none"}), kNotFound);
  EXPECT_EQ(change(Remove{"d"}), kInvalid);
  EXPECT_EQ(change(SetMetadata{"none", 0700, {}}), kNotFound);
  EXPECT_EQ(change(SetMetadata{"f", 04755, {}}), kInvalid);
  EXPECT_EQ(change(SyncDirectory{"f"}), kInvalid);
  EXPECT_EQ(read("f"), "f");
  const Result<FileStat> missing = folder_->stat("d/none");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "cannot look at d/none: No such file or directory");
}

TEST_P(FolderConformance, RenamesWithoutReplacing) {
  harness_->write("folder/a", "a");
  harness_->write("folder/b", "b");
  harness_->make_directory("folder/d/e");
  EXPECT_EQ(change(Rename{"a", "b"}), kExists);
  EXPECT_EQ(change(Rename{"a", "d"}), kExists);
  EXPECT_EQ(change(Rename{"none", "c"}), kNotFound);
  EXPECT_EQ(change(Rename{"a", "none/c"}), kNotFound);
  EXPECT_EQ(change(Rename{"d", "d/e/d"}), kInvalid);
  EXPECT_EQ(change(Rename{"a", "d/a"}), kNone);
  EXPECT_EQ(change(Rename{"d", "f"}), kNone);
  EXPECT_EQ(names(""), (Names{"b", "f"}));
  EXPECT_EQ(read("f/a"), "a");
  EXPECT_EQ(read("b"), "b");
}

TEST_P(FolderConformance, ExchangesWhatIsThere) {
  harness_->write("folder/a", "a");
  harness_->write("folder/d/b", "b");
  EXPECT_EQ(change(Rename{"a", "none", Rename::Mode::kExchange}), kNotFound);
  EXPECT_EQ(change(Rename{"none", "a", Rename::Mode::kExchange}), kNotFound);
  EXPECT_EQ(change(Rename{"d", "d/b", Rename::Mode::kExchange}), kInvalid);
  const std::uint64_t inode = folder_->stat("a")->inode;
  EXPECT_EQ(change(Rename{"a", "d/b", Rename::Mode::kExchange}), kNone);
  EXPECT_EQ(read("a"), "b");
  EXPECT_EQ(read("d/b"), "a");
  EXPECT_EQ(folder_->stat("d/b")->inode, inode);
  EXPECT_EQ(change(Rename{"a", "d", Rename::Mode::kExchange}), kNone);
  EXPECT_EQ(names("a"), Names{"b"});
  EXPECT_EQ(read("d"), "b");
}

TEST_P(FolderConformance, RemovesFilesLinksAndEmptyDirectories) {
  harness_->write("folder/d/f", "f");
  harness_->make_link("folder/l", "d");
  EXPECT_EQ(change(Remove{"l"}), kNone);
  EXPECT_EQ(change(Remove{"d"}), kInvalid);
  EXPECT_EQ(change(Remove{"d/f"}), kNone);
  EXPECT_EQ(change(Remove{"d"}), kNone);
  EXPECT_EQ(names(""), Names{});
}

TEST_P(FolderConformance, ReadsAndWritesAnywhereInAFile) {
  create("f", "0123456789");
  const auto file = folder_->open("f", OpenMode::kWrite);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->write(12, view("ab")));
  ASSERT_TRUE((*file)->write(2, view("__")));
  ASSERT_TRUE((*file)->write(0, {}));
  EXPECT_EQ((*file)->stat()->size, 14u);
  EXPECT_EQ(read("f"), std::string("01__456789\0\0ab", 14));
  Bytes out(5);
  EXPECT_EQ((*file)->read(11, out).value(), 3u);
  EXPECT_EQ((*file)->read(14, out).value(), 0u);
  EXPECT_EQ((*file)->read(1000, out).value(), 0u);
  EXPECT_TRUE((*file)->sync());
  const auto readable = folder_->open("f", OpenMode::kRead);
  ASSERT_TRUE(readable);
  EXPECT_FALSE((*readable)->write(0, view("x")));
}

TEST_P(FolderConformance, CopiesARangeOfAFile) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += std::to_string(i);
  create("from", text);
  create("to", "");
  const auto from = folder_->open("from", OpenMode::kRead);
  const auto to = folder_->open("to", OpenMode::kWrite);
  ASSERT_TRUE(from && to);
  ASSERT_TRUE((*to)->copy(**from, 8192, 4096, 4096));
  ASSERT_TRUE((*to)->copy(**from, 5, 0, 4096));
  ASSERT_TRUE((*to)->copy(**from, 3, 3, 0));
  EXPECT_EQ(read("to"), text.substr(5, 4096) + text.substr(8192, 4096));
  const Result<void> beyond = (*to)->copy(**from, text.size() - 5, 0, 6);
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().code, kInvalid);
}

TEST_P(FolderConformance, KeepsAFileOpenThatIsRenamedOrRemoved) {
  create("f", "bytes");
  const auto file = folder_->open("f", OpenMode::kWrite);
  ASSERT_TRUE(file);
  ASSERT_EQ(change(Rename{"f", "g"}), kNone);
  ASSERT_TRUE((*file)->write(0, view("B")));
  EXPECT_EQ(read("g"), "Bytes");
  ASSERT_EQ(change(Remove{"g"}), kNone);
  ASSERT_EQ(change(SyncAll{}), kNone);
  Bytes out(5);
  EXPECT_EQ((*file)->read(0, out).value(), 5u);
  EXPECT_EQ(text(out), "Bytes");
}

TEST_P(FolderConformance, SetsModeAndTime) {
  harness_->write("folder/f", "f");
  harness_->make_directory("folder/d");
  EXPECT_EQ(change(SetMetadata{"f", 0640, 1'234'567'890'123'456'789}), kNone);
  EXPECT_EQ(folder_->stat("f")->mode, 0640u);
  EXPECT_EQ(folder_->stat("f")->mtime_ns, 1'234'567'890'123'456'789);
  EXPECT_EQ(change(SetMetadata{"f", {}, -1}), kNone);  // 1969
  EXPECT_EQ(folder_->stat("f")->mtime_ns, -1);
  EXPECT_EQ(change(SetMetadata{"f", 0000, {}}), kNone);
  EXPECT_EQ(change(SetMetadata{"f", 0600, {}}), kNone);
  EXPECT_EQ(folder_->stat("f")->mtime_ns, -1);
  EXPECT_EQ(change(SetMetadata{"d", 0750, {}}), kNone);
  EXPECT_EQ(folder_->stat("d")->mode, 0750u);
  EXPECT_EQ(change(SetMetadata{"d", {}, 1}), kInvalid);
  create("new", "");
  EXPECT_EQ(folder_->stat("new")->mode, 0600u);
}

TEST_P(FolderConformance, ReachesDeeperThanThePathsOfTheKernel) {
  std::string path;
  const std::string name(250, 'd');
  for (int i = 0; i < 40; ++i) {
    path += (path.empty() ? "" : "/") + name;
    ASSERT_EQ(change(MakeDirectory{path}), kNone) << i;
  }
  create(path + "/f", "deep");
  EXPECT_EQ(names(path), Names{"f"});
  EXPECT_EQ(read(path + "/f"), "deep");
  EXPECT_EQ(change(Remove{path + "/f"}), kNone);
}

TEST_P(FolderConformance, SyncsAndTellsTheFreeSpace) {
  create("f", "f");
  harness_->make_directory("folder/d");
  EXPECT_EQ(change(SyncDirectory{""}), kNone);
  EXPECT_EQ(change(SyncDirectory{"d"}), kNone);
  EXPECT_EQ(change(SyncAll{}), kNone);
  EXPECT_GT(folder_->space()->free_bytes, 0u);
  EXPECT_GE(folder_->space()->total_bytes, folder_->space()->free_bytes);
}

TEST_P(FolderConformance, SetsTheSizeOfAFile) {
  create("f", "abcdef");
  EXPECT_EQ(change(SetSize{"f", 3}), kNone);
  EXPECT_EQ(read("f"), "abc");
  EXPECT_EQ(change(SetSize{"f", 5}), kNone);
  EXPECT_EQ(read("f"), std::string("abc\0\0", 5));
  EXPECT_EQ(change(SetSize{"none", 5}), ErrorCode::kNotFound);
  harness_->make_directory("folder/d");
  EXPECT_EQ(change(SetSize{"d", 5}), ErrorCode::kInvalidArgument);
}

TEST_P(FolderConformance, EndsWithItsRootButFollowsItsMove) {
  harness_->write("folder/f", "f");
  harness_->rename("folder", "moved");
  EXPECT_EQ(read("f"), "f");
  harness_->remove_tree("moved");
  EXPECT_EQ(list_code(""), kNotFound);
  EXPECT_EQ(stat_code(""), kNotFound);
  EXPECT_EQ(open_code("f", OpenMode::kRead), kNotFound);
  EXPECT_EQ(open_code("g", OpenMode::kCreate), kNotFound);
}

}  // namespace
}  // namespace shoal::conformance
