// Every law of Distribution, and its residual, against its own formulas: by fitting to many draws and by the
// Kolmogorov-Smirnov distance.
#include "sim/distribution.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "node/secure/keys.h"

namespace shoal::sim {
namespace {

constexpr std::size_t kDraws = 100'000;
// The distance that a sample of kDraws exceeds once in a thousand: 1.95 / sqrt(n).
const double kDistanceMax = 1.95 / std::sqrt(static_cast<double>(kDraws));

struct Law {
  std::string name;
  Distribution distribution;
};
void PrintTo(const Law& law, std::ostream* out) {
  *out << law.distribution.to_string();
}

std::vector<Law> laws() {
  return {{"uniform", Distribution::uniform(2.0, 20.0)},
          {"exponential", Distribution::exponential(600.0)},
          {"heavy_weibull", Distribution::weibull(0.5, 1800.0)},
          {"light_weibull", Distribution::weibull(2.5, 40.0)},
          {"pareto", Distribution::pareto(2.5, 900.0)},
          {"lognormal", Distribution::lognormal(15.0, 0.5)}};
}

std::vector<double> sorted_sample(const std::function<double(Rng&)>& draw, const std::string& purpose) {
  Rng rng = Rng::keyed(7, "distribution", purpose);
  std::vector<double> sample(kDraws);
  for (double& x : sample) x = draw(rng);
  std::sort(sample.begin(), sample.end());
  return sample;
}

double mean_of(const std::vector<double>& sample) {
  double sum = 0;
  for (const double x : sample) sum += x;
  return sum / static_cast<double>(sample.size());
}

double ks_distance(const std::vector<double>& sorted, const std::function<double(double)>& cdf) {
  const double n = static_cast<double>(sorted.size());
  double distance = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const double f = cdf(sorted[i]);
    distance = std::max(
        {distance, std::abs(f - static_cast<double>(i) / n), std::abs(f - static_cast<double>(i + 1) / n)});
  }
  return distance;
}

// Integral of (1 - cdf) from 0 to x over the mean, by Simpson's rule on a grid that is fine near 0, where
// heavy-tailed laws change fastest.
class ResidualCdf {
 public:
  ResidualCdf(const Distribution& d, double x_max) : x_max_(x_max) {
    cumulative_.push_back(0);
    for (std::size_t i = 0; i < kSteps; ++i) {
      const double a = point(i), b = point(i + 1);
      const double area = (b - a) / 6 * (6 - (d.cdf(a) + 4 * d.cdf((a + b) / 2) + d.cdf(b)));
      cumulative_.push_back(cumulative_.back() + area / d.mean());
    }
  }
  double operator()(double x) const {
    const double place = std::sqrt(std::sqrt(x / x_max_)) * static_cast<double>(kSteps);
    const std::size_t i = std::min(static_cast<std::size_t>(place), kSteps - 1);
    const double share = (x - point(i)) / (point(i + 1) - point(i));
    return cumulative_[i] + share * (cumulative_[i + 1] - cumulative_[i]);
  }

 private:
  static constexpr std::size_t kSteps = 200'000;
  double point(std::size_t i) const {
    return x_max_ * std::pow(static_cast<double>(i) / static_cast<double>(kSteps), 4.0);
  }
  double x_max_;
  std::vector<double> cumulative_;
};

class EveryLaw : public testing::TestWithParam<Law> {
 protected:
  void SetUp() override { init_crypto(); }
};

TEST_P(EveryLaw, DrawsFollowItsOwnCdf) {
  const Distribution& d = GetParam().distribution;
  const auto sample = sorted_sample([&](Rng& rng) { return d.draw(rng); }, GetParam().name);
  EXPECT_LT(ks_distance(sample, [&](double x) { return d.cdf(x); }), kDistanceMax);
  // Heavy tails converge slowly: 3 % is six standard errors for the Weibull of shape 0.5.
  EXPECT_NEAR(mean_of(sample), d.mean(), 0.03 * d.mean());
}

TEST_P(EveryLaw, ResidualsFollowTheIntegralOfTheSurvival) {
  const Distribution& d = GetParam().distribution;
  const auto sample =
      sorted_sample([&](Rng& rng) { return d.draw_residual(rng); }, "residual " + GetParam().name);
  EXPECT_LT(ks_distance(sample, ResidualCdf(d, sample.back() * 1.001)), kDistanceMax);
}

// One host alternating draws forever, looked at at random instants, sees what draw_residual says.
TEST_P(EveryLaw, ResidualsAreWhatAnObserverOfARenewalProcessSees) {
  const Distribution& d = GetParam().distribution;
  Rng rng = Rng::keyed(7, GetParam().name, "renewal");
  constexpr std::size_t kLooks = 20'000;
  const double step = 20 * d.mean();
  double renewal = 0;
  std::vector<double> seen;
  for (std::size_t i = 1; i <= kLooks; ++i) {
    const double look = (static_cast<double>(i + 20) + rng.unit()) * step;
    while (renewal <= look) renewal += d.draw(rng);
    seen.push_back(renewal - look);
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_LT(ks_distance(seen, ResidualCdf(d, seen.back() * 1.001)), 0.02);
}

INSTANTIATE_TEST_SUITE_P(Distribution, EveryLaw, testing::ValuesIn(laws()),
                         [](const auto& law) { return law.param.name; });

TEST(Distribution, FixedIsItsValueAndItsResidualIsUniform) {
  init_crypto();
  const Distribution d = Distribution::fixed(12.0);
  Rng rng = Rng::keyed(7, "fixed", "draw");
  EXPECT_EQ(d.draw(rng), 12.0);
  EXPECT_EQ(d.mean(), 12.0);
  EXPECT_EQ(d.cdf(11.9), 0.0);
  EXPECT_EQ(d.cdf(12.0), 1.0);
  const auto sample = sorted_sample([&](Rng& r) { return d.draw_residual(r); }, "fixed");
  EXPECT_LT(ks_distance(sample, [](double x) { return x / 12.0; }), kDistanceMax);
}

TEST(Distribution, IsTheSameLawByMeanMedianOrScale) {
  const double ln2 = std::log(2.0);
  // cdf(median) is a half, whatever placed the law.
  EXPECT_NEAR(Distribution::exponential_by_median(84).cdf(84), 0.5, 1e-12);
  EXPECT_NEAR(Distribution::exponential_by_median(84).mean(), 84 / ln2, 1e-9);
  EXPECT_NEAR(Distribution::weibull_by_median(0.5, 84).cdf(84), 0.5, 1e-12);
  EXPECT_NEAR(Distribution::weibull_by_scale(0.5, 900).mean(), 1800, 1e-9);
  EXPECT_NEAR(Distribution::pareto_by_median(1.5, 84).cdf(84), 0.5, 1e-12);
  EXPECT_NEAR(Distribution::pareto_by_minimum(2.5, 540).mean(), 900, 1e-9);
  EXPECT_NEAR(Distribution::lognormal_by_mean(900, 2).mean(), 900, 1e-9);
}

// Maximum likelihood: what an engineer would fit to the sessions that a run has recorded.

double mean_log(const std::vector<double>& sample) {
  double sum = 0;
  for (const double x : sample) sum += std::log(x);
  return sum / static_cast<double>(sample.size());
}

// The root of sum(x^k log x) / sum(x^k) - 1 / k - mean(log x), which grows with k.
double fitted_weibull_shape(const std::vector<double>& sample) {
  const double logs = mean_log(sample);
  double low = 0.05, high = 20;
  while (high - low > 1e-6) {
    const double k = (low + high) / 2;
    double powers = 0, weighted = 0;
    for (const double x : sample) {
      const double power = std::pow(x / sample.back(), k);
      powers += power;
      weighted += power * std::log(x);
    }
    (weighted / powers - 1 / k < logs ? low : high) = k;
  }
  return low;
}

std::vector<double> sample_of(const Distribution& d) {
  return sorted_sample([&](Rng& rng) { return d.draw(rng); }, "fit");
}

TEST(Distribution, ExponentialMeanIsRecoveredFromDraws) {
  init_crypto();
  EXPECT_NEAR(mean_of(sample_of(Distribution::exponential(600))), 600, 8);
}

TEST(Distribution, WeibullParametersAreRecoveredFromDraws) {
  init_crypto();
  const auto sample = sample_of(Distribution::weibull(0.5, 1800.0));
  const double shape = fitted_weibull_shape(sample);
  EXPECT_NEAR(shape, 0.5, 0.006);
  double powers = 0;
  for (const double x : sample) powers += std::pow(x, shape);
  const double scale = std::pow(powers / static_cast<double>(kDraws), 1 / shape);
  EXPECT_NEAR(scale, 900.0, 25.0);  // mean = scale * Gamma(3)
}

TEST(Distribution, LognormalParametersAreRecoveredFromDraws) {
  init_crypto();
  const auto sample = sample_of(Distribution::lognormal(15.0, 0.5));
  const double mean = mean_log(sample);
  double square = 0;
  for (const double x : sample) square += std::pow(std::log(x) - mean, 2) / static_cast<double>(kDraws);
  EXPECT_NEAR(std::exp(mean), 15.0, 0.1);
  EXPECT_NEAR(std::sqrt(square), 0.5, 0.005);
}

TEST(Distribution, ParetoParametersAreRecoveredFromDraws) {
  init_crypto();
  const auto sample = sample_of(Distribution::pareto(2.5, 900.0));
  EXPECT_NEAR(sample.front(), 540.0, 0.1);  // minimum = mean * 1.5 / 2.5
  EXPECT_NEAR(1 / (mean_log(sample) - std::log(sample.front())), 2.5, 0.03);
}

TEST(Distribution, ANormalScoreMakesADraw) {
  init_crypto();
  for (const Law& law : laws()) {
    const Distribution& d = law.distribution;
    const auto sample = sorted_sample([&](Rng& rng) { return d.at_score(draw_normal(rng)); }, "score");
    EXPECT_LT(ks_distance(sample, [&](double x) { return d.cdf(x); }), kDistanceMax) << law.name;
  }
}

TEST(Distribution, TakesOneUnitOfItsStreamForADraw) {
  init_crypto();
  const std::vector<Distribution> one_unit = {Distribution::fixed(1), Distribution::uniform(1, 2),
                                              Distribution::exponential(1), Distribution::weibull(0.5, 1.0),
                                              Distribution::pareto(1.5, 1.0)};
  for (const Distribution& d : one_unit) {
    Rng used = Rng::keyed(1, "draw", "count");
    Rng reference = Rng::keyed(1, "draw", "count");
    d.draw(used);
    reference.next();
    EXPECT_EQ(used.next(), reference.next()) << d.to_string();
  }
}

}  // namespace
}  // namespace shoal::sim
