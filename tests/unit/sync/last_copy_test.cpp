// The last copy of a content that some entry still shows is never out of reach: hosts that people work on at
// one time come to rest, with every version that nobody has replaced.
#include <gmock/gmock.h>

#include "tests/unit/sync/folder_cluster.h"

namespace shoal {
namespace {

using ::testing::UnorderedElementsAre;

class LastCopyTest : public FolderCluster {
 protected:
  std::multiset<std::string> texts(std::size_t host) {
    std::multiset<std::string> texts;
    for (const std::string& path : paths(host)) texts.insert(read(host, path));
    return texts;
  }
};

TEST_F(LastCopyTest, AnEditByRenameThatLosesToAPeersEditBecomesAConflictCopy) {
  share_among(2);
  write(1, "plan", "as it was");
  ASSERT_TRUE(converge());
  write(0, "plan.tmp", "of host 0");
  cluster_.advance(32ms);
  rename(0, "plan.tmp", "plan");
  cluster_.advance(50ms);
  write(1, "plan", "of host 1");
  ASSERT_TRUE(converge()) << describe();
  expect_the_same();
  EXPECT_THAT(texts(0), UnorderedElementsAre("of host 0", "of host 1"));
}

TEST_F(LastCopyTest, AFileMovedOverAnotherWhileAPeerWritesThereIsNotLost) {
  share_among(4);
  write(3, "b", "old");
  ASSERT_TRUE(converge());
  write(0, "a", "of host 0");
  cluster_.advance(30ms);
  rename(0, "a", "b");
  cluster_.advance(38ms);
  write(1, "b", "of host 1");
  ASSERT_TRUE(converge()) << describe();
  expect_the_same();
  EXPECT_THAT(texts(2), UnorderedElementsAre("of host 0", "of host 1"));
}

// Both hosts have made the directory, so it becomes one, under the other's id, while a scan of it is due.
TEST_F(LastCopyTest, AnEditIsSeenInADirectoryThatBecomesOneWithAPeers) {
  share_among(3);
  write(0, "d/f", "first");
  ASSERT_TRUE(disk(2).make_directories(in_root("d")));
  cluster_.advance(32ms);
  write(0, "d/f", "other");  // as long as the first
  ASSERT_TRUE(converge()) << describe();
  expect_the_same();
  EXPECT_EQ(read(2, "d/f"), "other");
}

// Both entries come to have one name and one content, while a person renames the file of one over that of the
// other.
TEST_F(LastCopyTest, AFileThatBecomesOneWithAnotherIsNotDeletedWithIt) {
  share_among(3);
  write(1, "a", "old of a");
  cluster_.advance(316ms);
  rename(0, "a", "b");
  write(2, "b", "b of host 2");
  write(2, "a", "a of host 2");
  cluster_.advance(26ms);
  rename(2, "a", "b");
  ASSERT_TRUE(converge()) << describe();
  expect_the_same();
  EXPECT_EQ(texts(0).count("a of host 2"), 1u);
}

TEST_F(LastCopyTest, AContentThatNoPeerHasComesBackFromTheTrash) {
  share_among(2);
  const std::string text = "as it was " + std::string(100'000, 'x');
  write(0, "gone", text);
  ASSERT_TRUE(converge());
  remove(1, "gone");
  ASSERT_TRUE(converge());
  ASSERT_EQ(trash(0).count(text), 1u);

  write(1, "again", text);
  const auto is_known = [&] { return folder(0).context().tree.child(sync::kRoot, "again").has_value(); };
  while (!is_known()) cluster_.advance(1ms);
  ASSERT_EQ(read(0, "again").find("as it was"), std::string::npos);
  cluster_.crash(1);
  cluster_.advance(60s);
  EXPECT_EQ(read(0, "again"), text) << describe();
}

// The entry takes back a name that it left, after the person has written into it under another.
TEST_F(LastCopyTest, AnEntryThatTakesItsNameBackHoldsNoContentThatThePersonHasReplaced) {
  share_among(2);
  write(0, "f", "as it was");
  write(1, "other", "other");
  ASSERT_TRUE(converge());
  rename(1, "f", "g");
  cluster_.advance(2s);
  rename(1, "g", "g~");
  write(1, "g", "short-lived");
  cluster_.advance(34ms);
  remove(1, "g");
  write(1, "f", "the last");
  ASSERT_TRUE(converge()) << describe();
  expect_the_same();
  EXPECT_THAT(texts(0), UnorderedElementsAre("as it was", "other", "the last"));
}

// ---- A person acts while a peer's change is being installed

class InTheMiddle : public LastCopyTest, public ::testing::WithParamInterface<int> {};

TEST_P(InTheMiddle, OfAnInstallAWriteIsNotTakenForThePeersChange) {
  share_among(2);
  write(0, "f", "as it was");
  ASSERT_TRUE(converge());
  bool has_written = false;
  write(0, "f", "of host 0");
  disk(1).before_call(static_cast<std::uint64_t>(GetParam()), [&] {
    write(1, "f", "of host 1");
    has_written = true;
  });
  ASSERT_TRUE(converge()) << describe();
  ASSERT_TRUE(has_written) << "the install makes fewer calls";
  expect_the_same();
  EXPECT_EQ(texts(0).count("of host 1"), 1u) << describe();
}

INSTANTIATE_TEST_SUITE_P(Calls, InTheMiddle, ::testing::Range(1, 22));

}  // namespace
}  // namespace shoal
