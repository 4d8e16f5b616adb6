// What a look at a group shows, and what the metrics group.* are reckoned from.
#include "sim/group_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <utility>
#include <vector>

#include "sim/group_event.h"
#include "sim/group_picture.h"

namespace shoal::sim {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Instant at(Duration since_start) {
  return Instant{} + since_start;
}

Id id_of(HostIndex host) {
  Id id;
  id.bytes[0] = static_cast<std::uint8_t>(host + 1);
  return id;
}

// A group whose hosts come, meet and claim as a test says.
struct Group {
  std::set<HostIndex> online = {0, 1, 2};
  std::set<std::pair<HostIndex, HostIndex>> sessions;  // each as one side sees it
  std::set<std::pair<HostIndex, HostIndex>> apart;
  std::set<HostIndex> primaries;

  void join(HostIndex a, HostIndex b) {
    sessions.insert({a, b});
    sessions.insert({b, a});
  }
  GroupPicture look() const {
    std::vector<GroupPicture::Member> members;
    for (const HostIndex host : online) {
      GroupPicture::Member member;
      member.host = host;
      member.id = id_of(host);
      if (primaries.contains(host)) member.primary = member.id;
      for (const auto& [from, to] : sessions) {
        if (from == host) member.sessions.push_back(id_of(to));
      }
      members.push_back(member);
    }
    return {members, [this](HostIndex a, HostIndex b) {
              return !apart.contains({a, b}) && !apart.contains({b, a});
            }};
  }
};

class GroupRecordTest : public testing::Test {
 protected:
  GroupRecordTest() { record.formed(3); }
  GroupRecord::Look look(Duration when, bool counts = true) {
    record.begin(at(when));
    record.saw(0, group.look(), counts);
    return record.end();
  }
  Group group;
  GroupRecord record;
};

TEST(GroupPicture, TakesASessionForOneThatBothSidesHoldAndThatCanBeUsed) {
  Group group;
  group.join(0, 1);
  group.sessions.insert({0, 2});
  EXPECT_TRUE(group.look().joined(0, 1));
  EXPECT_TRUE(group.look().joined(1, 0));
  EXPECT_FALSE(group.look().joined(0, 2)) << "2 does not know of it";
  group.apart.insert({0, 1});
  EXPECT_FALSE(group.look().joined(0, 1));
  EXPECT_FALSE(group.look().can_meet(1, 0));
}

TEST(GroupPicture, FindsThePartsThatSessionsJoin) {
  Group group;
  group.online = {0, 1, 2, 3, 4};
  group.join(0, 3);
  group.join(3, 4);
  group.join(1, 2);
  EXPECT_THAT(group.look().parts(), ElementsAre(0u, 1u, 1u, 0u, 0u));
}

TEST_F(GroupRecordTest, CountsThePairsThatCanMeetAndHoldASession) {
  group.join(0, 1);
  EXPECT_DOUBLE_EQ(*look(1s).session_ratio, 1.0 / 3);
  group.apart.insert({0, 2});
  EXPECT_DOUBLE_EQ(*look(2s).session_ratio, 1.0 / 2);
  EXPECT_EQ(record.sessions().part, 2u);
  EXPECT_EQ(record.sessions().whole, 5u);
  EXPECT_EQ(record.last_sessions().whole, 2u);
  group.online = {0};
  EXPECT_FALSE(look(3s).session_ratio) << "there is no pair";
  EXPECT_EQ(record.sessions().whole, 5u);
}

TEST_F(GroupRecordTest, WhatIsSeenBeforeTheWarmUpEndsDoesNotCount) {
  group.join(0, 1);
  look(1s, false);
  EXPECT_EQ(record.sessions().whole, 0u);
  EXPECT_EQ(record.one_primary().whole, 0u);
}

TEST_F(GroupRecordTest, TellsWhenAGroupHasMetForTheFirstTime) {
  group.online = {0, 1};
  group.join(0, 1);
  look(1s);
  EXPECT_EQ(record.met().whole, 0u) << "one has never come";
  group.online = {0, 1, 2};
  look(4s);
  EXPECT_EQ(record.met().whole, 1u);
  EXPECT_EQ(record.met().part, 0u);
  group.join(0, 2);
  look(6s);
  group.join(1, 2);
  look(9s);
  group.sessions.clear();
  look(20s);
  EXPECT_EQ(record.met().part, 1u);
  EXPECT_THAT(record.meeting_s(), ElementsAre(5.0));
}

TEST_F(GroupRecordTest, TimesTheGapsOfAGroupThatHasMet) {
  look(1s);
  group.join(0, 1);
  group.join(1, 2);
  group.join(0, 2);
  look(2s);
  EXPECT_THAT(record.gap_s(), IsEmpty()) << "to meet is another thing";
  group.sessions.erase({0, 1});
  look(10s);
  look(11s);
  group.join(0, 1);
  look(17s);
  look(18s);
  EXPECT_THAT(record.gap_s(), ElementsAre(7.0));
}

TEST_F(GroupRecordTest, TimesANewcomerFromWhenItCouldMeetSomebody) {
  group.online = {0};
  look(1s);
  group.online = {0, 1};
  look(10s);
  group.join(0, 1);
  look(13s);
  look(14s);
  EXPECT_THAT(record.join_s(), ElementsAre(3.0, 3.0));
}

TEST_F(GroupRecordTest, CountsThePrimariesOfEachPart) {
  group.join(0, 1);
  group.primaries = {0, 1};
  EXPECT_DOUBLE_EQ(*look(1s).primaries, 2.0);
  group.primaries = {1, 2};
  EXPECT_DOUBLE_EQ(*look(2s).primaries, 1.0) << "2 has no peers, and nobody to be primary for";
  EXPECT_EQ(record.one_primary().part, 1u);
  EXPECT_EQ(record.one_primary().whole, 2u);
  EXPECT_EQ(record.primaries(), 3u);
}

TEST_F(GroupRecordTest, TimesTheTakeoverAfterACrashOfThePrimary) {
  group.join(0, 1);
  group.join(1, 2);
  group.primaries = {0};
  look(10s);
  record.crashed(2, at(10s));
  record.crashed(0, at(10500ms));
  group.online = {1, 2};
  look(11s);
  EXPECT_THAT(record.takeover_s(), IsEmpty());
  group.primaries = {2};
  look(13s);
  look(14s);
  EXPECT_THAT(record.takeover_s(), ElementsAre(2.5));
}

TEST_F(GroupRecordTest, WaitsForNoTakeoverWhereNobodyIsLeftToBeAPrimaryFor) {
  group.join(0, 1);
  group.primaries = {0};
  look(10s);
  record.crashed(0, at(10s));
  group.online = {1};
  look(11s);
  group.online = {1, 2};
  group.join(1, 2);
  group.primaries = {1};
  look(60s);
  EXPECT_THAT(record.takeover_s(), IsEmpty());
}

TEST_F(GroupRecordTest, CountsWhatReachesTheMembersThatStay) {
  record.broadcast({0, 7}, {{1, 5}, {2, 5}, {3, 5}}, true, at(1s));
  record.given({0, 7}, 1, at(1040ms));
  record.given({0, 7}, 1, at(1050ms));
  record.given({0, 7}, 2, at(12s));
  record.given({0, 7}, 9, at(1s));
  const auto stays = [](const GroupRecord::Recipient& to) { return to.first != 3; };
  record.judge(at(10s), stays);
  EXPECT_EQ(record.deliveries().whole, 0u) << "there is time yet";
  record.judge(at(11s), stays);
  EXPECT_EQ(record.deliveries().part, 1u);
  EXPECT_EQ(record.deliveries().whole, 2u);
  EXPECT_THAT(record.latency_ms(), ElementsAre(testing::DoubleNear(40, 1e-9)));
  EXPECT_EQ(record.broadcasts(), 1u);
}

TEST(GroupEvent, SaysWhichItIs) {
  const GroupEventId id{0x01020304, 77};
  Bytes event = group_event(id);
  EXPECT_EQ(group_event_id(event), id);
  event.back() = 1;
  EXPECT_FALSE(group_event_id(event));
  event.pop_back();
  EXPECT_FALSE(group_event_id(event));
}

}  // namespace
}  // namespace shoal::sim
