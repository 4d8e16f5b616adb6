#include "node/base/network_time.h"

#include <gtest/gtest.h>

namespace shoal {
namespace {

constexpr WallTime kNoon = std::chrono::sys_days(std::chrono::year(2026) / 5 / 1) + 12h;
constexpr Instant kStart{100s};

// A host in the network of this number.
Endpoint in_network(std::uint32_t number, std::uint32_t host = 1) {
  return Endpoint::v4(0x05000000 + (number << 8) + host, 4000);
}

class NetworkTimeTest : public ::testing::Test {
 protected:
  void hear(std::uint32_t first, std::uint32_t end, WallTime theirs, WallTime own = kNoon,
            Instant now = kStart) {
    for (std::uint32_t i = first; i < end; ++i) time_.heard(in_network(i), theirs, own, now);
  }
  NetworkTime time_;
};

TEST_F(NetworkTimeTest, TrustsItsOwnClockWhileFewHaveAnswered) {
  hear(0, 2, kNoon);
  EXPECT_EQ(time_.wall_time(kNoon + 2h, kStart), kNoon + 2h);
  EXPECT_EQ(time_.ahead(kNoon + 2h, kStart), 2h);  // and says so
}

TEST_F(NetworkTimeTest, GoesByThreeThatAgreeAndByFiveThatDoNot) {
  hear(0, 3, kNoon, kNoon + 2h);
  EXPECT_EQ(time_.wall_time(kNoon + 2h, kStart), kNoon);
  hear(3, 4, kNoon + 3h, kNoon + 2h);
  EXPECT_EQ(time_.wall_time(kNoon + 2h, kStart), kNoon + 2h);
  hear(4, 5, kNoon, kNoon + 2h);
  EXPECT_EQ(time_.wall_time(kNoon + 2h, kStart), kNoon);
}

TEST_F(NetworkTimeTest, CorrectsAClockThatIsFarFromTheMedian) {
  hear(0, 9, kNoon);
  EXPECT_EQ(time_.wall_time(kNoon + 1h, kStart), kNoon);
  EXPECT_EQ(time_.wall_time(kNoon - 24h, kStart), kNoon);
  EXPECT_EQ(time_.wall_time(kNoon - 24h, kStart + 10min), kNoon + 10min);
}

TEST_F(NetworkTimeTest, LeavesAClockAloneThatIsNearTheMedian) {
  hear(0, 9, kNoon);
  EXPECT_EQ(time_.wall_time(kNoon + 59s, kStart), kNoon + 59s);
  EXPECT_EQ(time_.wall_time(kNoon - 60s, kStart), kNoon - 60s);
  EXPECT_EQ(time_.wall_time(kNoon + 61s, kStart), kNoon);
}

TEST_F(NetworkTimeTest, IsNotMovedByAMinorityHoweverOftenItAnswers) {
  hear(0, 8, kNoon);
  for (int n = 0; n < 100; ++n) hear(8, 15, kNoon + 48h);
  EXPECT_EQ(time_.wall_time(kNoon + 1s, kStart), kNoon + 1s);
  EXPECT_EQ(time_.wall_time(kNoon + 48h, kStart), kNoon);
}

TEST_F(NetworkTimeTest, GivesOneVoteToAllHostsOfANetwork) {
  hear(0, 3, kNoon);
  for (std::uint32_t host = 1; host < 136; ++host) {
    time_.heard(in_network(100, host), kNoon + 8 * 24h, kNoon, kStart);
  }
  EXPECT_EQ(time_.wall_time(kNoon, kStart), kNoon);
  hear(3, 5, kNoon);
  EXPECT_EQ(time_.wall_time(kNoon + 2h, kStart), kNoon);
}

TEST_F(NetworkTimeTest, FollowsWhatItsContactsSayLast) {
  hear(0, 15, kNoon + 1h);
  hear(0, 15, kNoon);
  EXPECT_EQ(time_.wall_time(kNoon + 1h, kStart), kNoon);
}

TEST_F(NetworkTimeTest, MovesByNoMoreThanItsStepWithinAnHour) {
  hear(0, 15, kNoon + 8 * 24h);
  EXPECT_EQ(time_.wall_time(kNoon, kStart), kNoon + NetworkTime::kStepMax);
  hear(0, 15, kNoon - 8 * 24h);
  EXPECT_EQ(time_.wall_time(kNoon, kStart), kNoon - NetworkTime::kStepMax);
  const Instant later = kStart + NetworkTime::kStepPeriod;
  hear(0, 15, kNoon + 8 * 24h + 1h, kNoon + 1h, later);
  EXPECT_EQ(time_.wall_time(kNoon + 1h, later), kNoon + 1h);  // a step from where it was
  const Instant last = later + NetworkTime::kStepPeriod;
  hear(0, 15, kNoon + 2h, kNoon + 2h, last);
  EXPECT_EQ(time_.wall_time(kNoon + 2h, last), kNoon + 2h);
}

}  // namespace
}  // namespace shoal
