// Who shares a group finds that out on a LAN, and nobody else does.
#include <gmock/gmock.h>

#include "tests/unit/lan/lan_peer.h"

namespace shoal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

class LanPeersTest : public ::testing::Test {
 protected:
  LanPeersTest() { init_crypto(); }
  ManualNetwork network_;
};

TEST_F(LanPeersTest, HostsThatShareAGroupAreReportedToEachOtherOnce) {
  LanPeer a(network_, "a", 1, lan_groups({1, 2}));
  LanPeer b(network_, "b", 1, lan_groups({2, 3}));
  LanPeer c(network_, "c", 1, lan_groups({4}));
  LanPeer d(network_, "d", 1);
  network_.advance(5min);
  EXPECT_THAT(a.peers, ElementsAre(Pair(group_id(2), b.contact())));
  EXPECT_THAT(b.peers, ElementsAre(Pair(group_id(2), a.contact())));
  EXPECT_THAT(c.peers, IsEmpty());
  EXPECT_THAT(d.peers, IsEmpty());
}

TEST_F(LanPeersTest, APeerIsReportedOnlyAfterItAnsweredFromThere) {
  LanPeer a(network_, "a", 1, lan_groups({1}));
  LanPeer b(network_, "b", 1, lan_groups({1}));
  network_.set_link({.delay = 100ms});
  // The first message of each is heard after 100 to 150 ms, and the answer to what it leads to 200 ms later.
  network_.advance(290ms);
  EXPECT_GT(a.counters().pings_heard, 0u);
  EXPECT_THAT(a.peers, IsEmpty());
  network_.advance(300ms);
  EXPECT_THAT(a.peers, ElementsAre(Pair(group_id(1), b.contact())));
}

// Clients enter no table: nothing but the group makes them worth asking, once in a long while.
TEST_F(LanPeersTest, ClientsAreReportedTooAndSeldomAskedAgain) {
  LanPeer a(network_, "a", 1, lan_groups({1}));
  LanPeer b(network_, "b", 1, lan_groups({1}));
  a.answers_as_client = b.answers_as_client = true;
  network_.advance(9min);
  EXPECT_THAT(a.peers, ElementsAre(Pair(group_id(1), b.contact())));
  EXPECT_EQ(a.table().size(), 0u);
  EXPECT_EQ(a.counters().asks_sent, 1u);
  EXPECT_EQ(a.lan().find(b.contact().key), b.contact());
}

TEST_F(LanPeersTest, AGroupThatBothJoinLaterIsFoundWithinSeconds) {
  LanPeer a(network_, "a", 1, lan_groups({10}));
  LanPeer b(network_, "b", 1, lan_groups({20}));
  network_.advance(5min);
  EXPECT_THAT(a.peers, IsEmpty());
  a.serve(lan_groups({10, 30}));
  network_.advance(1min);
  b.serve(lan_groups({20, 30}));
  network_.advance(1s);
  EXPECT_THAT(a.peers, ElementsAre(Pair(group_id(30), b.contact())));
  network_.advance(40s);  // b hears a only with a's next message
  EXPECT_THAT(b.peers, ElementsAre(Pair(group_id(30), a.contact())));
}

TEST_F(LanPeersTest, APeerThatMovesIsReportedFromItsNewAddress) {
  LanPeer a(network_, "a", 1, lan_groups({1}));
  LanPeer b(network_, "b", 1, lan_groups({1}));
  network_.advance(1min);
  const Contact before = b.contact();
  network_.set_interfaces(b.index(), {{Endpoint::v4(0x0a000005, 4000), 1}});
  network_.advance(20s);
  EXPECT_THAT(a.peers, ElementsAre(Pair(group_id(1), before), Pair(group_id(1), b.contact())));
}

TEST_F(LanPeersTest, ClocksThatDifferByAnHourAgreeOnTheDayAroundMidnight) {
  LanPeer a(network_, "a", 1, lan_groups({1}));
  LanPeer b(network_, "b", 1, lan_groups({1}));
  network_.jump_wall_time(a.index(), 23h + 30min);
  network_.jump_wall_time(b.index(), 24h + 30min);
  network_.advance(10s);
  EXPECT_EQ(a.peers.size(), 1u);
  EXPECT_EQ(b.peers.size(), 1u);
}

}  // namespace
}  // namespace shoal
