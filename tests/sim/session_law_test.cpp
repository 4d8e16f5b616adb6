// Hosts that differ: the law of all sessions together, how alike two sessions of one host are, and what a
// look at one host at a random instant sees.
#include "sim/session_law.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "node/secure/keys.h"

namespace shoal::sim {
namespace {

constexpr std::size_t kHosts = 40'000;
constexpr double kCorrelation = 0.5;

double normal_score(const Distribution& law, double x) {
  double low = -9, high = 9;
  while (high - low > 1e-6) {
    const double score = (low + high) / 2;
    (law.at_score(score) < x ? low : high) = score;
  }
  return low;
}

double correlation_of(const std::vector<double>& a, const std::vector<double>& b) {
  const double n = static_cast<double>(a.size());
  double mean_a = 0, mean_b = 0, ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    mean_a += a[i] / n;
    mean_b += b[i] / n;
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return ab / std::sqrt(aa * bb);
}

TEST(SessionLaw, RecoversTheCorrelationAndKeepsTheMarginalLaw) {
  init_crypto();
  Rng rng = Rng::keyed(3, "sessions", "test");
  for (const Distribution& law : {Distribution::weibull(0.5, 1800), Distribution::lognormal(600, 1.5)}) {
    std::vector<double> first, second, lengths;
    for (std::size_t host = 0; host < kHosts; ++host) {
      const SessionLaw sessions(law, kCorrelation, draw_normal(rng));
      lengths.push_back(sessions.draw(rng));
      first.push_back(normal_score(law, lengths.back()));
      second.push_back(normal_score(law, sessions.draw(rng)));
    }
    // The standard error is 0.75 / sqrt(n) = 0.004.
    EXPECT_NEAR(correlation_of(first, second), kCorrelation, 0.015) << law.to_string();
    std::ranges::sort(lengths);
    double distance = 0;
    for (std::size_t i = 0; i < kHosts; ++i) {
      distance = std::max(distance, std::abs(law.cdf(lengths[i]) - static_cast<double>(i) / kHosts));
    }
    EXPECT_LT(distance, 1.95 / std::sqrt(kHosts)) << law.to_string();
  }
}

TEST(SessionLaw, KnowsTheMeanOfOneHost) {
  init_crypto();
  Rng rng = Rng::keyed(3, "mean", "test");
  const Distribution law = Distribution::lognormal(600, 1);
  for (const double latent : {-1.5, 0.0, 2.0}) {
    const SessionLaw sessions(law, kCorrelation, latent);
    // Given its latent, a lognormal host is lognormal.
    EXPECT_NEAR(sessions.mean(), 600 * std::exp(std::sqrt(0.5) * latent + 0.25), 0.001 * sessions.mean());
    double sum = 0;
    for (int i = 0; i < 50'000; ++i) sum += sessions.draw(rng);
    EXPECT_NEAR(sum / 50'000, sessions.mean(), 0.02 * sessions.mean());
  }
}

// A length-biased lognormal has exp(sigma^2) times the median; its residual is an even share.
TEST(SessionLaw, MeetsTheLongSessionsOfAHostMoreOften) {
  init_crypto();
  Rng rng = Rng::keyed(3, "under way", "test");
  const SessionLaw sessions(Distribution::lognormal(600, 1), kCorrelation, 1.0);
  double logs = 0, squares = 0, residual = 0;
  constexpr int kDraws = 20'000;
  for (int i = 0; i < kDraws; ++i) {
    const double x = std::log(sessions.draw_under_way(rng));
    logs += x / kDraws;
    squares += x * x / kDraws;
    residual += sessions.draw_residual(rng) / kDraws;
  }
  EXPECT_NEAR(logs, std::log(600) + std::sqrt(0.5) + 0.5, 0.02);
  EXPECT_NEAR(squares - logs * logs, 0.5, 0.02);
  // E[x^2] / (2 E[x]) of a lognormal whose log has variance 0.5.
  EXPECT_NEAR(residual, sessions.mean() * std::exp(0.5) / 2, 0.04 * residual);
}

TEST(SessionLaw, RespondsToAWaveAsAFilterOfFirstOrderWhenExponential) {
  const SessionLaw sessions(Distribution::exponential(3600));
  const double omega = 2 * std::numbers::pi / 86'400;
  const std::complex<double> expected = 1.0 / std::complex<double>(1, omega * 3600);
  EXPECT_NEAR(std::abs(sessions.response(omega) - expected), 0, 1e-4);
}

}  // namespace
}  // namespace shoal::sim
