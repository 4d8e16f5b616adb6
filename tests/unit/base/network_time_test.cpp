#include "node/base/network_time.h"

#include <gtest/gtest.h>

namespace shoal {
namespace {

constexpr WallTime kNoon = std::chrono::sys_days(std::chrono::year(2026) / 5 / 1) + 12h;
constexpr Instant kStart{100s};

Id contact(std::uint8_t number) {
  Id id;
  id.bytes.back() = number;
  return id;
}

TEST(NetworkTime, TrustsItsOwnClockWhileFewHaveAnswered) {
  NetworkTime time;
  for (std::uint8_t i = 0; i + 1u < NetworkTime::kAnswersMin; ++i) time.heard(contact(i), kNoon, kStart);
  EXPECT_EQ(time.wall_time(kNoon + 24h, kStart), kNoon + 24h);
}

TEST(NetworkTime, CorrectsAClockThatIsFarFromTheMedian) {
  NetworkTime time;
  for (std::uint8_t i = 0; i < 9; ++i) time.heard(contact(i), kNoon, kStart);
  EXPECT_EQ(time.wall_time(kNoon + 1h, kStart), kNoon);
  EXPECT_EQ(time.wall_time(kNoon - 24h, kStart), kNoon);
  EXPECT_EQ(time.wall_time(kNoon - 24h, kStart + 10min), kNoon + 10min);
}

TEST(NetworkTime, LeavesAClockAloneThatIsNearTheMedian) {
  NetworkTime time;
  for (std::uint8_t i = 0; i < 9; ++i) time.heard(contact(i), kNoon, kStart);
  EXPECT_EQ(time.wall_time(kNoon + 59s, kStart), kNoon + 59s);
  EXPECT_EQ(time.wall_time(kNoon - 60s, kStart), kNoon - 60s);
  EXPECT_EQ(time.wall_time(kNoon + 61s, kStart), kNoon);
}

TEST(NetworkTime, IsNotMovedByAMinorityHoweverOftenItAnswers) {
  NetworkTime time;
  for (std::uint8_t i = 0; i < 8; ++i) time.heard(contact(i), kNoon, kStart);
  for (int n = 0; n < 100; ++n) {
    for (std::uint8_t i = 8; i < 15; ++i) time.heard(contact(i), kNoon + 48h, kStart);
  }
  EXPECT_EQ(time.wall_time(kNoon + 1s, kStart), kNoon + 1s);
  EXPECT_EQ(time.wall_time(kNoon + 48h, kStart), kNoon);
}

TEST(NetworkTime, FollowsWhatItsContactsSayLast) {
  NetworkTime time;
  for (std::uint8_t i = 0; i < 15; ++i) time.heard(contact(i), kNoon + 1h, kStart);
  for (std::uint8_t i = 0; i < 15; ++i) time.heard(contact(i), kNoon, kStart);
  EXPECT_EQ(time.wall_time(kNoon + 1h, kStart), kNoon);
}

}  // namespace
}  // namespace shoal
