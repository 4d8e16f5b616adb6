#include "node/base/utc_day.h"

#include <gtest/gtest.h>

namespace shoal {
namespace {

constexpr WallTime kNoon = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1) + std::chrono::hours(12);

TEST(UtcDay, AroundMidnightThereAreTwo) {
  using namespace std::chrono;
  const UtcDay day = 20'513;
  EXPECT_EQ(utc_days_at(kNoon), (std::vector<UtcDay>{day}));
  EXPECT_EQ(utc_days_at(kNoon + hours(10) - 1ms), (std::vector<UtcDay>{day}));
  EXPECT_EQ(utc_days_at(kNoon + hours(10)), (std::vector<UtcDay>{day, day + 1}));
  EXPECT_EQ(utc_days_at(kNoon - hours(10) - 1ms), (std::vector<UtcDay>{day - 1, day}));
  EXPECT_EQ(utc_days_at(kNoon - hours(10)), (std::vector<UtcDay>{day}));
}

}  // namespace
}  // namespace shoal
