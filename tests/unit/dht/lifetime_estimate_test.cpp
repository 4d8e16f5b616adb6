#include "node/dht/lifetime_estimate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "node/base/rng.h"

namespace shoal {
namespace {

// Contacts with exponential lifetimes of `mean`, each asked every `period` until it is silent and then
// replaced.
void observe(LifetimeEstimate& estimate, Duration mean, Duration period, int deaths, Rng& rng) {
  const auto survives = [&] {
    return rng.unit() < std::exp(-static_cast<double>(period.count()) / static_cast<double>(mean.count()));
  };
  while (deaths > 0) {
    if (survives()) {
      estimate.on_alive(period);
    } else {
      estimate.on_silent();
      --deaths;
    }
  }
}

double minutes(Duration d) {
  return std::chrono::duration<double, std::ratio<60>>(d).count();
}

TEST(LifetimeEstimate, RecoversTheMeanOfExponentialLives) {
  Rng rng = Rng::keyed(1, "test", "lives");
  for (const Duration mean : {Duration(2min), Duration(5min), Duration(60min), Duration(600min)}) {
    LifetimeEstimate estimate;
    double sum = 0;
    for (int i = 0; i < 100; ++i) {
      observe(estimate, mean, mean / 10, 16, rng);
      sum += minutes(estimate.mean());
    }
    EXPECT_NEAR(sum / 100, minutes(mean), 0.15 * minutes(mean));
  }
}

TEST(LifetimeEstimate, FollowsAStormAfterALongCalm) {
  Rng rng = Rng::keyed(2, "test", "storm");
  LifetimeEstimate estimate;
  for (int i = 0; i < 10'000; ++i) estimate.on_alive(1min);
  EXPECT_GT(estimate.mean(), 24h);
  observe(estimate, 5min, 30s, 32, rng);
  const double after_one_halving = minutes(estimate.mean());
  observe(estimate, 5min, 30s, 160, rng);
  EXPECT_LT(minutes(estimate.mean()), after_one_halving / 8);
  EXPECT_LT(minutes(estimate.mean()), 30);
}

TEST(LifetimeEstimate, TakesBackASilenceThatWasNone) {
  LifetimeEstimate estimate;
  const Duration before = estimate.mean();
  estimate.on_silent();
  EXPECT_LT(estimate.mean(), before);
  estimate.on_returned();
  EXPECT_EQ(estimate.mean(), before);
  estimate.on_returned();  // more than ever fell silent: what is assumed at first stays
  EXPECT_EQ(estimate.mean(), before);
}

TEST(Paced, KeepsWithinItsBounds) {
  EXPECT_EQ(paced(60min, 4, 1min, 30min), 15min);
  EXPECT_EQ(paced(60min, 0, 1min, 30min), 30min);
  EXPECT_EQ(paced(600min, 4, 1min, 30min), 30min);
  EXPECT_EQ(paced(1min, 4, 1min, 30min), 1min);
  EXPECT_EQ(paced(1min, 4, 1min, 30s), 30s);  // the longest is what its user has set
}

}  // namespace
}  // namespace shoal
