// Churn's draws: the stationary start, the shares of crashes and of returning hosts, and that every host's
// sessions are its own.
#include "sim/churn.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "node/secure/keys.h"
#include "sim/deal.h"
#include "sim/host_name.h"

namespace shoal::sim {
namespace {

constexpr HostIndex kHosts = 20'000;

Scenario churning() {
  init_crypto();
  Scenario scenario;
  scenario.seed = 11;
  scenario.population.size = kHosts;
  scenario.population.bootstrap_hosts = 3;
  scenario.churn.emplace();
  scenario.churn->session = Distribution::weibull(0.5, 1800);
  scenario.churn->absence = Distribution::exponential(600);
  scenario.churn->crash_share = 0.7;
  scenario.churn->keep_share = 0.8;
  return scenario;
}

// Is the host online at `when`, as the population would have it?
bool online_at(const Churn& churn, HostIndex host, Duration when) {
  const Churn::Start start = churn.start(host);
  Duration begin = start.joins;
  Churn::Turn turn = start.turn;
  for (std::uint32_t n = 1;; ++n) {
    if (when < begin) return false;
    if (turn.session == Churn::kForever || when < begin + turn.session) return true;
    begin += turn.session + turn.absence;
    turn = churn.turn(host, n);
  }
}

double online_share(const Churn& churn, Duration when) {
  std::uint32_t online = 0;
  for (HostIndex host = 3; host < kHosts; ++host) online += online_at(churn, host, when) ? 1 : 0;
  return static_cast<double>(online) / (kHosts - 3);
}

TEST(Churn, IsStationaryFromTheStart) {
  const Churn churn(churning());
  // 1800 / (1800 + 600); four standard errors of 20,000 hosts are 1.2 %.
  for (const Duration when : {Duration(0s), Duration(1s), Duration(60s), Duration(10min), Duration(2h)}) {
    EXPECT_NEAR(online_share(churn, when), 0.75, 0.0125) << to_seconds(when);
  }
}

TEST(Churn, DepartsAtTheRateOfTheSteadyStateFromTheFirstMinuteOn) {
  const Churn churn(churning());
  const auto departures = [&](Duration from, Duration to) {
    std::uint32_t count = 0;
    for (HostIndex host = 3; host < kHosts; ++host) {
      const Churn::Start start = churn.start(host);
      Duration end = start.joins + start.turn.session;
      Churn::Turn turn = start.turn;
      for (std::uint32_t n = 1; end < to; ++n) {
        count += end >= from ? 1 : 0;
        const Duration begin = end + turn.absence;
        turn = churn.turn(host, n);
        end = begin + turn.session;
      }
    }
    return static_cast<double>(count);
  };
  // One per cycle of 2400 s and host: 500 a minute.
  const double expected = kHosts / 40.0;
  EXPECT_NEAR(departures(0s, 1min), expected, 6 * std::sqrt(expected));
  EXPECT_NEAR(departures(30min, 31min), expected, 6 * std::sqrt(expected));
}

TEST(Churn, KeepsTheSharesOfCrashesAndOfReturningHosts) {
  const Churn churn(churning());
  double crashes = 0, kept = 0;
  for (HostIndex host = 3; host < kHosts; ++host) {
    const Churn::Turn turn = churn.turn(host, 1);
    crashes += turn.crash ? 1 : 0;
    kept += turn.keeps_identity ? 1 : 0;
  }
  EXPECT_NEAR(crashes / kHosts, 0.7, 0.015);
  EXPECT_NEAR(kept / kHosts, 0.8, 0.015);
}

TEST(Churn, BootstrapHostsComeFirstAndNeverLeave) {
  const Churn churn(churning());
  for (HostIndex host = 0; host < 3; ++host) {
    EXPECT_EQ(churn.start(host).joins, 0s);
    EXPECT_EQ(churn.start(host).turn.session, Churn::kForever);
    EXPECT_EQ(churn.turn(host, 1).session, Churn::kForever);
  }
}

TEST(Churn, WithoutAbsenceEverybodyIsOnlineAndReplacedAtOnce) {
  Scenario scenario = churning();
  scenario.churn->absence.reset();
  const Churn churn(scenario);
  EXPECT_EQ(online_share(churn, 10min), 1.0);
  EXPECT_EQ(churn.turn(5, 1).absence, 0s);
}

TEST(Churn, WithoutChurnHostsArriveOverThePeriodAndStay) {
  Scenario scenario = churning();
  scenario.churn.reset();
  scenario.population.arrival_over = 5min;
  const Churn churn(scenario);
  EXPECT_NEAR(online_share(churn, 150s), 0.5, 0.015);
  EXPECT_EQ(online_share(churn, 5min), 1.0);
  EXPECT_EQ(churn.start(100).turn.session, Churn::kForever);
}

TEST(Churn, OfOneHostDependsOnNothingButSeedAndHost) {
  Scenario scenario = churning();
  const Churn churn(scenario);
  scenario.population.size = 10;
  scenario.workload.lookups.emplace();
  const Churn smaller(scenario);
  scenario.seed = 12;
  const Churn other(scenario);
  EXPECT_EQ(churn.turn(7, 3).session, smaller.turn(7, 3).session);
  EXPECT_EQ(churn.start(7).turn.session, smaller.start(7).turn.session);
  EXPECT_NE(churn.turn(7, 3).session, other.turn(7, 3).session);
  EXPECT_NE(churn.turn(7, 3).session, churn.turn(8, 3).session);
  EXPECT_NE(churn.turn(7, 3).session, churn.turn(7, 4).session);
}

TEST(HostName, IsOneForEachLife) {
  EXPECT_EQ(host_name(17), "host-17");
  EXPECT_EQ(host_name(17, 2), "host-17.2");
}

TEST(Deal, MakesGroupsByTheirSharesAtRandom) {
  init_crypto();
  Rng rng = Rng::keyed(1, "faults", "test");
  const std::vector<std::uint8_t> groups = deal_groups(201, {0.25, 0.5, 0.25}, rng);
  std::vector<int> sizes(3);
  int neighbours_alike = 0;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    ++sizes.at(groups[i]);
    neighbours_alike += i > 0 && groups[i] == groups[i - 1] ? 1 : 0;
  }
  EXPECT_EQ(sizes, (std::vector<int>{50, 101, 50}));
  // Of 200 pairs, 37.5 % by chance; all but two if the hosts stood in order.
  EXPECT_LT(neighbours_alike, 110);
}

}  // namespace
}  // namespace shoal::sim
