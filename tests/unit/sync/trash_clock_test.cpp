#include "node/sync/trash_clock.h"

#include <gtest/gtest.h>

namespace shoal::sync {
namespace {

constexpr Duration kDay = 24h;
constexpr Duration kLifetime = 30 * kDay;
constexpr Duration kTick = 15min;

class TrashClockTest : public testing::Test {
 protected:
  TrashClockTest() { start(); }
  // The node starts again, with what was saved last.
  void start() {
    clock_ = {};
    clock_.start(saved_, 0, now_, date());
    advance();
  }
  void off(Duration by) { date_ += by; }
  void jump(Duration by) { date_ += by; }
  void advance() {
    clock_.advance(now_, date(), kLifetime);
    saved_ = clock_.saved();
  }
  void run(Duration by) {
    for (Duration passed{}; passed < by; passed += kTick) {
      now_ += kTick;
      date_ += kTick;
      advance();
    }
  }
  double days() const { return double(clock_.lived_ms(now_)) / 86'400'000; }
  WallTime date() const { return WallTime(std::chrono::duration_cast<std::chrono::milliseconds>(date_)); }

  Duration date_ = 20'000 * kDay;
  Instant now_ = Instant(kDay);
  std::optional<TrashClock::Saved> saved_;
  TrashClock clock_;
};

TEST_F(TrashClockTest, CountsWhatItLivesThrough) {
  run(3 * kDay);
  EXPECT_NEAR(days(), 3, 0.01);
  now_ += 1h;
  EXPECT_EQ(clock_.lived_ms(now_), clock_.saved().lived_ms + 3'600'000) << "between advances too";
}

TEST_F(TrashClockTest, AJumpThatIsPutRightCountsNothing) {
  run(kDay);
  for (const Duration by : {40 * kDay, -40 * kDay, 20'000 * kDay, -19'000 * kDay, kDay / 24}) {
    jump(by);
    advance();
    jump(-by);
    advance();
    run(1h);
  }
  EXPECT_NEAR(days(), 1 + 5.0 / 24, 0.01);
}

TEST_F(TrashClockTest, AJumpThatLastsExpiresNothingAtOnceAndCountsAtMostAQuarterOfTheLifetime) {
  run(kDay);
  jump(400 * kDay);
  run(kTick);
  EXPECT_LT(days(), 1.1);
  run(30 * kDay);
  EXPECT_NEAR(days(), 31 + 7.5, 0.1);
}

TEST_F(TrashClockTest, AWrongDateAtTheStartCountsNothingOnceItIsPutRight) {
  run(kDay);
  off(-20'000 * kDay);  // there is no battery
  start();
  jump(20'000 * kDay + 1h);
  run(5 * kDay);
  EXPECT_NEAR(days(), 6, 0.1);
  off(40 * kDay);
  start();
  EXPECT_NEAR(days(), 6, 0.1);
  jump(-40 * kDay);
  run(kDay);
  EXPECT_NEAR(days(), 7, 0.1);
}

TEST_F(TrashClockTest, AHostThatRunsAnHourADayCountsDays) {
  for (int day = 0; day < 20; ++day) {
    off(23h);
    start();
    run(1h);
  }
  EXPECT_NEAR(days(), 20, 1.1);
}

TEST_F(TrashClockTest, AHostThatIsOffForMonthsCountsAQuarterOfTheLifetimeEachTime) {
  for (int time = 1; time <= 3; ++time) {
    off(90 * kDay);
    start();
    EXPECT_LT(days(), 9 * time);
    run(kDay);
    EXPECT_NEAR(days(), 8.5 * time, 0.1);
  }
}

TEST_F(TrashClockTest, NeverCountsLessThanTheNewestInTheTrash) {
  TrashClock clock;
  clock.start(std::nullopt, 5000, now_, date());
  EXPECT_EQ(clock.lived_ms(now_), 5000);
  clock.advance(now_, date(), kLifetime);
  EXPECT_EQ(clock.lived_ms(now_), 5000) << "the date has nothing to add";
}

TEST_F(TrashClockTest, IsWrittenInOneLengthAndReadBack) {
  for (const TrashClock::Saved& saved :
       {TrashClock::Saved{0, 0}, TrashClock::Saved{86'400'000, -5},
        TrashClock::Saved{TrashClock::kNumberMax, -TrashClock::kNumberMax}}) {
    const std::string text = TrashClock::encode(saved);
    EXPECT_EQ(text.size(), 42u);
    EXPECT_EQ(TrashClock::decode(text), saved);
  }
  for (const char* no : {"", "1\n", "1 2", "-1 2\n", "1 x\n", "99999999999999999 1\n", "1 2 3\n"}) {
    EXPECT_EQ(TrashClock::decode(no), std::nullopt) << no;
  }
}

}  // namespace
}  // namespace shoal::sync
