#include "sim/trace_hash.h"

#include <gtest/gtest.h>

#include <vector>

#include "node/secure/keys.h"

namespace shoal::sim {
namespace {

struct Job {
  Duration when = 5ms;
  HostIndex host = 3;
  JobKind kind = JobKind::kHandleDatagram;
  Guid guid{7, 1};
  Bytes bytes = Bytes(100, 0xab);
};

std::uint64_t hash_of(const std::vector<Job>& jobs) {
  TraceHash hash;
  for (const Job& job : jobs) hash.add(Instant{} + job.when, job.host, job.kind, job.guid, job.bytes);
  return hash.value();
}

TEST(TraceHash, IsAFunctionOfTheJobs) {
  init_crypto();
  EXPECT_EQ(hash_of({Job{}, Job{}}), hash_of({Job{}, Job{}}));
}

TEST(TraceHash, ChangesWithEveryPartOfAJob) {
  init_crypto();
  const std::uint64_t reference = hash_of({Job{}});
  EXPECT_NE(hash_of({Job{.when = 6ms}}), reference);
  EXPECT_NE(hash_of({Job{.host = 4}}), reference);
  EXPECT_NE(hash_of({Job{.kind = JobKind::kHandleRequest}}), reference);
  EXPECT_NE(hash_of({Job{.guid = {7, 2}}}), reference);
  EXPECT_NE(hash_of({Job{.guid = {8, 1}}}), reference);
  EXPECT_NE(hash_of({Job{.bytes = Bytes(99, 0xab)}}), reference);
  for (std::size_t i = 0; i < 100; ++i) {
    Job job;
    job.bytes[i] ^= 1;
    EXPECT_NE(hash_of({job}), reference) << i;
  }
}

TEST(TraceHash, ChangesWithTheOrderAndNumberOfJobs) {
  init_crypto();
  const Job a, b{.host = 4};
  EXPECT_NE(hash_of({a, b}), hash_of({b, a}));
  EXPECT_NE(hash_of({a, b}), hash_of({a}));
  EXPECT_NE(hash_of({}), hash_of({a}));
}

}  // namespace
}  // namespace shoal::sim
