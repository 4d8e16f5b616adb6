// Indexes that have lost or changed what they held: peers that know the same notice, and mend it.
#include <gmock/gmock.h>

#include "tests/unit/sync/folder_cluster.h"

namespace shoal {
namespace {

using testing::IsEmpty;

class RepairTest : public FolderCluster {
 protected:
  void SetUp() override {
    share_among(2);
    for (int i = 0; i < 100; ++i) write(0, "d/f" + std::to_string(i), "content " + std::to_string(i));
    write(0, "kept", "as it was");
    ASSERT_TRUE(converge());
    before_ = contents(0);
  }
  sync::NodeId id_of(std::size_t host, const std::string& name) {
    const sync::Tree& tree = folder(host).context().tree;
    for (const sync::NodeId& id : tree.ids()) {
      if (tree.find(id)->place.winner().value.name == name) return id;
    }
    ADD_FAILURE() << name << " is not there";
    return {};
  }
  const sync::Entry& entry_of(std::size_t host, const std::string& name) {
    return *folder(host).context().tree.find(id_of(host, name));
  }
  // Both hold what they held before, in their trees and on their disks.
  void expect_mended() {
    ASSERT_TRUE(converge(120s));
    EXPECT_EQ(contents(0), before_);
    EXPECT_EQ(contents(1), before_);
    for (const std::size_t host : {0, 1}) {
      EXPECT_EQ(status(host).state, State::kInSync) << describe();
      EXPECT_THAT(causes(host), IsEmpty());
    }
  }

  Contents before_;
};

TEST_F(RepairTest, AnEntryThatWasLostComesBack) {
  rewrite_index(1, {}, {id_of(1, "f42")});
  expect_mended();
  EXPECT_EQ(counters(1).entries_repaired, 1u);
  EXPECT_EQ(counters(0).entries_repaired, 0u);
  EXPECT_LE(counters(1).range_requests, 4u);
}

TEST_F(RepairTest, WhatEachHasLostComesFromTheOther) {
  rewrite_index(0, {}, {id_of(0, "f1"), id_of(0, "f2")});
  rewrite_index(1, {}, {id_of(1, "kept")});
  expect_mended();
  EXPECT_GE(counters(0).entries_repaired, 2u);
  EXPECT_GE(counters(1).entries_repaired, 1u);
}

TEST_F(RepairTest, ADirectoryThatWasLostComesBackAroundItsFiles) {
  rewrite_index(1, {}, {id_of(1, "d")});
  expect_mended();
}

TEST_F(RepairTest, AWriteOfAnEntryThatWasLostComesBack) {
  sync::Entry damaged = entry_of(1, "f42");
  damaged.content = sync::Register<sync::Content>::from_parts({}, damaged.content.context());
  rewrite_index(1, {damaged});
  expect_mended();
  EXPECT_EQ(counters(1).entries_repaired, 1u);
}

// Neither can tell which is right; but they agree, and nobody's bytes are lost.
TEST_F(RepairTest, OfTwoValuesOfOneWriteBothComeToTheSame) {
  sync::Entry damaged = entry_of(1, "f42");
  sync::Version<sync::Place> place = damaged.place.winner();
  place.value.name = "g42";
  damaged.place = sync::Register<sync::Place>::from_parts({place}, damaged.place.context());
  rewrite_index(1, {damaged});
  ASSERT_TRUE(converge(120s));
  EXPECT_EQ(contents(0), contents(1));
  std::set<std::string> found;
  for (const auto& [path, what] : contents(0)) found.insert(what);
  for (const auto& [path, what] : before_) EXPECT_TRUE(found.contains(what)) << path;
}

TEST_F(RepairTest, AnEditMeanwhileIsKept) {
  rewrite_index(1, {}, {id_of(1, "f42")});
  write(0, "d/f42", "edited");
  write(1, "d/f43", "edited as well");
  ASSERT_TRUE(converge(120s));
  EXPECT_EQ(contents(0), contents(1));
  EXPECT_EQ(read(1, "d/f42"), "edited");
  EXPECT_EQ(read(0, "d/f43"), "edited as well");
}

}  // namespace
}  // namespace shoal
