// Machines that are rolled back to a snapshot, disk and index together, and machines that are cloned: what
// they write has the dots of other writes. Nothing of either is lost, and all hosts come to the same.
#include <gmock/gmock.h>

#include "tests/unit/sync/folder_cluster.h"

namespace shoal {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using testing::UnorderedElementsAre;

class SnapshotTest : public FolderCluster {
 protected:
  explicit SnapshotTest(std::uint64_t seed = 1) : FolderCluster(seed) {}

  void part(const std::vector<std::size_t>& one, const std::vector<std::size_t>& other, bool is_cut) {
    for (const std::size_t a : one) {
      for (const std::size_t b : other) is_cut ? cut(a, b) : heal(a, b);
    }
  }
  // The text of each file.
  std::multiset<std::string> texts(std::size_t host) {
    std::multiset<std::string> texts;
    for (const std::string& path : paths(host)) {
      if (stat(host, path).kind == FileKind::kFile) texts.insert(read(host, path));
    }
    return texts;
  }
  // Hosts that have forked compare before and after they do; so all but mismatches of that time.
  void expect_all_the_same() {
    const std::vector<std::size_t> all = keepers();
    for (const std::size_t host : all) {
      EXPECT_EQ(contents(host), contents(all.front())) << "host " << host << describe();
      EXPECT_EQ(folder(host).context().disk.size(), contents(host).size()) << "host " << host;
      EXPECT_EQ(folder(host).context().lineages.hash(), folder(all.front()).context().lineages.hash())
          << describe();
      EXPECT_EQ(counters(host).fingerprint_mismatches, 0u) << "host " << host;
      EXPECT_EQ(counters(host).entries_repaired, 0u) << "host " << host;
      EXPECT_EQ(counters(host).refused_pages, 0u) << "host " << host;
    }
  }
};

TEST_F(SnapshotTest, AnEditAfterARollbackIsKeptBesideWhatPeersHave) {
  share_among(2);
  write(0, "f", "v0");
  ASSERT_TRUE(converge());
  const HostDisk::Snapshot before = snapshot(1);
  ASSERT_TRUE(converge());
  write(1, "f", "after the snapshot");
  ASSERT_TRUE(converge());
  write(0, "f", "of the peer");
  ASSERT_TRUE(converge());
  cut(0, 1);
  roll_back(1, before);
  cluster_.advance(5s);
  EXPECT_EQ(read(1, "f"), "v0");
  write(1, "f", "after the rollback");
  cluster_.advance(5s);
  heal(0, 1);
  ASSERT_TRUE(converge(180s));
  expect_all_the_same();
  EXPECT_THAT(texts(0), UnorderedElementsAre("of the peer", "after the rollback"));
  EXPECT_GE(counters(0).forks + counters(1).forks, 1u);
}

TEST_F(SnapshotTest, AMachineThatIsRolledBackAndWritesNothingTakesWhatItHadDone) {
  share_among(2);
  write(1, "f", "v0");
  write(1, "gone", "goes");
  ASSERT_TRUE(converge());
  const HostDisk::Snapshot before = snapshot(1);
  write(1, "f", "v1");
  remove(1, "gone");
  ASSERT_TRUE(converge());
  roll_back(1, before);
  ASSERT_TRUE(converge(180s));
  expect_all_the_same();
  EXPECT_THAT(paths(1), ElementsAre("f"));
  EXPECT_EQ(read(1, "f"), "v1");
  write(1, "f", "v2");
  ASSERT_TRUE(converge());
  EXPECT_EQ(read(0, "f"), "v2");
  EXPECT_THAT(folder(0).conflicts().conflicts, testing::IsEmpty());
}

// How much is written before the rollback, and after it, each time in a run of its own or not.
class RollbackTest : public SnapshotTest,
                     public testing::WithParamInterface<std::tuple<int, int, bool, std::size_t>> {};

TEST_P(RollbackTest, WhatWasWrittenBeforeAndAfterIsThereOnAllHosts) {
  const auto [before, after, restarts, peers] = GetParam();
  share_among(1 + peers);
  write(0, "base", "base");
  ASSERT_TRUE(converge());
  const HostDisk::Snapshot taken = snapshot(0);
  ASSERT_TRUE(converge());
  std::set<std::string> expected = {"base"};
  const auto write_files = [&](const std::string& when, int count) {
    for (int i = 0; i < count; ++i) {
      const std::string name = when + std::to_string(i);
      write(0, name, "written " + name);
      expected.insert(name);
      cluster_.advance(3s);
      if (restarts) cluster_.restart(0);
      if (restarts) cluster_.advance(3s);
    }
  };
  write_files("before", before);
  ASSERT_TRUE(converge());
  for (int time = 0; time < 2; ++time) {
    for (std::size_t peer = 1; peer <= peers; ++peer) cut(0, peer);
    roll_back(0, taken);
    cluster_.advance(5s);
    write_files("after" + std::to_string(time), after);
    // Only the last peer hears of it at first.
    heal(0, peers);
    cluster_.advance(20s);
    for (std::size_t peer = 1; peer <= peers; ++peer) heal(0, peer);
    ASSERT_TRUE(converge(240s));
    expect_all_the_same();
    EXPECT_EQ(paths(0), expected) << describe();
    for (const std::string& name : expected) {
      EXPECT_EQ(read(peers, name), (name == "base" ? "" : "written ") + name);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, RollbackTest,
                         testing::Combine(testing::Values(0, 1, 3), testing::Values(1, 2, 6), testing::Bool(),
                                          testing::Values(1u, 2u)));

TEST_F(SnapshotTest, DeletionsOfEitherLineageHold) {
  share_among(2);
  for (const std::string name : {"a", "b", "c", "d"}) write(1, name, name);
  ASSERT_TRUE(converge());
  const HostDisk::Snapshot before = snapshot(1);
  ASSERT_TRUE(converge());
  remove(1, "a");
  write(1, "c", "edited before");
  ASSERT_TRUE(converge());
  cut(0, 1);
  roll_back(1, before);
  cluster_.advance(5s);
  remove(1, "b");
  write(1, "d", "edited after");
  cluster_.advance(10s);
  heal(0, 1);
  ASSERT_TRUE(converge(180s));
  expect_all_the_same();
  EXPECT_THAT(texts(0), UnorderedElementsAre("edited before", "edited after"));
}

// Both lineages have made an entry of the same dot: a directory here, a file there; others write into it.
TEST_F(SnapshotTest, EntriesThatWereMadeAsTheSameAreTwo) {
  share_among(3);
  write(0, "base", "base");
  ASSERT_TRUE(converge());
  const HostDisk::Snapshot before = snapshot(0);
  ASSERT_TRUE(converge());
  write(0, "dir/x", "of the first");
  ASSERT_TRUE(converge());
  write(1, "dir/y", "of a peer");
  ASSERT_TRUE(converge());
  part({0}, {1}, true);
  part({2}, {1}, true);
  roll_back(0, before);
  cluster_.advance(1s);
  cut(0, 2);
  cluster_.advance(5s);
  write(0, "other/z", "of the second");
  write(0, "dir2", "a file");
  cluster_.advance(10s);
  heal(0, 2);
  cluster_.advance(10s);
  part({0, 2}, {1}, false);
  ASSERT_TRUE(converge(240s));
  expect_all_the_same();
  EXPECT_THAT(texts(1), UnorderedElementsAre("base", "of the first", "of a peer", "of the second", "a file"));
}

TEST_F(SnapshotTest, ClonesThatWriteAtOneTimeAndMeetOnlyThroughAThird) {
  share_among(2);
  write(0, "base", "base");
  ASSERT_TRUE(converge());
  const HostDisk::Snapshot taken = snapshot(0);
  ASSERT_TRUE(converge());
  const std::size_t clone = add_clone(taken);
  cut(0, clone);
  for (int i = 0; i < 3; ++i) {
    write(0, "x" + std::to_string(i), "of x");
    write(clone, "y" + std::to_string(i), "of y");
    write(0, "both" + std::to_string(i), "x in both");
    write(clone, "both" + std::to_string(i), "y in both");
    cluster_.advance(2s);
  }
  ASSERT_TRUE(converge(240s));
  expect_all_the_same();
  EXPECT_EQ(paths(1).size(), 1u + 6u + 6u) << describe();
  EXPECT_NE(folder(0).replica(), folder(clone).replica());
}

// 0 and its clone each have a peer, and these meet first.
TEST_F(SnapshotTest, LineagesThatMeetAtOthersAreToldApart) {
  share_among(3);
  write(0, "base", "base");
  ASSERT_TRUE(converge());
  const HostDisk::Snapshot taken = snapshot(0);
  ASSERT_TRUE(converge());
  const std::size_t clone = add_clone(taken);
  part({0, 1}, {2, clone}, true);
  cluster_.advance(5s);
  for (int i = 0; i < 2; ++i) write(0, "x" + std::to_string(i), "of x");
  for (int i = 0; i < 5; ++i) write(clone, "y" + std::to_string(i), "of y");
  write(0, "base", "base of x");
  write(clone, "base", "base of y");
  cluster_.advance(10s);
  EXPECT_EQ(read(1, "base"), "base of x");
  EXPECT_EQ(read(2, "base"), "base of y");
  cluster_.crash(0);
  cluster_.crash(clone);
  heal(1, 2);
  ASSERT_TRUE(converge(240s));
  expect_all_the_same();
  EXPECT_EQ(paths(1).size(), 2u + 5u + 2u) << describe();
  part({0, 1}, {2, clone}, false);
  cluster_.restart(0);
  write(0, "last", "of x");
  cluster_.restart(clone);
  ASSERT_TRUE(converge(240s));
  expect_all_the_same();
  EXPECT_EQ(paths(clone).size(), 2u + 5u + 3u) << describe();
}

// A fork is found, and then one before it.
TEST_F(SnapshotTest, AForkBeforeAForkIsFoundAsWell) {
  share_among(3);
  write(0, "base", "base");
  ASSERT_TRUE(converge());
  const HostDisk::Snapshot early = snapshot(0);
  ASSERT_TRUE(converge());
  write(0, "a", "a");
  ASSERT_TRUE(converge());
  const HostDisk::Snapshot late = snapshot(0);
  write(0, "b", "b");
  ASSERT_TRUE(converge());
  part({0, 1}, {2}, true);
  roll_back(0, late);
  cut(0, 1);
  cluster_.advance(5s);
  write(0, "c", "c");
  cluster_.advance(5s);
  heal(0, 1);
  cluster_.advance(60s);
  EXPECT_EQ(paths(1).size(), 4u) << describe();
  part({0}, {1}, true);
  roll_back(0, early);
  cluster_.advance(5s);
  write(0, "d", "d");
  cluster_.advance(5s);
  heal(0, 2);
  cluster_.advance(60s);
  EXPECT_EQ(paths(2), (std::set<std::string>{"a", "b", "base", "d"}));
  part({0, 1}, {2}, false);
  heal(0, 1);
  ASSERT_TRUE(converge(240s));
  expect_all_the_same();
  EXPECT_EQ(paths(0), (std::set<std::string>{"a", "b", "base", "c", "d"})) << describe();
}

// ---- Histories

class SnapshotHistoryTest : public SnapshotTest, public testing::WithParamInterface<std::uint64_t> {
 protected:
  SnapshotHistoryTest() : SnapshotTest(GetParam()) {}

  std::string name() {
    const std::string directory = rng_.below(2) == 0 ? "" : "d" + std::to_string(rng_.below(2)) + "/";
    return directory + "f" + std::to_string(rng_.below(5));
  }
  void replace(std::size_t host, const std::string& path) {
    for (const std::string& full : disk(host).paths()) {
      if (full != in_root(path) && !full.starts_with(in_root(path) + "/")) continue;
      if (const auto bytes = disk(host).read_file(full)) replaced_.emplace(bytes->begin(), bytes->end());
    }
  }
  void act(std::size_t host) {
    const std::string path = name();
    const std::uint64_t kind = rng_.below(10);
    if (kind < 6) {
      const std::string text = "content " + std::to_string(++written_);
      replace(host, path);
      if (disk(host).write_file(in_root(path), bytes_of(text))) by_[host].insert(text);
    } else if (kind < 8) {
      const std::string other = name();
      replace(host, other);
      (void)disk(host).rename(in_root(path), in_root(other));
    } else {
      replace(host, path);
      (void)disk(host).remove_tree(in_root(path));
    }
  }
  // A machine, back to an earlier state: what it wrote since and has told nobody is gone.
  void roll_back_one(std::size_t host) {
    if (snapshots_[host].empty()) return;
    const Snapshot& to = snapshots_[host][rng_.below(snapshots_[host].size())];
    for (const std::string& text : by_[host]) {
      if (!to.written.contains(text)) replaced_.insert(text);
    }
    roll_back(host, to.machine);
  }
  void clone(std::size_t of) {
    if (snapshots_[of].empty() || hosts() >= 5) return;
    const std::size_t host = add_clone(snapshots_[of].back().machine);
    by_[host] = {};
  }

  struct Snapshot {
    HostDisk::Snapshot machine;
    std::set<std::string> written;
  };
  std::map<std::size_t, std::vector<Snapshot>> snapshots_;
  std::map<std::size_t, std::set<std::string>> by_;  // what was written, by host
  std::set<std::string> replaced_;
  std::uint64_t written_ = 0;
};

TEST_P(SnapshotHistoryTest, NothingIsLostAndAllComeToTheSame) {
  share_among(3);
  for (std::uint64_t i = 0, steps = 20 + rng_.below(40); i < steps; ++i) {
    const std::size_t host = rng_.below(hosts());
    const std::size_t other = rng_.below(hosts());
    switch (rng_.below(16)) {
      case 0:
        snapshots_[host].push_back({snapshot(host), by_[host]});
        break;
      case 1:
      case 2:
        roll_back_one(host);
        break;
      case 3:
        clone(host);
        break;
      case 4:
        cluster_.restart(host);
        break;
      case 5:
      case 6:
        if (host != other) cut(host, other);
        break;
      case 7:
      case 8:
        if (host != other) heal(host, other);
        break;
      default:
        act(host);
    }
    cluster_.advance(rng_.below(4) == 0 ? rng_.below(10) * 1s : rng_.below(1500) * 1ms);
  }
  for (std::size_t host = 0; host < hosts(); ++host) {
    for (std::size_t other = 0; other < host; ++other) heal(host, other);
  }
  ASSERT_TRUE(converge(900s));
  expect_all_the_same();
  std::multiset<std::string> all = texts(0);
  for (const std::size_t host : keepers()) all.merge(trash(host));
  for (const auto& [host, texts] : by_) {
    for (const std::string& text : texts) {
      EXPECT_TRUE(replaced_.contains(text) || all.contains(text)) << text << " of host " << host;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, SnapshotHistoryTest, testing::Range<std::uint64_t>(1, 61));

}  // namespace
}  // namespace shoal
