// The reference itself, against an exact recursion, a published figure and cases with one answer.
#include "tests/sim/static_reference.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

namespace shoal::sim {
namespace {

StaticNetwork greedy(std::size_t nodes) {
  return {.nodes = nodes, .bucket_size = 1, .first_buckets = {}, .k = 1, .alpha = 1, .returned = 1};
}

void show(const char* what, const HopStatistics& s) {
  fmt::print("{}: hops mean {:.3f}, p50 {}, p90 {}, p99 {}; {:.1f} messages; found {:.4f}\n", what,
             s.hops_mean, s.hops_p50, s.hops_p90, s.hops_p99, s.messages_mean, s.found_ratio);
}

double binomial_half(std::size_t n, std::size_t k) {
  const auto log_factorial = [](std::size_t m) { return std::lgamma(static_cast<double>(m) + 1); };
  return std::exp(log_factorial(n) - log_factorial(k) - log_factorial(n - k) -
                  static_cast<double>(n) * std::log(2.0));
}

// The mean of greedy routing with one contact a bucket, exactly, for a start that may be any node. Of m nodes
// that agree with the target in all bits so far, the next bit leaves a with probability Binomial(m, 1/2); the
// walk stands anywhere among the m, and takes a hop into the a when it is none of them.
double exact_greedy_hops(std::size_t nodes) {
  std::vector<double> hops(nodes + 1, 0.0);
  for (std::size_t m = 2; m <= nodes; ++m) {
    double sum = 0;
    for (std::size_t a = 1; a < m; ++a) {
      const double outside = static_cast<double>(m - a) / static_cast<double>(m);
      sum += binomial_half(m, a) * (outside + hops[a]);
    }
    hops[m] = sum / (1 - 2 * binomial_half(m, 0));  // a bit that all have, or none has, decides nothing
  }
  return hops[nodes];
}

TEST(StaticReference, AgreesWithTheExactMeanOfGreedyRouting) {
  constexpr std::size_t kNodes = 1000;
  double mean = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    mean += simulate_static_lookups(greedy(kNodes), 5000, seed).hops_mean / 20;
  }
  // Lookups whose origin is the nearest itself, with no hops, do not count in the simulation.
  const double exact = exact_greedy_hops(kNodes) * kNodes / (kNodes - 1);
  EXPECT_NEAR(mean, exact, 0.03);
}

// The XOR geometry of Gummadi et al., "The impact of DHT routing geometry on resilience and proximity",
// SIGCOMM 2003: one contact a bucket, greedy, 65,536 nodes: mean 7.7 hops, median 8, 90th percentile 10. (The
// exact mean for random ids is 7.84.)
TEST(StaticReference, AgreesWithGummadiOnGreedyRoutingWithOneContactABucket) {
  const HopStatistics s = simulate_static_lookups(greedy(65'536), 20'000, 1);
  show("gummadi", s);
  EXPECT_EQ(s.found_ratio, 1);
  EXPECT_NEAR(s.hops_mean, 7.7, 0.2);
  EXPECT_EQ(s.hops_p50, 8);
  EXPECT_EQ(s.hops_p90, 10);
}

TEST(StaticReference, NeedsOneHopWhenEveryTableHoldsEverybody) {
  const HopStatistics s = simulate_static_lookups({.nodes = 100, .bucket_size = 100}, 500, 2);
  EXPECT_EQ(s.found_ratio, 1);
  EXPECT_EQ(s.hops_mean, 1);
  EXPECT_EQ(s.hops_p99, 1);
  EXPECT_EQ(s.messages_mean, 20);  // the k nearest
}

// Two nodes: the only other one is the only answer.
TEST(StaticReference, AsksTheOnlyOtherNode) {
  const HopStatistics s = simulate_static_lookups({.nodes = 2}, 100, 3);
  EXPECT_EQ(s.hops_mean, 1);
  EXPECT_EQ(s.messages_mean, 1);
}

TEST(StaticReference, FindsTheNearestWithFewHopsWhenBucketsAreLarge) {
  const HopStatistics thousand = simulate_static_lookups({.nodes = 1000}, 5000, 4);
  const HopStatistics ten_thousand = simulate_static_lookups({.nodes = 10'000}, 5000, 4);
  show("static 1000", thousand);
  show("static 10000", ten_thousand);
  EXPECT_EQ(thousand.found_ratio, 1);
  EXPECT_EQ(ten_thousand.found_ratio, 1);
  // An answer fixes one bit for sure and about log2 of the bucket's size more, so ten times the nodes cost
  // less than one hop.
  EXPECT_GT(ten_thousand.hops_mean, thousand.hops_mean + 0.3);
  EXPECT_LT(ten_thousand.hops_mean, thousand.hops_mean + 1);
}

TEST(StaticReference, IsAFunctionOfItsSeed) {
  const StaticNetwork network = {.nodes = 2000};
  const HopStatistics one = simulate_static_lookups(network, 300, 5);
  const HopStatistics again = simulate_static_lookups(network, 300, 5);
  const HopStatistics other = simulate_static_lookups(network, 300, 6);
  EXPECT_EQ(one.hops_mean, again.hops_mean);
  EXPECT_EQ(one.messages_mean, again.messages_mean);
  EXPECT_NE(one.messages_mean, other.messages_mean);
}

}  // namespace
}  // namespace shoal::sim
