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
  b_.create(kRoot, "f.txt", file_of(2));
  meet();
  EXPECT_THAT(paths(), ElementsAre("f (conflict 01010101-1).txt", "f.txt"));
  EXPECT_EQ(a_.tree().child(kRoot, "f.txt")->content, file_of(2));
}

// ---- Of changes made apart the newest has the name

TEST_F(TreeTest, OfEditsMadeApartTheNewestHasTheName) {
  for (FolderReplica* newer : {&a_, &b_}) {
    a_.set_clock(1'000);
    const NodeId f = a_.create(kRoot, "f", file_of(1));
    meet();
    FolderReplica& older = newer == &a_ ? b_ : a_;
    for (int i = 0; i < 3; ++i) older.create(kRoot, "another", file_of(7));  // it has seen more changes
    newer->set_clock(3'000);
    older.set_clock(2'000);
    newer->edit(f, file_of(3));
    older.edit(f, file_of(2));
    meet();
    EXPECT_EQ(a_.tree().child(kRoot, "f")->content, file_of(3));
    EXPECT_THAT(a_.tree().conflict_copies(), SizeIs(1)) << "the other stays as a copy";
    a_.remove(a_.tree().conflict_copies().front());
    a_.remove(f);
    meet();
  }
}

TEST_F(TreeTest, OfFilesMadeApartTheNewestHasTheName) {
  a_.set_clock(2'000);
  b_.set_clock(1'000);
  a_.create(kRoot, "f", file_of(1));
  b_.create(kRoot, "f", file_of(2));
  meet();
  EXPECT_EQ(b_.tree().child(kRoot, "f")->content, file_of(1));
  EXPECT_THAT(paths(), SizeIs(2));
}

TEST_F(TreeTest, TheTimeOfAFileSaysWhenItWasEditedUnlessItIsInTheFuture) {
  constexpr std::int64_t kNowMs = 1'800'000'000'000;
  struct Case {
    const char* what;
    std::int64_t a_ms, b_ms;  // the file's times
    bool a_wins;
  };
  // B's edits are found five seconds after A's.
  for (const Case& each : {Case{"found later, and older", kNowMs - 1'000, kNowMs - 2'000, true},
                           Case{"found later, and newer", kNowMs - 2'000, kNowMs - 1'000, false},
                           Case{"the future counts as when it was found", 2 * kNowMs, kNowMs - 1, true},
                           Case{"both in the future", 4 * kNowMs, 2 * kNowMs, false},
                           Case{"without a time: when it was found", 0, kNowMs - 1, true}}) {
    SCOPED_TRACE(each.what);
    a_.set_clock(kNowMs);
    b_.set_clock(kNowMs + 5'000);
    const NodeId f = a_.create(kRoot, each.what, file_of(1));
    meet();
    Content by_a = file_of(2);
    Content by_b = file_of(3);
    by_a.mtime_ns = each.a_ms * 1'000'000;
    by_b.mtime_ns = each.b_ms * 1'000'000;
    a_.edit(f, by_a);
    b_.edit(f, by_b);
    meet();
    EXPECT_EQ(a_.tree().shown(f)->content, each.a_wins ? by_a : by_b);
  }
}

TEST_F(TreeTest, AWriteFromAWrongClockDoesNotOutliveItsReplacement) {
  const NodeId f = a_.create(kRoot, "f", file_of(1));
  meet();
  a_.set_clock(9'000'000);
  a_.edit(f, file_of(2));
  meet();
  b_.set_clock(1'000);
  b_.edit(f, file_of(3));
  meet();
  EXPECT_EQ(a_.tree().shown(f)->content, file_of(3)) << "it has seen what it replaces";
  a_.set_clock(1'100);
  b_.set_clock(1'200);
  a_.edit(f, file_of(4));
  b_.edit(f, file_of(5));
  meet();
  EXPECT_EQ(a_.tree().shown(f)->content, file_of(5));
}

TEST_F(TreeTest, AnEditOfTheFileThatHasTheNameKeepsItTheName) {
  a_.set_clock(2'000);
  b_.set_clock(1'000);
  const NodeId f = a_.create(kRoot, "f", file_of(1));
  b_.create(kRoot, "f", file_of(2));
  meet();
  b_.set_clock(500);  // an older version is put back
  b_.edit(f, file_of(3));
  meet();
  EXPECT_EQ(a_.tree().child(kRoot, "f")->content, file_of(3));
  EXPECT_THAT(paths(), SizeIs(2));
}

TEST_F(TreeTest, FilesThatAreOneAreAsNewAsTheNewest) {
  a_.set_clock(1'000);
  a_.create(kRoot, "f", file_of(1));
  a_.set_clock(2'000);
  a_.create(kRoot, "f", file_of(2));
  b_.set_clock(3'000);
  b_.create(kRoot, "f", file_of(1));
  meet();
  EXPECT_EQ(a_.tree().child(kRoot, "f")->content, file_of(1));
}

TEST_F(TreeTest, EditsOfOneTimeAreOrderedByTheirDots) {
  a_.set_clock(1'000);
  b_.set_clock(1'000);
  const NodeId f = a_.create(kRoot, "f", file_of(1));
  meet();
  a_.edit(f, file_of(2));
  b_.edit(f, file_of(3));
  meet();
  EXPECT_EQ(a_.tree().shown(f)->content, file_of(3));
}

TEST_F(TreeTest, OfThreeEditsMadeApartTheNewestHasTheName) {
  std::vector<FolderReplica> three = some_replicas(3);
  const NodeId f = three[0].create(kRoot, "f", file_of(9));
  exchange_all(three);
  for (std::uint64_t i = 0; i < 3; ++i) {
    three[i].set_clock(i == 1 ? 3'000 : 1'000 + i);
    three[i].edit(f, file_of(i));
  }
  exchange_all(three);
  for (const FolderReplica& each : three) EXPECT_EQ(each.tree().child(kRoot, "f")->content, file_of(1));
  EXPECT_THAT(three[0].tree().conflict_copies(), SizeIs(2));
}

TEST_F(TreeTest, OfRenamesMadeApartTheNewestStays) {
  const NodeId f = a_.create(kRoot, "f", file_of(1));
  meet();
  a_.set_clock(2'000);
  b_.set_clock(1'000);
  a_.move(f, kRoot, "newer");
  b_.move(f, kRoot, "older");
  meet();
  EXPECT_THAT(paths(), ElementsAre("newer"));
}

TEST_F(TreeTest, EachOfManyEditsMadeApartIsShown) {
  constexpr std::uint8_t kHosts = 250;
  std::vector<FolderReplica> hosts = some_replicas(kHosts);
  const NodeId f = hosts[0].create(kRoot, "plan.txt", file_of(0));
  for (std::uint8_t i = 1; i < kHosts; ++i) {
    hosts[i].pull(hosts[0]);
    hosts[i].apply();
    hosts[i].edit(f, file_of(i));
  }
  for (std::uint8_t i = 1; i < kHosts; ++i) hosts[0].pull(hosts[i]);
  EXPECT_THAT(hosts[0].tree().children(kRoot), SizeIs(kHosts - 1));
  EXPECT_TRUE(fits(*hosts[0].tree().find(f), kReceivedEntryBytesMax));
  hosts[1].pull(hosts[0]);
  EXPECT_EQ(shown_paths(hosts[1].tree()), shown_paths(hosts[0].tree()));
  EXPECT_THAT(hosts[1].tree().conflicts(), SizeIs(kHosts - 2));
}

// ---- Work

// Joined one after the other, then shown and changed: not much more per file when there are eight times as
// many of them.
template <class Fill>
double growth_of(Fill fill) {
  const auto cost = [&](std::uint64_t files) {
    Tree tree;
    fill(tree, files);
    const std::clock_t begin = std::clock();
    for (const NodeId& id : tree.take_changed()) (void)tree.shown(id);
    (void)tree.children(kRoot);
    (void)tree.conflicts();
    return static_cast<double>(std::max<std::clock_t>(std::clock() - begin, 1)) / static_cast<double>(files);
  };
  const double few = std::min({cost(500), cost(500), cost(500)});
  return cost(4'000) / few;
}

constexpr double kGrowthMax = 4;  // it would be 8 if the work were quadratic

TEST(TreeWork, FilesOfOneNameCostWhatOthersCost) {
  const double growth = growth_of([](Tree& tree, std::uint64_t files) {
    Stamp stamp{replica_id(1)};
    for (std::uint64_t i = 0; i < files; ++i) {
      tree.join(created(stamp, kRoot, "f", file_of(i), Metadata{0644}));
    }
  });
  EXPECT_LT(growth, kGrowthMax);
}

TEST(TreeWork, FilesOfOneNameAndOneDotCostWhatOthersCost) {
  const double growth = growth_of([](Tree& tree, std::uint64_t files) {
    for (std::uint64_t i = 0; i < files; ++i) {
      Stamp stamp{replica_id(1)};
      Entry entry = created(stamp, kRoot, "f", file_of(i), Metadata{0644});
      entry.id.counter += i;  // a peer that breaks the rules gives all the same conflict name
      tree.join(entry);
    }
  });
  EXPECT_LT(growth, kGrowthMax);
}

TEST(TreeWork, VersionsOfOneFileCostWhatOthersCost) {
  const double growth = growth_of([](Tree& tree, std::uint64_t files) {
    Stamp stamp{replica_id(1)};
    Entry entry = created(stamp, kRoot, "f", file_of(0), Metadata{0644});
    std::vector<Version<Content>> versions;
    Knowledge context;
    for (std::uint64_t i = 1; i <= files; ++i) {
      versions.push_back({{replica_id(2), i}, 1, file_of(i)});
      context.add(versions.back().dot);
    }
    entry.content = Register<Content>::from_parts(versions, context);
    tree.join(entry);
    tree.join(entry);
  });
  EXPECT_LT(growth, kGrowthMax);
}

TEST(TreeWork, DirectoriesThatAreOneCostWhatOthersCost) {
  const double growth = growth_of([](Tree& tree, std::uint64_t files) {
    Stamp stamp{replica_id(1)};
    for (std::uint64_t i = 0; i < files / 2; ++i) {
      const Entry entry = created(stamp, kRoot, "d", directory(), Metadata{0755});
      tree.join(entry);
      tree.join(created(stamp, entry.id, i % 2 == 0 ? "f" : std::to_string(i), file_of(i), Metadata{0644}));
    }
  });
  EXPECT_LT(growth, kGrowthMax);
}

TEST(TreeWork, ADeepTreeCostsWhatAnotherCosts) {
  const double growth = growth_of([](Tree& tree, std::uint64_t files) {
    Stamp stamp{replica_id(1)};
    std::vector<Entry> entries;
    NodeId parent = kRoot;
    for (std::uint64_t i = 0; i < files; ++i) {
      entries.push_back(created(stamp, parent, "d", directory(), Metadata{0755}));
      parent = entries.back().id;
    }
    for (const Entry& entry : entries) tree.join(entry);
  });
  EXPECT_LT(growth, kGrowthMax);
}

// ---- Rules of names

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
