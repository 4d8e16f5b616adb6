#include "node/sync/lineage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/sync/folder_replica.h"

namespace shoal::sync {
namespace {

constexpr std::uint64_t kClosed = Lineage::kClosedMark;
constexpr ReplicaId kB{{0xb}};

// Counters up to `end` in these runs.
Lineage lineage(std::vector<Run> runs, std::uint64_t end) {
  return {std::move(runs), end};
}

TEST(Lineage, ForksWhereTheRunsDiffer) {
  struct Case {
    Lineage a;
    Lineage b;
    std::optional<std::uint64_t> fork;
  };
  const std::vector<Case> cases = {
      {{}, {}, {}},
      {{}, lineage({{1, 11}}, 5), {}},
      {lineage({{1, 11}}, 5), lineage({{1, 11}}, 9), {}},
      {lineage({{1, 11}}, 5), lineage({{1, 11}, {6, 12}}, 9), {}},
      {lineage({{1, 11}}, 6), lineage({{1, 11}, {6, 12}}, 9), 5},
      {lineage({{1, 11}}, 30), lineage({{1, 11}, {6, 12}}, 9), 5},
      {lineage({{1, 11}, {6, 13}}, 6), lineage({{1, 11}, {6, 12}}, 9), 5},
      {lineage({{1, 11}, {4, 13}}, 6), lineage({{1, 11}, {6, 12}}, 9), 3},
      {lineage({{1, 11}}, 5), lineage({{1, 12}}, 5), 0},
      {lineage({{1, 11}}, 5), lineage({{1, 11}, {6, kClosed}}, 5), {}},
      {lineage({{1, 11}}, 6), lineage({{1, 11}, {6, kClosed}}, 5), 5},
      {lineage({{1, 11}, {4, kClosed}}, 3), lineage({{1, 11}, {6, kClosed}}, 5), 3},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(fork_of(each.a, each.b), each.fork);
    EXPECT_EQ(fork_of(each.b, each.a), each.fork);
  }
}

// What a host that knows `known` with these lineages gets of one with those.
Result<Lineages::Reconciled> reconcile(Lineages& ours, const Knowledge& known, const Lineages& theirs) {
  std::vector<LineageTail> all;
  for (LineageTails page{{}, true}; page.more;) {
    page = theirs.tails(known, ours.tips(known), all.empty() ? ReplicaId{} : all.back().replica, 0);
    const auto decoded = decode_tails(encode_tails(page.tails));
    EXPECT_TRUE(decoded);
    all.insert(all.end(), decoded->begin(), decoded->end());
  }
  return ours.reconcile(all);
}

Knowledge up_to(const Lineages& lineages) {
  Knowledge known;
  for (const auto& [replica, each] : lineages.changed()) known.add(replica, each.end);
  return known;
}

TEST(Lineages, ArePulledByTheRunsThatAreLacking) {
  Lineages theirs, ours;
  theirs.put(kB, lineage({{1, 11}, {6, 12}, {8, 13}}, 9));
  ours.put(kB, lineage({{1, 11}, {6, 12}}, 7));
  const Knowledge known = up_to(ours);
  const LineageTails tails = theirs.tails(known, ours.tips(known), {}, 1000);
  ASSERT_EQ(tails.tails.size(), 1u);
  EXPECT_EQ(tails.tails.front(), (LineageTail{kB, 2, lineage({{8, 13}}, 9)}));
  const auto reconciled = reconcile(ours, known, theirs);
  ASSERT_TRUE(reconciled);
  EXPECT_TRUE(reconciled->ours.empty() && reconciled->theirs.empty());
  EXPECT_EQ(ours.find(kB), theirs.find(kB));
  EXPECT_EQ(ours.hash(), theirs.hash());
  EXPECT_TRUE(theirs.tails(up_to(ours), ours.tips(up_to(ours)), {}, 1000).tails.empty());
}

// Three lineages, two forks: the names of dots are the same in whatever order they meet.
TEST(Lineages, NameDotsAlikeInWhateverOrderTheyMeet) {
  const std::vector<Lineage> lines = {
      lineage({{1, 11}, {5, 12}}, 20),
      lineage({{1, 11}, {5, 12}, {15, 13}}, 25),
      lineage({{1, 11}, {5, 12}, {9, 14}}, 30),
  };
  std::vector<int> order = {0, 1, 2};
  std::set<std::uint64_t> hashes;
  std::set<std::vector<Dot>> names;
  do {
    Lineages ours;
    ours.put(kB, lines[static_cast<std::size_t>(order[0])]);
    std::vector<Dot> named(3, Dot{kB, 18});  // of each line
    named.push_back({kB, 12});               // of the first two
    named.push_back({kB, 8});                // of all
    std::vector<Renaming> so_far(3);
    for (const int line : {order[1], order[2], order[0], order[1], order[2]}) {
      Lineages theirs;
      theirs.put(kB, lines[static_cast<std::size_t>(line)]);
      const auto reconciled = reconcile(ours, {}, theirs);
      ASSERT_TRUE(reconciled);
      so_far[static_cast<std::size_t>(line)] = reconciled->theirs;
    }
    for (std::size_t line = 0; line < 3; ++line) named[line] = so_far[line](named[line]);
    EXPECT_EQ(so_far[0](named[3]), so_far[1](named[3]));
    named[3] = so_far[0](named[3]);
    EXPECT_EQ(so_far[2](named[4]), named[4]);
    names.insert(named);
    EXPECT_EQ((std::set<Dot>(named.begin(), named.end()).size()), 5u);
    hashes.insert(ours.hash());
  } while (std::ranges::next_permutation(order).found);
  EXPECT_EQ(hashes.size(), 1u);
  EXPECT_EQ(names.size(), 1u);
}

TEST(Renaming, GivesAnEntryNamesInAllItsParts) {
  const ReplicaId to{{0xd}};
  Renaming renaming;
  renaming.add(kB, 5, to);
  Entry entry;
  entry.id = {kB, 7};
  entry.place.write({{kB, 9}, 1, Place{{kB, 6}, "f", {kB, 5}, {kB, 8}}});
  entry.content.write({{kB, 4}, 1, Content{}});
  Deletion deletion;
  deletion.seen.add(kB, 9);
  entry.deletion.write({{kB, 10}, 2, deletion});
  const Entry now = renaming(entry);
  EXPECT_EQ(now.id, (NodeId{to, 7}));
  EXPECT_EQ(now.place.winner().dot, (Dot{to, 9}));
  EXPECT_EQ(now.place.winner().value, (Place{{to, 6}, "f", {kB, 5}, {to, 8}}));
  EXPECT_EQ(now.content, entry.content);
  EXPECT_EQ(now.deletion.winner().value.seen.of(kB), 5u);
  EXPECT_EQ(now.deletion.winner().value.seen.of(to), 9u);
  EXPECT_EQ(now.place.context().of(kB), 5u);
  EXPECT_EQ(renaming(conflict_id({kB, 6})), conflict_id({to, 6}));
  EXPECT_EQ(renaming(conflict_id({kB, 5})), conflict_id({kB, 5}));
}

TEST(LineageTails, RefusesWhatBreaksARule) {
  const ReplicaId a{{0xa}};
  const std::vector<std::vector<LineageTail>> cases = {
      {{kB, 0, lineage({{5, 11}, {5, 12}}, 9)}},
      {{kB, 0, lineage({{0, 11}}, 9)}},
      {{kB, 0, lineage({{1, kClosed}, {2, 12}}, 9)}},
      {{kB, 0, lineage({{3, 11}}, 2)}},
      {{kB, 0, lineage({{3, kClosed}}, 3)}},
      {{kB, 0, lineage({{3, 11}}, kCounterMax + 1)}},
      {{kB, Lineage::kRunsMax, lineage({{3, 11}}, 3)}},
      {{kB, 0, lineage({{3, 11}}, 3)}, {a, 0, lineage({{3, 11}}, 3)}},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) EXPECT_FALSE(decode_tails(encode_tails(cases[i]))) << i;
  Bytes cut = encode_tails({{kB, 0, lineage({{3, 11}}, 3)}});
  cut.pop_back();
  EXPECT_FALSE(decode_tails(cut));
  Lineages ours;
  EXPECT_FALSE(ours.reconcile({{kB, 1, lineage({{3, 11}}, 3)}})) << "there is no run before it";
}

}  // namespace
}  // namespace shoal::sync
