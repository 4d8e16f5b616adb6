// The registers of entries: what of concurrent writes stays when two states of one join.
#include <gmock/gmock.h>

#include "tests/unit/sync/folder_replica.h"

namespace shoal::sync {
namespace {

using Contents = Register<Content>;

Version<Content> version(std::uint8_t replica, std::uint64_t counter, std::uint64_t lamport) {
  return {{replica_id(replica), counter}, lamport, file_of(counter)};
}

Contents written(const Version<Content>& version) {
  Contents made;
  made.write(version);
  return made;
}

TEST(Register, TheHighestLamportTimeWinsThenTheReplica) {
  Contents joined = written(version(1, 1, 5));
  EXPECT_TRUE(joined.join(written(version(2, 1, 4))));
  EXPECT_TRUE(joined.join(written(version(3, 1, 5))));
  ASSERT_EQ(joined.versions().size(), 3u);
  EXPECT_EQ(joined.versions()[0].dot.replica, replica_id(3));
  EXPECT_EQ(joined.versions()[1].dot.replica, replica_id(1));
  EXPECT_EQ(joined.versions()[2].dot.replica, replica_id(2));
}

TEST(Register, AWriteReplacesAllThatItsWriterHadSeen) {
  Contents first = written(version(1, 1, 1));
  Contents second = first;
  second.write(version(2, 1, 2));
  EXPECT_TRUE(first.join(second));
  EXPECT_EQ(first, second);
  EXPECT_EQ(first.versions().size(), 1u);
  EXPECT_FALSE(first.join(written(version(1, 1, 1)))) << "a late message brings it back";
}

TEST(Register, AWriteOverOneOfTwoLeavesTheOther) {
  Contents both = written(version(1, 1, 1));
  both.join(written(version(2, 1, 1)));
  both.write(version(3, 1, 2), {replica_id(1), 1});
  EXPECT_FALSE(both.has({replica_id(1), 1}));
  EXPECT_TRUE(both.has({replica_id(2), 1}));
  EXPECT_TRUE(both.has({replica_id(3), 1}));
}

TEST(Register, WhatWasDroppedStaysAway) {
  const Contents before = written(version(1, 1, 1));
  Contents after = before;
  after.drop({replica_id(1), 1});
  EXPECT_FALSE(after.join(before));
  Contents other = before;
  EXPECT_TRUE(other.join(after));
  EXPECT_TRUE(other.empty());
}

TEST(Register, NoVersionGoesThatNoWriteHasReplaced) {
  Contents upwards, downwards;
  const auto join = [](Contents& into, std::uint8_t replica) {
    into.join(written(version(replica, 1, replica)));
  };
  for (std::uint8_t i = 1; i <= 250; ++i) join(upwards, i);
  for (std::uint8_t i = 250; i >= 1; --i) join(downwards, i);
  EXPECT_EQ(upwards, downwards);
  EXPECT_EQ(upwards.versions().size(), 250u);
}

}  // namespace
}  // namespace shoal::sync
