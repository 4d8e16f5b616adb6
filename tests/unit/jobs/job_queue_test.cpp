#include "node/jobs/job_queue.h"

#include <gtest/gtest.h>

namespace shoal {
namespace {

Job datagram(std::uint8_t mark) {
  return HandleDatagram{{}, Bytes{mark}};
}

int mark_of(const Job& job) {
  return std::get<HandleDatagram>(job).datagram.at(0);
}

TEST(JobQueue, KeepsTheOrderWithinAClass) {
  JobQueue queue(100);
  for (std::uint8_t i = 0; i < 50; ++i) EXPECT_FALSE(queue.push(JobClass::kNetwork, datagram(i)));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(mark_of(*queue.pop()), i);
  EXPECT_FALSE(queue.pop());
}

TEST(JobQueue, ReachesAPingSoonBehindAnyAmountOfBulk) {
  JobQueue queue(10'000);
  for (int i = 0; i < 5'000; ++i) EXPECT_FALSE(queue.push(JobClass::kSync, datagram(1)));
  EXPECT_FALSE(queue.push(JobClass::kNetwork, datagram(2)));
  int waited = 0;
  while (mark_of(*queue.pop()) != 2) ++waited;
  EXPECT_LE(waited, 8);
}

TEST(JobQueue, LetsEveryClassMoveOn) {
  JobQueue queue(10'000);
  for (int i = 0; i < 1'000; ++i) EXPECT_FALSE(queue.push(JobClass::kNetwork, datagram(1)));
  EXPECT_FALSE(queue.push(JobClass::kMaintenance, datagram(2)));
  int waited = 0;
  while (mark_of(*queue.pop()) != 2) ++waited;
  EXPECT_LE(waited, 64);
}

TEST(JobQueue, RefusesTheNewestOfTheLeastUrgentClassWhenFull) {
  JobQueue queue(2);
  EXPECT_FALSE(queue.push(JobClass::kMaintenance, datagram(1)));
  EXPECT_FALSE(queue.push(JobClass::kMaintenance, datagram(2)));
  const auto refused = queue.push(JobClass::kNetwork, datagram(3));
  ASSERT_TRUE(refused);
  EXPECT_EQ(mark_of(*refused), 2);
  const auto itself = queue.push(JobClass::kMaintenance, datagram(4));
  ASSERT_TRUE(itself);
  EXPECT_EQ(mark_of(*itself), 4);
  EXPECT_EQ(queue.size(), 2u);
}

TEST(JobQueue, NeverRefusesWhatIsEssential) {
  JobQueue queue(1);
  EXPECT_FALSE(queue.push(JobClass::kNetwork, datagram(1)));
  EXPECT_FALSE(queue.push(JobClass::kEssential, HandleDeadlines{}));
  EXPECT_EQ(queue.size(), 2u);
}

}  // namespace
}  // namespace shoal
