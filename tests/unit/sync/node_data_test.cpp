// What a folder never takes in: directories in which a node keeps its keys, and directories that another node
// syncs.
#include <gmock/gmock.h>

#include "tests/unit/sync/folder_cluster.h"

namespace shoal {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

const std::string kMarker = kNodeDataMarker;

class NodeDataTest : public FolderCluster {
 protected:
  CommandResult add_folder(std::size_t host, const std::string& root) {
    return cluster_.run(host, AddFolderCommand{key_.id(), root, "folder"});
  }
  MemoryDisk::Inode inode_of(std::size_t host, const std::string& path) {
    return disk(host).find(MemoryDisk::kRoot, path, "look at").value();
  }
};

TEST_F(NodeDataTest, TheKeysOfANodeInTheFolderReachNoPeer) {
  add_host();
  add_host();
  write(0, ".local/share/shoal/" + kMarker, "");
  write(0, ".local/share/shoal/keys/private.key", "secret");
  write(0, "doc", "to be synced");
  share(0);
  share(1);
  ASSERT_TRUE(converge());
  EXPECT_THAT(paths(1), ElementsAre(".local", ".local/share", "doc"));
  EXPECT_THAT(causes(0), ElementsAre(Pair(".local/share/shoal", "node_data")));
  EXPECT_EQ(status(0).state, State::kInSync);
  cluster_.restart(0);
  write(0, ".local/share/shoal/keys/other.key", "secret");
  ASSERT_TRUE(converge());
  EXPECT_THAT(paths(1), ElementsAre(".local", ".local/share", "doc"));
}

TEST_F(NodeDataTest, ADataDirectoryThatIsMovedIntoTheFolderIsLeftOut) {
  share_among(2);
  ASSERT_TRUE(disk(0).write_file("data/" + kMarker, {}));
  ASSERT_TRUE(disk(0).write_file("data/keys/private.key", bytes_of("secret")));
  ASSERT_TRUE(disk(0).rename("data", in_root("data")));
  write(0, "doc", "to be synced");
  ASSERT_TRUE(converge());
  EXPECT_THAT(paths(1), ElementsAre("doc"));
}

TEST_F(NodeDataTest, ADirectoryThatBecomesADataDirectoryIsNotDeletedAtPeersNorServed) {
  share_among(2);
  write(0, "d/before", random_bytes(300'000));
  ASSERT_TRUE(converge());
  write(0, "d/" + kMarker, "");
  write(0, "d/private.key", "secret");
  ASSERT_TRUE(converge());
  EXPECT_THAT(paths(1), ElementsAre("d", "d/before"));
  // Nobody else has it: host 0 must not give it away any longer.
  cut(0, 1);
  add_host();
  cluster_.network().cut(cluster_.index(1), cluster_.index(2));
  share(2);
  cluster_.advance(60s);
  EXPECT_EQ(read(2, "d/before").substr(0, 1), "(") << "it is not there";
}

TEST_F(NodeDataTest, NoPeerChangesAnythingInADataDirectory) {
  add_host();
  add_host();
  write(0, "data/" + kMarker, "");
  write(0, "data/keys/mine.key", "secret");
  share(0);
  share(1);
  ASSERT_TRUE(converge());
  write(1, "data/keys/mine.key", "forged");
  write(1, "data/keys/more.key", "forged");
  write(1, "doc", "of the peer");
  ASSERT_TRUE(converge());
  EXPECT_EQ(read(0, "data/keys/mine.key"), "secret");
  EXPECT_THAT(paths(0), ElementsAre("data", "data/" + kMarker, "data/keys", "data/keys/mine.key", "doc"));
  remove(1, "data");
  ASSERT_TRUE(converge());
  EXPECT_EQ(read(0, "data/keys/mine.key"), "secret");
}

TEST_F(NodeDataTest, NoPeerMovesADirectoryThatHoldsADataDirectory) {
  add_host();
  add_host();
  write(0, ".local/share/data/" + kMarker, "");
  write(0, ".local/a", "a");
  share(0);
  share(1);
  ASSERT_TRUE(converge());
  rename(1, ".local", "moved");
  write(1, "doc", "of the peer");
  cluster_.advance(30s);
  EXPECT_THAT(paths(0), Contains(".local/share/data/" + kMarker));
  EXPECT_EQ(read(0, "doc"), "of the peer");
  EXPECT_EQ(causes(0).at("moved"), "blocked");
  rename(0, ".local", "moved");
  ASSERT_TRUE(converge());
  EXPECT_THAT(paths(1), ElementsAre("doc", "moved", "moved/a", "moved/share"));
  EXPECT_THAT(causes(0), ElementsAre(Pair("moved/share/data", "node_data")));
}

TEST_F(NodeDataTest, ADirectoryThatIsNodeDataNoLongerIsSynced) {
  add_host();
  add_host();
  write(0, "data/" + kMarker, "");
  write(0, "data/a", "a");
  share(0);
  share(1);
  ASSERT_TRUE(converge());
  remove(0, "data/" + kMarker);
  ASSERT_TRUE(command(0, Verb::kRescan));
  ASSERT_TRUE(converge());
  EXPECT_THAT(paths(1), ElementsAre("data", "data/a"));
  EXPECT_THAT(causes(0), IsEmpty());
}

TEST_F(NodeDataTest, AFolderWithinADataDirectoryIsRefused) {
  add_host();
  ASSERT_TRUE(disk(0).write_file("data/" + kMarker, {}));
  ASSERT_TRUE(disk(0).make_directories("data/keys"));
  for (const char* root : {"/data", "/data/keys"}) {
    const CommandResult added = add_folder(0, root);
    ASSERT_FALSE(added) << root;
    EXPECT_THAT(added.error().message, HasSubstr("keys"));
  }
  EXPECT_THAT(keepers(), IsEmpty());
}

TEST_F(NodeDataTest, AFolderThatLiesInADataDirectoryAtTheStartStopsWithTheReason) {
  share_among(2);
  write(0, "a", "a");
  ASSERT_TRUE(converge());
  cluster_.crash(0);
  write(0, kMarker, "");
  cluster_.restart(0);
  cluster_.advance(5s);
  EXPECT_EQ(status(0).reason, "root_unsuitable");
  remove(0, kMarker);
  ASSERT_TRUE(converge(60s));
  EXPECT_THAT(paths(1), ElementsAre("a"));
}

// ---- One directory, one node

TEST_F(NodeDataTest, ADirectoryThatAnotherNodeSyncsIsRefused) {
  add_host();
  ASSERT_TRUE(disk(0).lock(inode_of(0, kFolderRoot)));
  const CommandResult added = add_folder(0, "/" + kFolderRoot);
  ASSERT_FALSE(added);
  EXPECT_THAT(added.error().message, HasSubstr("another node"));
  EXPECT_THAT(keepers(), IsEmpty());
  disk(0).unlock(inode_of(0, kFolderRoot));
  EXPECT_TRUE(add_folder(0, "/" + kFolderRoot));
}

// As after a copy of the data directory.
TEST_F(NodeDataTest, AFolderThatAnotherNodeSyncsAtTheStartStopsUntilThatOneEnds) {
  share_among(2);
  write(0, "a", "a");
  ASSERT_TRUE(converge());
  cluster_.crash(0);
  ASSERT_TRUE(disk(0).lock(inode_of(0, kFolderRoot))) << "the lock ends with the node";
  cluster_.restart(0);
  write(0, "b", "b");
  cluster_.advance(30s);
  EXPECT_EQ(status(0).reason, "in_use");
  EXPECT_THAT(paths(1), ElementsAre("a"));
  disk(0).unlock(inode_of(0, kFolderRoot));
  ASSERT_TRUE(converge(60s));
  EXPECT_THAT(paths(1), ElementsAre("a", "b"));
}

TEST_F(NodeDataTest, ALossOfPowerLeavesNoLock) {
  share_among(2);
  cluster_.lose_power(0);
  cluster_.restart(0);
  ASSERT_TRUE(converge(60s));
  EXPECT_EQ(status(0).state, State::kInSync);
}

}  // namespace
}  // namespace shoal
