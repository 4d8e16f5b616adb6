#include "node/lan/lan_groups.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

namespace shoal {
namespace {

constexpr WallTime kNoon = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1) + std::chrono::hours(12);
const Id kSelf{{1, 2, 3}};

LanTagList list() {
  return LanTagList(Secret({1}));
}

std::vector<LanGroup> groups_of(std::size_t count) {
  std::vector<LanGroup> groups(count);
  for (std::size_t i = 0; i < count; ++i) {
    groups[i].locate_key = Secret({static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i >> 8), 1});
  }
  return groups;
}

std::set<LanTag> tags_of(const std::vector<LanGroup>& groups, const Id& host, UtcDay day) {
  std::set<LanTag> tags;
  for (const LanGroup& group : groups) tags.insert(lan_tag(lan_day_key(group, day), host));
  return tags;
}

bool holds_all(const std::vector<LanTag>& shown, const std::set<LanTag>& wanted) {
  return std::ranges::all_of(wanted,
                             [&](const LanTag& tag) { return std::ranges::find(shown, tag) != shown.end(); });
}

// As DESIGN §5 and §7 define it, so that hosts of other builds agree.
TEST(LanTag, IsTheMacOfTheHostUnderTheKeyOfTheDay) {
  const LanGroup group{Id{}, Secret({7})};
  const Bytes day = {0, 0, 0x50, 0x2d};
  const Secret::Array whole = mac(derive(group.locate_key, "lan", day), {kSelf.view()});
  EXPECT_TRUE(std::ranges::equal(lan_tag(lan_day_key(group, 0x502d), kSelf), std::span(whole).first(16)));
  EXPECT_NE(lan_tag(lan_day_key(group, 0x502d), kSelf), lan_tag(lan_day_key(group, 0x502d), Id{}));
}

TEST(LanTagList, HasTheSameLengthForAllNumbersOfGroupsUpToIt) {
  const auto length = [](std::size_t count, WallTime now) {
    return list().make(groups_of(count), kSelf, now, 0).size();
  };
  EXPECT_EQ(list().make({}, kSelf, kNoon, 0).size(), 4u);
  for (const std::size_t count : {0, 1, 4}) EXPECT_EQ(length(count, kNoon), 4u) << count;
  for (const std::size_t count : {5, 8}) EXPECT_EQ(length(count, kNoon), 8u) << count;
  for (const std::size_t count : {9, 16}) EXPECT_EQ(length(count, kNoon), 16u) << count;
  for (const std::size_t count : {17, 32, 33, 500}) EXPECT_EQ(length(count, kNoon), 32u) << count;
  for (const std::size_t count : {17, 500}) EXPECT_EQ(length(count, kNoon + 11h), 64u) << count;
}

TEST(LanTagList, ShowsTheTagsOfTheDayAndAroundMidnightThoseOfBoth) {
  const std::vector<LanGroup> groups = groups_of(3);
  const UtcDay day = utc_days_at(kNoon).front();
  EXPECT_TRUE(holds_all(list().make(groups, kSelf, kNoon, 0), tags_of(groups, kSelf, day)));
  EXPECT_FALSE(holds_all(list().make(groups, kSelf, kNoon, 0), tags_of(groups, kSelf, day + 1)));
  const std::vector<LanTag> late = list().make(groups, kSelf, kNoon + 11h, 0);
  EXPECT_TRUE(holds_all(late, tags_of(groups, kSelf, day)));
  EXPECT_TRUE(holds_all(late, tags_of(groups, kSelf, day + 1)));
}

// Whoever hears two messages of a day must not tell padding from tags by what stays; nor by its place.
TEST(LanTagList, StaysTheSameAllDayAndNothingOfItStaysOverNight) {
  const std::vector<LanGroup> groups = groups_of(2);
  const std::vector<LanTag> noon = list().make(groups, kSelf, kNoon, 0);
  EXPECT_EQ(noon, list().make(groups, kSelf, kNoon + 9h, 77));
  EXPECT_TRUE(std::ranges::is_sorted(noon));
  EXPECT_EQ(std::set(noon.begin(), noon.end()).size(), noon.size());
  const std::vector<LanTag> next_noon = list().make(groups, kSelf, kNoon + 24h, 0);
  for (const LanTag& tag : next_noon) EXPECT_THAT(noon, testing::Not(testing::Contains(tag)));
}

TEST(LanTagList, PaddingOfTwoRunsHasNothingInCommon) {
  const LanTagList other(Secret({2}));
  for (const LanTag& tag : other.make({}, kSelf, kNoon, 0)) {
    EXPECT_THAT(list().make({}, kSelf, kNoon, 0), testing::Not(testing::Contains(tag)));
  }
}

TEST(LanTagList, ShowsMoreGroupsThanAMessageHoldsInTurn) {
  for (const std::size_t count : {33u, 64u, 100u}) {
    const std::vector<LanGroup> groups = groups_of(count);
    std::set<LanTag> shown;
    for (std::uint64_t turn = 0; turn < count; ++turn) {
      for (const LanTag& tag : list().make(groups, kSelf, kNoon, turn)) shown.insert(tag);
    }
    EXPECT_EQ(shown, tags_of(groups, kSelf, utc_days_at(kNoon).front())) << count;
  }
}

}  // namespace
}  // namespace shoal
