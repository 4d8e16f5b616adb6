// What a folder's entries look like as a directory tree: each rule at the head of tree.h.
#include "node/sync/tree.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <ctime>

#include "tests/unit/sync/folder_replica.h"

namespace shoal::sync {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class TreeTest : public testing::Test {
 protected:
  void meet() { exchange_all(replicas_); }
  std::vector<std::string> paths() {
    std::vector<std::string> paths;
    for (const auto& [path, shown] : shown_paths(a_.tree())) paths.push_back(path);
    for (const FolderReplica& other : replicas_) EXPECT_EQ(shown_paths(other.tree()), shown_paths(a_.tree()));
    return paths;
  }

  std::vector<FolderReplica> replicas_ = some_replicas(2);
  FolderReplica& a_ = replicas_[0];
  FolderReplica& b_ = replicas_[1];
};

TEST_F(TreeTest, ADirectoryThatIsDeletedAroundANewChildLives) {
  const NodeId d = a_.create(kRoot, "d", directory());
  meet();
  a_.create(d, "new", file_of(1));
  b_.remove(d);
  meet();
  EXPECT_THAT(paths(), ElementsAre("d/", "d/new"));
}

TEST_F(TreeTest, ADirectoryThatLivedForItsChildDiesWithIt) {
  const NodeId d = a_.create(kRoot, "d", directory());
  meet();
  const NodeId child = a_.create(d, "new", file_of(1));
  b_.remove(d);
  meet();
  b_.remove(child);
  meet();
  EXPECT_THAT(paths(), IsEmpty());
}

TEST_F(TreeTest, AnEditBeatsADeletionAroundIt) {
  const NodeId d = a_.create(kRoot, "d", directory());
  const NodeId f = a_.create(d, "f", file_of(1));
  meet();
  a_.edit(f, file_of(2));
  b_.remove(f);
  b_.remove(d);
  meet();
  EXPECT_THAT(paths(), ElementsAre("d/", "d/f"));
}

TEST_F(TreeTest, DirectoriesThatMoveIntoEachOtherStayATree) {
  const NodeId x = a_.create(kRoot, "x", directory());
  const NodeId y = a_.create(kRoot, "y", directory());
  a_.create(x, "in", file_of(1));
  meet();
  a_.move(x, y, "x");
  b_.move(y, x, "y");
  meet();
  // B's move has the higher replica at the same time, so A's is undone.
  EXPECT_THAT(paths(), ElementsAre("x/", "x/in", "x/y/"));
}

TEST_F(TreeTest, WhatLiesInAnUnknownDirectoryWaitsForIt) {
  const NodeId d = a_.create(kRoot, "d", directory());
  const NodeId f = a_.create(d, "f", file_of(1));
  Tree tree;
  tree.join(*a_.tree().find(f));
  EXPECT_FALSE(tree.shown(f).has_value());
  tree.join(*a_.tree().find(d));
  EXPECT_EQ(tree.shown(f)->parent, d);
}

TEST_F(TreeTest, WhatLiesInAFileShowsBesideIt) {
  const NodeId file = a_.create(kRoot, "f", file_of(1));
  const NodeId inner = a_.create(file, "g", file_of(2));
  a_.create(inner, "h", file_of(3));
  meet();
  EXPECT_THAT(paths(), ElementsAre("f", "g", "h"));
}

TEST_F(TreeTest, FilesThatLieInEachOtherAreShown) {
  const NodeId f = a_.create(kRoot, "f", file_of(1));
  const NodeId g = a_.create(kRoot, "g", file_of(2));
  a_.move(f, g, "f");
  a_.move(g, f, "g");
  meet();
  EXPECT_THAT(paths(), ElementsAre("f", "g"));
}

TEST_F(TreeTest, DirectoriesOfOneNameAreOneWithAllTheirChildren) {
  const NodeId x = a_.create(kRoot, "d", directory());
  const NodeId y = b_.create(kRoot, "d", directory());
  a_.create(a_.create(x, "sub", directory()), "one", file_of(1));
  b_.create(b_.create(y, "sub", directory()), "two", file_of(2));
  meet();
  EXPECT_THAT(paths(), ElementsAre("d/", "d/sub/", "d/sub/one", "d/sub/two"));
  EXPECT_EQ(a_.tree().shown_as(y), x);
  EXPECT_THAT(a_.tree().members(x), ElementsAre(x, y));
  EXPECT_FALSE(a_.tree().shown(y).has_value());
}

TEST_F(TreeTest, UnifiedDirectoriesMoveAndDieAsOne) {
  const NodeId x = a_.create(kRoot, "d", directory());
  b_.create(kRoot, "d", directory());
  meet();
  b_.move(x, kRoot, "e");
  meet();
  EXPECT_THAT(paths(), ElementsAre("e/"));
  a_.remove(x);
  meet();
  EXPECT_THAT(paths(), IsEmpty());
}

TEST_F(TreeTest, NamesThatDifferInCaseAreTwo) {
  a_.create(kRoot, "A", file_of(1));
  b_.create(kRoot, "a", file_of(1));
  const NodeId x = a_.create(kRoot, "T", directory());
  const NodeId y = b_.create(kRoot, "t", directory());
  a_.create(x, "f", file_of(2));
  b_.create(y, "f", file_of(3));
  meet();
  EXPECT_THAT(paths(), ElementsAre("A", "T/", "T/f", "a", "t/", "t/f"));
  EXPECT_THAT(a_.tree().conflicts(), IsEmpty());
}

TEST_F(TreeTest, NamesThatDifferInTheirNormalFormAreTwo) {
  a_.create(kRoot, "\u00e9", file_of(1));
  b_.create(kRoot, "e\u0301", file_of(1));
  meet();
  EXPECT_THAT(paths(), UnorderedElementsAre("\u00e9", "e\u0301"));
}

TEST_F(TreeTest, FilesOfOneNameAndTheSameBytesAreOne) {
  a_.create(kRoot, "f", file_of(1));
  b_.create(kRoot, "f", file_of(1));
  meet();
  EXPECT_THAT(paths(), SizeIs(1));
}

TEST_F(TreeTest, OfFilesOfOneNameTheLatestKeepsIt) {
  a_.create(kRoot, "f.txt", file_of(1));
  b_.create(kRoot, "F.txt", file_of(2));
  meet();
  EXPECT_THAT(paths(), ElementsAre("F.txt", "f (conflict 01010101-1).txt"));
}

TEST_F(TreeTest, ADirectoryKeepsItsNameBesideAFile) {
  a_.create(kRoot, "n", directory());
  b_.create(kRoot, "n", file_of(2));
  meet();
  EXPECT_THAT(paths(), ElementsAre("n (conflict 02020202-1)", "n/"));
}

TEST_F(TreeTest, AConflictCopyWhoseNameIsTakenGetsAnother) {
  a_.create(kRoot, "n (conflict 02020202-1)", file_of(3));
  a_.create(kRoot, "n", directory());
  b_.create(kRoot, "n", file_of(2));
  meet();
  EXPECT_THAT(paths(), ElementsAre("n (conflict 02020202-1)", "n (conflict 02020202-1-1)", "n/"));
}

TEST_F(TreeTest, TheLongestNameOfAConflictCopyMayBeTaken) {
  const std::string longest(kNameBytesMax, 'n');
  a_.create(kRoot, longest, directory());
  a_.create(kRoot, conflict_name(longest, {replica_id(2), 1}), file_of(3));
  b_.create(kRoot, longest, file_of(2));
  meet();
  EXPECT_THAT(paths(), SizeIs(3));
}

TEST_F(TreeTest, AnEntryWithoutAPlaceIsNotShown) {
  // Two states that each take the other's only place for replaced: no honest replica tells them.
  const NodeId d = a_.create(kRoot, "d", directory());
  a_.create(d, "f", file_of(1));
  const Entry& honest = *a_.tree().find(d);
  Entry one = honest;
  one.place = {};
  one.metadata = {};
  const Dot other{replica_id(9), 1};
  Knowledge both;
  both.add(d);
  both.add(other);
  one.place = Register<Place>::from_parts({{other, 1, Place{kRoot, "d", kRoot, other}}}, both);
  one.metadata = Register<Metadata>::from_parts({{other, 1, Metadata{}}}, both);
  Entry two = honest;
  two.place = Register<Place>::from_parts(honest.place.versions(), both);
  both.add(Dot{other.replica, 2});  // of other writes: of the same ones nothing would go
  two.metadata = Register<Metadata>::from_parts(honest.metadata.versions(), both);
  a_.tree().join(one);
  a_.tree().join(two);
  ASSERT_TRUE(a_.tree().find(d)->place.empty());
  EXPECT_THAT(a_.tree().children(kRoot), IsEmpty());
}

TEST_F(TreeTest, PagesOfAnySizeBringEverything) {
  for (std::uint64_t i = 0; i < 20; ++i) a_.create(kRoot, "f" + std::to_string(i), file_of(i));
  for (const std::size_t bytes_max :
       {std::size_t{0}, std::size_t{1}, std::size_t{500}, std::size_t{100'000}}) {
    FolderReplica fresh(7);
    const std::size_t pages = fresh.pull(a_, bytes_max);
    EXPECT_EQ(fresh.tree().fingerprint(), a_.tree().fingerprint());
    EXPECT_EQ(fresh.knowledge(), a_.knowledge());
    EXPECT_EQ(pages, bytes_max < 2 ? 20u : bytes_max == 500 ? pages : 1u);
    EXPECT_TRUE(a_.tree().changes_since(fresh.knowledge(), a_.knowledge(), 1000).entries.empty());
  }
}

}  // namespace
}  // namespace shoal::sync
