// What a folder says of why it has no peers.
#include <gmock/gmock.h>

#include "tests/unit/sync/folder_cluster.h"

namespace shoal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class NoPeersTest : public FolderCluster {
 protected:
  // As the node says it: the folder alone does not know of keys and clocks.
  FolderStatus told(std::size_t host) {
    FolderCommand command;
    command.verb = Verb::kStatus;
    command.folder = "folder";
    return cluster_.expect<FolderStatusResult>(host, command).folder;
  }
};

TEST_F(NoPeersTest, ClocksThatAreApartAreNamed) {
  add_host();
  add_host();
  cluster_.network().jump_wall_time(cluster_.index(1), 2h);
  share(0);
  share(1);
  write(0, "a", "a");
  cluster_.advance(2min);
  EXPECT_EQ(told(0).reason, "clock");
  EXPECT_EQ(told(1).reason, "clock");
  EXPECT_THAT(told(0).next_step, HasSubstr("120 min behind"));
  EXPECT_THAT(told(1).next_step, HasSubstr("120 min ahead of"));
  EXPECT_EQ(cluster_.expect<StatusResult>(1, StatusCommand{}).groups.clock_ahead, 120min);
  cluster_.network().jump_wall_time(cluster_.index(1), -2h);
  ASSERT_TRUE(converge(180s));
  EXPECT_EQ(told(1).state, State::kInSync);
  EXPECT_EQ(cluster_.expect<StatusResult>(1, StatusCommand{}).groups.clock_ahead, 0s);
}

TEST_F(NoPeersTest, AMissingKeyIsNamedAndAJoinGivesItBack) {
  share_among(2);
  write(0, "a", "a");
  ASSERT_TRUE(converge());
  cluster_.set_groups(1, {});
  write(0, "b", "b");
  write(1, "c", "c");
  cluster_.advance(30s);
  EXPECT_EQ(told(1).state, State::kWaiting);
  EXPECT_EQ(told(1).reason, "no_key");
  EXPECT_THAT(told(1).next_step, HasSubstr("this host has no key"));
  EXPECT_EQ(told(0).reason, "no_peers");
  EXPECT_THAT(paths(1), ElementsAre("a", "c"));
  EXPECT_FALSE(cluster_.run(1, AddFolderCommand{key_.id(), "/" + kFolderRoot, "folder"}));
  cluster_.set_groups(1, {key_});
  cluster_.advance(1ms);
  share(1);
  EXPECT_FALSE(cluster_.run(1, AddFolderCommand{key_.id(), "/elsewhere", "folder"}));
  ASSERT_TRUE(converge(180s));
  expect_the_same();
  EXPECT_THAT(paths(0), ElementsAre("a", "b", "c"));
}

}  // namespace
}  // namespace shoal
