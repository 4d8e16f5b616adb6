// The same as static_network_test.cpp for ten times as many nodes; minutes, so only in ci/test --long.
#include <gtest/gtest.h>

#include "tests/sim/static_network.h"

namespace shoal::sim {
namespace {

TEST(StaticTenThousand, HopsAreThoseOfCompleteRandomBuckets) {
  StaticNetworkOfNodes network(SHOAL_PROJECT_DIR "/scenarios/static_10000.yaml");
  const HopStatistics reference = simulate_static_lookups(
      {.nodes = 10'000, .bucket_size = 20, .first_buckets = {}, .k = 20, .alpha = 3, .returned = 20}, 4000,
      1);
  const HopStatistics measured = network.look_up(1500);
  EXPECT_GE(measured.found_ratio, 0.999);
  EXPECT_NEAR(measured.hops_mean, reference.hops_mean, 0.1 * reference.hops_mean);
}

}  // namespace
}  // namespace shoal::sim
