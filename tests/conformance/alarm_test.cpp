// What the Alarm and Clock ports promise.
#include "tests/conformance/suite.h"

namespace shoal::conformance {
namespace {

constexpr Duration kLateMax = 1s;  // a hint, but one that nodes rely on

TEST_P(Conformance, AlarmFiresOnceAtOrAfterItsInstant) {
  const std::size_t host = add_host();
  Instant due{};
  act(host, [&] {
    due = probe(host).now() + 150ms;
    for (int i = 0; i < 100; ++i) probe(host).wake_at(due);
  });
  ASSERT_TRUE(until([&] { return !probe(host).alarms.empty(); }));
  EXPECT_GE(probe(host).alarms[0], due);
  EXPECT_LE(probe(host).alarms[0], due + kLateMax);
  settle();
  EXPECT_EQ(probe(host).alarms.size(), 1u);
}

TEST_P(Conformance, EarlierAlarmWins) {
  const std::size_t host = add_host();
  Instant asked{};
  act(host, [&] {
    asked = probe(host).now();
    probe(host).wake_at(asked + 1h);
    probe(host).wake_at(asked + 100ms);
    probe(host).wake_at(asked + 2h);
  });
  ASSERT_TRUE(until([&] { return !probe(host).alarms.empty(); }));
  EXPECT_GE(probe(host).alarms[0], asked + 100ms);
  EXPECT_LE(probe(host).alarms[0], asked + 100ms + kLateMax);
}

TEST_P(Conformance, EarlierAlarmWinsInALaterTurn) {
  const std::size_t host = add_host();
  Instant asked{};
  act(host, [&] {
    asked = probe(host).now();
    probe(host).wake_at(asked + 1h);
  });
  act(host, [&] { probe(host).wake_at(asked + 100ms); });
  ASSERT_TRUE(until([&] { return !probe(host).alarms.empty(); }));
  EXPECT_GE(probe(host).alarms[0], asked + 100ms);
}

TEST_P(Conformance, AlarmCanBeSetAgainAndAgain) {
  const std::size_t host = add_host();
  std::vector<Instant> due;
  for (std::size_t i = 1; i <= 5; ++i) {
    act(host, [&] {
      due.push_back(probe(host).now() + 20ms);
      probe(host).wake_at(due.back());
    });
    ASSERT_TRUE(until([&] { return probe(host).alarms.size() == i; }));
  }
  for (std::size_t i = 0; i < due.size(); ++i) EXPECT_GE(probe(host).alarms[i], due[i]);
}

TEST_P(Conformance, AlarmForThePastFiresSoon) {
  const std::size_t host = add_host();
  Instant asked{};
  act(host, [&] {
    asked = probe(host).now();
    probe(host).wake_at(Instant{});
    EXPECT_TRUE(probe(host).alarms.empty());
  });
  ASSERT_TRUE(until([&] { return !probe(host).alarms.empty(); }, kLateMax));
  act(host, [&] { probe(host).wake_at(probe(host).now()); });
  ASSERT_TRUE(until([&] { return probe(host).alarms.size() == 2; }, kLateMax));
}

TEST_P(Conformance, AlarmForNeverAsksForNothing) {
  const std::size_t host = add_host();
  act(host, [&] { probe(host).wake_at(kNever); });
  settle();
  EXPECT_TRUE(probe(host).alarms.empty());
}

TEST_P(Conformance, AlarmsOfHostsAreTheirOwn) {
  const std::size_t first = add_host();
  const std::size_t second = add_host();
  act(first, [&] { probe(first).wake_at(probe(first).now() + 20ms); });
  ASSERT_TRUE(until([&] { return !probe(first).alarms.empty(); }));
  settle();
  EXPECT_TRUE(probe(second).alarms.empty());
}

TEST_P(Conformance, ClocksMoveForward) {
  const std::size_t host = add_host();
  Instant before{};
  WallTime wall_before{};
  act(host, [&] {
    before = probe(host).now();
    wall_before = harness_->ports(host).clock.wall_time();
    probe(host).wake_at(before + 50ms);
  });
  ASSERT_TRUE(until([&] { return !probe(host).alarms.empty(); }));
  act(host, [&] {
    EXPECT_GE(probe(host).now(), before + 50ms);
    EXPECT_GT(harness_->ports(host).clock.wall_time(), wall_before);
  });
  EXPECT_GT(wall_before, WallTime(std::chrono::sys_days(std::chrono::year(2025) / 1 / 1)));
}

}  // namespace
}  // namespace shoal::conformance
