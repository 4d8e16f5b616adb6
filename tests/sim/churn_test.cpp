// Churn's draws: the stationary start, the shares of crashes and of returning hosts, and that every host's
// sessions are its own.
#include "sim/churn.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <numbers>
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

struct Visit {
  Duration joins, leaves;  // kForever: never
  Churn::Turn turn;
};

// The sessions of a host that begin before `until`, as the population would have them.
std::vector<Visit> visits(const Churn& churn, HostIndex host, Duration until) {
  std::vector<Visit> found;
  const Churn::Start start = churn.start(host);
  Duration joins = start.joins;
  Churn::Turn turn = start.turn;
  for (std::uint32_t n = 1; joins < until; ++n) {
    const bool ends = turn.session != Churn::kForever;
    found.push_back({joins, ends ? joins + turn.session : Churn::kForever, turn});
    if (!ends) break;
    joins = churn.next_join(host, turn, found.back().leaves);
    if (joins != Churn::kForever) turn = churn.turn(host, n, joins);
  }
  return found;
}

bool online_at(const Churn& churn, HostIndex host, Duration when) {
  const std::vector<Visit> all = visits(churn, host, when + 1ns);
  return !all.empty() && when < all.back().leaves;
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
      for (const Visit& visit : visits(churn, host, to)) {
        count += visit.leaves >= from && visit.leaves < to ? 1 : 0;
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
    const Churn::Turn turn = churn.turn(host, 1, 0s);
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
    EXPECT_EQ(churn.turn(host, 1, 0s).session, Churn::kForever);
  }
}

TEST(Churn, WithoutAbsenceEverybodyIsOnlineAndReplacedAtOnce) {
  Scenario scenario = churning();
  scenario.churn->absence.reset();
  const Churn churn(scenario);
  EXPECT_EQ(online_share(churn, 10min), 1.0);
  EXPECT_EQ(churn.next_join(5, churn.turn(5, 1, 0s), 1min), 1min);
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
  EXPECT_EQ(churn.turn(7, 3, 0s).session, smaller.turn(7, 3, 0s).session);
  EXPECT_EQ(churn.start(7).turn.session, smaller.start(7).turn.session);
  EXPECT_NE(churn.turn(7, 3, 0s).session, other.turn(7, 3, 0s).session);
  EXPECT_NE(churn.turn(7, 3, 0s).session, churn.turn(8, 3, 0s).session);
  EXPECT_NE(churn.turn(7, 3, 0s).session, churn.turn(7, 4, 0s).session);
}

// Moments of sin and cos over whole periods give amplitude and phase.
struct Wave {
  double mean, amplitude, peak_h;
};
Wave fitted_wave(const Churn& churn, int hours, HostIndex hosts) {
  std::vector<double> online(static_cast<std::size_t>(hours));
  for (HostIndex host = 3; host < hosts; ++host) {
    for (const Visit& visit : visits(churn, host, hours * 1h)) {
      for (auto h = static_cast<std::size_t>(std::ceil(to_seconds(visit.joins) / 3600));
           h < online.size() && h * 1h < visit.leaves; ++h) {
        ++online[h];
      }
    }
  }
  double sum = 0, c = 0, s = 0;
  for (std::size_t h = 0; h < online.size(); ++h) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(h) / 24;
    sum += online[h];
    c += online[h] * std::cos(angle);
    s += online[h] * std::sin(angle);
  }
  const double peak = std::atan2(s, c) * 24 / (2 * std::numbers::pi);
  return {sum / hours / (hosts - 3), 2 * std::hypot(c, s) / sum, peak < 0 ? peak + 24 : peak};
}

Scenario with_hours(Distribution session, Distribution absence, double amplitude) {
  Scenario scenario = churning();
  scenario.churn->session = session;
  scenario.churn->absence = absence;
  scenario.churn->diurnal = DiurnalSpec{24h, amplitude, 20h, {}};
  return scenario;
}

TEST(Churn, FollowsTheHoursOfTheDayFromTheStart) {
  // Exponential absences: exactly the sine, whatever the sessions' law; here and below within four standard
  // errors of 6,000 hosts.
  const auto short_sessions = fitted_wave(
      Churn(with_hours(Distribution::weibull(0.5, 1800), Distribution::exponential(5400), 0.5)), 48, 6000);
  EXPECT_NEAR(short_sessions.mean, 0.25, 0.01);
  EXPECT_NEAR(short_sessions.amplitude, 0.5, 0.025);
  EXPECT_NEAR(short_sessions.peak_h, 20, 0.2);
  // Sessions of hours, which would make the wave late by two of them if nothing were done about it.
  const auto long_sessions = fitted_wave(
      Churn(with_hours(Distribution::lognormal(7200, 1), Distribution::exponential(20'000), 0.4)), 48, 6000);
  EXPECT_NEAR(long_sessions.amplitude, 0.4, 0.025);
  EXPECT_NEAR(long_sessions.peak_h, 20, 0.3);
  // Absences of another law are nearly there.
  const auto other = fitted_wave(
      Churn(with_hours(Distribution::exponential(1800), Distribution::weibull(0.7, 5400), 0.5)), 48, 6000);
  EXPECT_NEAR(other.mean, 0.25, 0.015);
  EXPECT_NEAR(other.amplitude, 0.5, 0.05);
  EXPECT_NEAR(other.peak_h, 20, 0.5);
}

TEST(Churn, IsStationaryInEveryPhaseOfTheDay) {
  // The first hour has the share that the same hour has a day later.
  const Churn churn(with_hours(Distribution::weibull(0.5, 3600), Distribution::exponential(7200), 0.5));
  const double expected = 1.0 / 3 * (1 + 0.5 * std::cos(2 * std::numbers::pi * 20 / 24));
  EXPECT_NEAR(online_share(churn, 0s), expected, 0.0125);
  EXPECT_NEAR(online_share(churn, 24h), expected, 0.0125);
}

TEST(Churn, ShiftsThePeakFromRegionToRegion) {
  Scenario scenario = with_hours(Distribution::exponential(1800), Distribution::exponential(5400), 0.5);
  scenario.churn->diurnal->region_shift = 6h;
  const Churn churn(scenario, [](HostIndex) { return 2u; });
  EXPECT_NEAR(fitted_wave(churn, 24, 6000).peak_h, 8, 0.3);  // 20 h and twice 6 h
}

TEST(Churn, CorrelatesTheSessionsOfAHostAndStaysStationary) {
  Scenario scenario = churning();
  scenario.churn->session = Distribution::lognormal(600, 1);
  scenario.churn->correlation = 0.6;
  const Churn churn(scenario);
  // Given its latent a host is lognormal, so its logs' covariance is the correlation.
  double products = 0, logs = 0;
  for (HostIndex host = 3; host < kHosts; ++host) {
    const double a = std::log(to_seconds(churn.turn(host, 1, 0s).session) / 600);
    const double b = std::log(to_seconds(churn.turn(host, 2, 0s).session) / 600);
    products += a * b / kHosts;
    logs += a / kHosts;
  }
  EXPECT_NEAR(logs, 0, 0.03);
  EXPECT_NEAR(products, 0.6, 0.03);
  const double at_start = online_share(churn, 0s);
  EXPECT_NEAR(online_share(churn, 30min), at_start, 0.0125);
  EXPECT_NEAR(online_share(churn, 10h), at_start, 0.0125);
  // Long-lived hosts are nearly always there, short-lived ones hardly: fewer than if all were alike.
  EXPECT_LT(at_start, 989.2 / (989.2 + 600) - 0.05);
}

TEST(Churn, ReplaysATraceExactly) {
  Scenario scenario = churning();
  scenario.churn->absence.reset();
  scenario.churn->crash_share = 1;
  scenario.population.size = 6;
  auto read =
      parse_session_trace("host,joins_s,leaves_s,leave\na,10,20,clean\na,30.25,40,\nb,0,,\n", "t.csv");
  scenario.churn->trace = std::make_shared<const SessionTrace>(std::move(read.trace));
  const Churn churn(scenario);
  const std::vector<Visit> a = visits(churn, 3, 1h);
  ASSERT_EQ(a.size(), 2u);
  EXPECT_EQ(a[0].joins, 10s);
  EXPECT_EQ(a[0].leaves, 20s);
  EXPECT_FALSE(a[0].turn.crash);
  EXPECT_EQ(a[1].joins, 30250ms);
  EXPECT_EQ(a[1].leaves, 40s);
  EXPECT_TRUE(a[1].turn.crash);
  const std::vector<Visit> b = visits(churn, 4, 1h);
  ASSERT_EQ(b.size(), 1u);
  EXPECT_EQ(b[0].joins, 0s);
  EXPECT_EQ(b[0].leaves, Churn::kForever);
  // No such host in the trace: it never comes. And bootstrap hosts are not of it.
  EXPECT_TRUE(visits(churn, 5, 1h).empty());
  EXPECT_EQ(visits(churn, 0, 1h).at(0).leaves, Churn::kForever);
  // A fault that ends in the middle of a session gives back the rest of it.
  EXPECT_EQ(churn.join_after(3, 15s), 15s);
  EXPECT_EQ(churn.turn(3, 1, 15s).session, 5s);
  EXPECT_EQ(churn.join_after(3, 25s), 30250ms);
  EXPECT_EQ(churn.join_after(3, 50s), Churn::kForever);
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
