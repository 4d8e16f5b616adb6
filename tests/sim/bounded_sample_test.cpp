#include "sim/bounded_sample.h"

#include <gtest/gtest.h>

namespace shoal::sim {
namespace {

TEST(BoundedSample, KeepsEverythingUntilItOverflows) {
  BoundedSample<int> sample(8);
  for (int i = 0; i < 8; ++i) sample.add(i);
  EXPECT_EQ(sample.values(), (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST(BoundedSample, ThinsEvenly) {
  BoundedSample<int> sample(8);
  for (int i = 0; i < 1000; ++i) sample.add(i);
  EXPECT_EQ(sample.seen(), 1000u);
  ASSERT_GT(sample.values().size(), 4u);
  ASSERT_LE(sample.values().size(), 8u);
  for (std::size_t i = 0; i < sample.values().size(); ++i) {
    EXPECT_EQ(sample.values()[i], static_cast<int>(i) * 128);
  }
}

TEST(BoundedSample, SkippingWhatItDoesNotWantChangesNothing) {
  BoundedSample<int> all(8);
  BoundedSample<int> asked(8);
  for (int i = 0; i < 300; ++i) {
    all.add(i);
    asked.wants_next() ? asked.add(i) : asked.skip();
  }
  EXPECT_EQ(all.values(), asked.values());
}

}  // namespace
}  // namespace shoal::sim
