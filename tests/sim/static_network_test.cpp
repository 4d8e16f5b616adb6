// Whole nodes at rest against the Monte-Carlo of complete random buckets (static_reference.h), and the walk
// by `next`.
#include "tests/sim/static_network.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace shoal::sim {
namespace {

TEST(StaticThousand, HopsAreThoseOfCompleteRandomBucketsAndNextReachesTheClosest) {
  StaticNetworkOfNodes network(SHOAL_PROJECT_DIR "/scenarios/static_1000.yaml");
  const HopStatistics reference = simulate_static_lookups(
      {.nodes = 1000, .bucket_size = 20, .first_buckets = {}, .k = 20, .alpha = 3, .returned = 20}, 4000, 1);
  const HopStatistics measured = network.look_up(1500);
  EXPECT_GE(measured.found_ratio, 0.999);
  EXPECT_NEAR(measured.hops_mean, reference.hops_mean, 0.1 * reference.hops_mean);
  EXPECT_EQ(measured.hops_p50, reference.hops_p50);

  const auto steps_max = static_cast<std::size_t>(2 * std::log2(1000));
  std::size_t most = 0;
  for (int i = 0; i < 300; ++i) {
    const auto steps = network.walk(steps_max);
    ASSERT_TRUE(steps) << "walk " << i << " did not reach the closest host in " << steps_max << " steps";
    most = std::max(most, *steps);
  }
  RecordProperty("hops_mean", std::to_string(measured.hops_mean));
  RecordProperty("hops_mean_reference", std::to_string(reference.hops_mean));
  RecordProperty("messages_mean", std::to_string(measured.messages_mean));
  RecordProperty("walk_steps_most", std::to_string(most));
}

}  // namespace
}  // namespace shoal::sim
