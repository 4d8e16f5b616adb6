// Whole nodes that share a key.
#include "node/overlay/groups.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/node_cluster.h"

namespace shoal {
namespace {

class GroupsTest : public testing::Test {
 protected:
  static GroupKey key(std::uint64_t number) {
    return GroupKey::from_sync_key(Secret(Rng::keyed(number, "test", "group").seed()));
  }
  // A network in which hosts can publish.
  void SetUp() override {
    cluster_.add_many(10);
    cluster_.advance(30s);
  }
  std::size_t add_member(std::vector<GroupKey> groups, const NodeConfig& config = {}) {
    const std::size_t host = cluster_.add({0}, config);
    cluster_.set_groups(host, std::move(groups));
    return host;
  }
  std::vector<Id> connected(std::size_t host, const Id& group) {
    std::vector<Id> out;
    for (const GroupStatus& status : cluster_.expect<PeersResult>(host, PeersCommand{}).groups) {
      if (status.id != group) continue;
      for (const auto& peer : status.peers) {
        if (peer.connected) out.push_back(peer.host);
      }
    }
    return out;
  }
  bool all_connected(const std::vector<std::size_t>& hosts, const Id& group) {
    return std::ranges::all_of(
        hosts, [&](std::size_t host) { return connected(host, group).size() == hosts.size() - 1; });
  }

  std::vector<std::size_t> add_members(const GroupKey& group, std::size_t count) {
    std::vector<std::size_t> members;
    for (std::size_t i = 0; i < count; ++i) members.push_back(add_member({group}));
    return members;
  }
  std::optional<Id> primary_of(std::size_t host) {
    return cluster_.expect<PeersResult>(host, PeersCommand{}).groups.at(0).primary;
  }
  std::uint64_t requests(std::size_t host) {
    std::uint64_t sent = 0;
    for (const auto& kind : cluster_.node(host).counters().kinds) sent += kind.requests_sent;
    return sent;
  }
  // Takes the host with this key out of the list.
  std::size_t remove(std::vector<std::size_t>& hosts, const Id& key) {
    const auto found =
        std::ranges::find_if(hosts, [&](std::size_t host) { return cluster_.contact(host).key == key; });
    const std::size_t host = *found;
    hosts.erase(found);
    return host;
  }

  NodeCluster cluster_;
};

TEST_F(GroupsTest, HostsThatShareAKeyFindEachOtherThroughTheDht) {
  const GroupKey group = key(1);
  const std::size_t a = add_member({group});
  const std::size_t b = add_member({group});
  const std::size_t c = add_member({group});
  const std::size_t stranger = add_member({key(2)});
  cluster_.advance(60s);
  EXPECT_TRUE(all_connected({a, b, c}, group.id()));
  EXPECT_TRUE(connected(stranger, key(2).id()).empty());
}

TEST_F(GroupsTest, AKeyOfAnyLevelMakesAPeer) {
  const GroupKey group = key(1);
  const std::size_t writer = add_member({group});
  const std::size_t holder = add_member({GroupKey::parse(group.to_string(KeyLevel::kLocate)).value()});
  cluster_.advance(60s);
  EXPECT_TRUE(all_connected({writer, holder}, group.id()));
}

TEST_F(GroupsTest, ANewGroupJoinsInsideTheSessionThatIsThere) {
  const std::size_t a = add_member({key(1)});
  const std::size_t b = add_member({key(1)});
  cluster_.advance(60s);
  ASSERT_TRUE(all_connected({a, b}, key(1).id()));
  const std::size_t sessions = cluster_.expect<StatusResult>(a, StatusCommand{}).sessions;
  cluster_.set_groups(a, {key(1), key(2)});
  cluster_.set_groups(b, {key(1), key(2)});
  cluster_.advance(1s);
  EXPECT_TRUE(all_connected({a, b}, key(2).id()));
  EXPECT_EQ(cluster_.expect<StatusResult>(a, StatusCommand{}).sessions, sessions);
  cluster_.set_groups(b, {key(2)});
  cluster_.advance(1s);
  EXPECT_TRUE(connected(a, key(1).id()).empty());
  EXPECT_TRUE(all_connected({a, b}, key(2).id()));
}

TEST_F(GroupsTest, GroupsAddedOneByOneCostWhatGroupsGivenAtOnceCost) {
  constexpr std::size_t kGroups = 24;
  std::vector<GroupKey> keys;
  for (std::uint64_t i = 0; i < kGroups; ++i) keys.push_back(key(100 + i));
  const std::size_t at_once = add_member(keys);
  const std::size_t one_by_one = add_member({keys.front()});
  cluster_.advance(10s);
  const std::uint64_t before = requests(one_by_one);
  for (std::size_t i = 1; i <= kGroups; ++i) {
    cluster_.set_groups(one_by_one, {keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(i)});
    cluster_.advance(200ms);
  }
  cluster_.advance(120s);
  const std::uint64_t grown = requests(one_by_one) - before;
  EXPECT_LT(grown, 2 * requests(at_once));
}

TEST_F(GroupsTest, APeerThatCrashesAndComesBackElsewhereIsFoundAgain) {
  const GroupKey group = key(1);
  const std::size_t a = add_member({group});
  const std::size_t b = add_member({group});
  cluster_.advance(60s);
  ASSERT_TRUE(all_connected({a, b}, group.id()));
  cluster_.crash(b);
  cluster_.advance(90s);
  EXPECT_TRUE(connected(a, group.id()).empty());  // three keep-alives in silence
  cluster_.restart(b, Endpoint::v4(0x0b000001, 5000));
  cluster_.advance(60s);
  EXPECT_TRUE(all_connected({a, b}, group.id()));
}

// Sooner than the others can have missed it: they hold a session with it that nobody will ever end.
TEST_F(GroupsTest, APeerThatIsBackBeforeItIsMissedIsTakenBack) {
  const GroupKey group = key(1);
  const std::size_t a = add_member({group});
  const std::size_t b = add_member({group});
  cluster_.advance(60s);
  ASSERT_TRUE(all_connected({a, b}, group.id()));
  std::uint32_t address = 0x0b000001;
  for (const std::size_t host : {a, b}) {  // whichever of them began the session
    cluster_.crash(host);
    cluster_.advance(2s);
    cluster_.restart(host, Endpoint::v4(address++, 5000));
    cluster_.advance(12s);
    EXPECT_TRUE(all_connected({a, b}, group.id()));
    cluster_.advance(60s);
    EXPECT_TRUE(all_connected({a, b}, group.id())) << "and stays";
  }
}

// Where streams outlive the address, they are kept; those that have died with it are found out at once.
// Long before a network is found, through which it could read where they are.
TEST_F(GroupsTest, AHostThatStartsAgainCallsThePeersItHad) {
  const GroupKey group = key(1);
  const std::vector<std::size_t> members = add_members(group, 3);
  cluster_.advance(60s);
  ASSERT_TRUE(all_connected(members, group.id()));
  cluster_.crash(members[0]);
  cluster_.crash(members[1]);  // since then they see each other in no list of anybody's
  cluster_.advance(90s);
  for (std::size_t host = 0; host < 10; ++host) cluster_.crash(host);
  cluster_.crash(members[2]);
  cluster_.restart(members[0]);
  cluster_.restart(members[1]);
  cluster_.advance(1s);
  EXPECT_EQ(connected(members[0], group.id()), std::vector{cluster_.contact(members[1]).key});
  EXPECT_EQ(connected(members[1], group.id()), std::vector{cluster_.contact(members[0]).key});
}

TEST_F(GroupsTest, AHostThatLeavesAGroupForgetsItsPeers) {
  const std::vector<std::size_t> members = add_members(key(1), 2);
  cluster_.advance(60s);
  const std::vector<KnownPeer> kept = cluster_.host_store(members[0]).load_peers(key(1).id());
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].host, cluster_.contact(members[1]).key);
  cluster_.set_groups(members[0], {});
  cluster_.advance(1s);
  EXPECT_TRUE(cluster_.host_store(members[0]).load_peers(key(1).id()).empty());
}

TEST_F(GroupsTest, AHostThatLosesAnAddressAsksWhichSessionsAreStillGood) {
  const GroupKey group = key(1);
  const std::size_t a = add_member({group});
  const std::size_t b = add_member({group});
  cluster_.advance(60s);
  ASSERT_TRUE(all_connected({a, b}, group.id()));
  const auto move = [&](std::uint32_t address) {
    cluster_.network().set_interfaces(cluster_.index(b), {{Endpoint::v4(address, 5000), 0}});
  };
  move(0x0b000001);
  for (int second = 0; second < 15; ++second) {
    cluster_.advance(1s);
    EXPECT_TRUE(all_connected({a, b}, group.id())) << second;
  }
  cluster_.network().cut(cluster_.index(a), cluster_.index(b));
  cluster_.advance(10s);
  EXPECT_TRUE(all_connected({a, b}, group.id())) << "nothing else makes it doubt them";
  move(0x0b000101);
  cluster_.advance(6s);
  EXPECT_TRUE(connected(b, group.id()).empty());
}

// Nobody can call it, and it reads the rendezvous every half hour: a peer in between tells it.
TEST_F(GroupsTest, APeerThatNobodyCanReachHearsOfANewcomerFromItsPeers) {
  const GroupKey group = key(1);
  NodeConfig hidden;
  hidden.client = true;
  const std::size_t a = add_member({group});
  const std::size_t b = add_member({group}, hidden);
  cluster_.advance(3min);
  ASSERT_TRUE(all_connected({a, b}, group.id()));
  const std::size_t newcomer = add_member({group});
  cluster_.advance(20s);
  EXPECT_TRUE(all_connected({a, b, newcomer}, group.id()));
  EXPECT_EQ(cluster_.expect<PeersResult>(newcomer, PeersCommand{}).groups.at(0).published.has_value(), true);
  EXPECT_EQ(cluster_.expect<PeersResult>(b, PeersCommand{}).groups.at(0).published.has_value(), false);
}

TEST_F(GroupsTest, SessionsOfPeersStayThoughNobodySaysAnything) {
  const GroupKey group = key(1);
  NodeConfig config;
  config.session_idle_timeout = 10s;
  const std::size_t a = add_member({group}, config);
  const std::size_t b = add_member({group}, config);
  cluster_.advance(60s);
  ASSERT_TRUE(all_connected({a, b}, group.id()));
  const std::size_t sessions = cluster_.expect<StatusResult>(a, StatusCommand{}).sessions;
  cluster_.advance(3h);  // several new keys too
  EXPECT_TRUE(all_connected({a, b}, group.id()));
  EXPECT_LE(cluster_.expect<StatusResult>(a, StatusCommand{}).sessions, sessions);
}

TEST_F(GroupsTest, AnEventReachesEveryPeerOnce) {
  const GroupKey group = key(1);
  NodeConfig config;
  config.peers_wanted = 3;  // so that not everybody has a session with everybody
  std::vector<std::size_t> members;
  for (int i = 0; i < 8; ++i) members.push_back(add_member({group}, config));
  cluster_.advance(3min);
  cluster_.take_events();
  const auto told = cluster_.expect<BroadcastResult>(members[0], BroadcastCommand{group.id(), {1, 2, 3}});
  EXPECT_GE(told.peers, 1u);
  cluster_.advance(2s);
  std::vector<std::size_t> heard;
  for (const auto& [host, event] : cluster_.take_events()) {
    if (event.kind != NodeEvent::Kind::kNewFsEvent) continue;
    EXPECT_EQ(event.group, group.id());
    EXPECT_EQ(event.host, cluster_.contact(members[0]).key);
    EXPECT_EQ(event.event, (Bytes{1, 2, 3}));
    heard.push_back(host);
  }
  std::ranges::sort(heard);
  EXPECT_EQ(heard, std::vector(members.begin() + 1, members.end()));
}

TEST_F(GroupsTest, ABroadcastWithoutPeersSaysSo) {
  const std::size_t a = add_member({key(1)});
  cluster_.advance(10s);
  EXPECT_EQ(cluster_.run(a, BroadcastCommand{key(1).id(), {1}}).error().code, ErrorCode::kNoPeers);
  EXPECT_EQ(cluster_.run(a, BroadcastCommand{key(2).id(), {1}}).error().code, ErrorCode::kNotFound);
}

TEST_F(GroupsTest, APeerIsNewOnce) {
  const GroupKey group = key(1);
  const std::size_t a = add_member({group});
  const std::size_t b = add_member({group});
  cluster_.advance(60s);
  std::size_t seen = 0;
  for (const auto& [host, event] : cluster_.take_events()) {
    if (event.kind == NodeEvent::Kind::kNewPeer && host == a) {
      ++seen;
      EXPECT_EQ(event.host, cluster_.contact(b).key);
    }
  }
  EXPECT_EQ(seen, 1u);
}

TEST_F(GroupsTest, OneOfThePeersIsPrimaryAndHandsOverWhenItStops) {
  const GroupKey group = key(1);
  std::vector<std::size_t> members = add_members(group, 4);
  cluster_.advance(2min);
  const auto first = primary_of(members[0]);
  ASSERT_TRUE(first);
  for (const std::size_t member : members) EXPECT_EQ(primary_of(member), first);
  const std::size_t stopping = remove(members, *first);
  ASSERT_TRUE(cluster_.run(stopping, StopCommand{}));
  cluster_.advance(1s);
  const auto second = primary_of(members[0]);
  ASSERT_TRUE(second);
  EXPECT_NE(second, first);
  for (const std::size_t member : members) EXPECT_EQ(primary_of(member), second);
}

TEST_F(GroupsTest, AnotherPeerBecomesPrimaryAfterACrash) {
  const GroupKey group = key(1);
  std::vector<std::size_t> members = add_members(group, 3);
  cluster_.advance(2min);
  const auto first = primary_of(members[0]);
  ASSERT_TRUE(first);
  cluster_.crash(remove(members, *first));
  cluster_.advance(2min);
  const auto second = primary_of(members[0]);
  ASSERT_TRUE(second);
  EXPECT_NE(second, first);
  EXPECT_EQ(primary_of(members[1]), second);
}

// A host with which there is a session already, in another group, and which has left this one since it
// published.
TEST_F(GroupsTest, APeerThatHasLeftItsGroupDoesNotKeepOthersOut) {
  NodeConfig config;
  config.peers_wanted = 1;
  const std::size_t former = add_member({key(1), key(2)});
  cluster_.advance(60s);
  cluster_.set_groups(former, {key(2)});
  const std::size_t a = add_member({key(1), key(2)}, config);
  cluster_.advance(60s);
  ASSERT_EQ(connected(a, key(2).id()).size(), 1u);
  const std::size_t b = add_member({key(1)});
  cluster_.advance(5min);
  EXPECT_EQ(connected(a, key(1).id()), std::vector{cluster_.contact(b).key});
}

// What must not work, spoken by a host that has a session but not the group.
TEST_F(GroupsTest, AStrangerInASessionIsRefusedWhatIsForPeers) {
  const std::size_t a = add_member({key(1)});
  const std::size_t b = add_member({key(1)});
  cluster_.advance(60s);
  ASSERT_TRUE(all_connected({a, b}, key(1).id()));
  cluster_.take_events();
  // Host 1 puts a large value, so it has sessions; its requests about the group are refused.
  ASSERT_TRUE(cluster_.run(1, PutCommand{Bytes(40'000, 7)}));
  EXPECT_EQ(cluster_.run(1, BroadcastCommand{key(1).id(), {1}}).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(cluster_.take_events().empty());
}

}  // namespace
}  // namespace shoal
