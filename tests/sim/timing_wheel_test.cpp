#include "sim/timing_wheel.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <utility>

namespace shoal::sim {
namespace {

// What the wheel must do, done simply.
class Reference {
 public:
  void insert(std::uint64_t when, std::uint32_t uid) { events_.emplace(std::pair(when, next_++), uid); }
  std::pair<std::uint64_t, std::uint32_t> pop() {
    const auto first = events_.begin();
    const std::pair result(first->first.first, first->second);
    events_.erase(first);
    return result;
  }
  // The n-th, taken out.
  std::pair<std::uint64_t, std::uint32_t> remove_nth(std::size_t n) {
    const auto at = std::next(events_.begin(), static_cast<std::ptrdiff_t>(n));
    const std::pair result(at->first.first, at->second);
    events_.erase(at);
    return result;
  }
  std::size_t size() const { return events_.size(); }

 private:
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint32_t> events_;
  std::uint64_t next_ = 0;
};

// Delays from nothing to weeks: every part of the wheel, and equal times.
std::uint64_t random_delay(std::mt19937_64& random) {
  static constexpr std::uint64_t kSpans[] = {
      1, 1'000, 30'000, 1'000'000, 200'000'000, 20'000'000'000, 2'000'000'000'000, 2'000'000'000'000'000};
  const std::uint64_t span = kSpans[random() % std::size(kSpans)];
  return random() % span / 1000 * 1000;
}

class TimingWheelOrder : public testing::TestWithParam<std::uint64_t> {};

TEST_P(TimingWheelOrder, IsThatOfASortedMap) {
  std::mt19937_64 random(GetParam());
  TimingWheel wheel;
  Reference reference;
  std::uint64_t now = 0;
  std::uint32_t uid = 0;
  std::size_t popped = 0;
  for (int step = 0; step < 200'000; ++step) {
    const std::uint64_t dice = random() % 100;
    const bool filling = step / 20'000 % 2 == 0;
    if (reference.size() == 0 || dice < (filling ? 60u : 35u)) {
      const std::uint64_t when = now + random_delay(random);
      wheel.insert({nullptr, when, uid, 7});
      reference.insert(when, uid++);
    } else if (dice >= 98 && reference.size() < 2000) {
      const auto [when, gone] = reference.remove_nth(random() % reference.size());
      ASSERT_TRUE(wheel.remove(when, gone));
      ASSERT_FALSE(wheel.remove(when, gone));
    } else {
      const auto [when, expected] = reference.pop();
      if (dice % 2 == 0) {
        ASSERT_EQ(wheel.top().uid, expected);
      }
      const TimingWheel::Event event = wheel.pop();
      ASSERT_EQ(event.when, when);
      ASSERT_EQ(event.uid, expected);
      ASSERT_EQ(event.context, 7u);
      now = when;
      ++popped;
    }
    ASSERT_EQ(wheel.size(), reference.size());
  }
  while (reference.size() > 0) ASSERT_EQ(wheel.pop().uid, reference.pop().second);
  EXPECT_TRUE(wheel.empty());
  EXPECT_GT(popped, 50'000u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, TimingWheelOrder, testing::Range<std::uint64_t>(1, 7));

TEST(TimingWheel, TakesAnEarlierEventAfterALaterOneWasLookedAt) {
  TimingWheel wheel;
  wheel.insert({nullptr, 5'000'000'000'000, 1, 0});
  EXPECT_EQ(wheel.top().uid, 1u);
  wheel.insert({nullptr, 10, 2, 0});
  wheel.insert({nullptr, 4'000'000'000'000, 3, 0});
  EXPECT_EQ(wheel.pop().uid, 2u);
  EXPECT_EQ(wheel.pop().uid, 3u);
  EXPECT_EQ(wheel.pop().uid, 1u);
}

TEST(TimingWheel, KeepsTheOrderOfInsertionWhenUidsWrap) {
  TimingWheel wheel;
  wheel.insert({nullptr, 100, 0xffffffff, 0});
  wheel.insert({nullptr, 100, 0, 0});
  EXPECT_EQ(wheel.pop().uid, 0xffffffffu);
  EXPECT_EQ(wheel.pop().uid, 0u);
}

TEST(TimingWheel, KnowsWhatComesNextInTheSlotUnderWay) {
  TimingWheel wheel;
  for (const std::uint32_t uid : {3u, 1u, 2u}) wheel.insert({nullptr, 1'000'000 + uid, uid, 7});
  wheel.insert({nullptr, 2'000'000'000, 4, 7});
  EXPECT_EQ(wheel.peek(0), nullptr) << "not looked for yet";
  EXPECT_EQ(wheel.pop().uid, 1u);
  ASSERT_NE(wheel.peek(1), nullptr);
  EXPECT_EQ(wheel.peek(0)->uid, 2u);
  EXPECT_EQ(wheel.peek(1)->uid, 3u);
  EXPECT_EQ(wheel.peek(2), nullptr) << "in another slot";
}

}  // namespace
}  // namespace shoal::sim
