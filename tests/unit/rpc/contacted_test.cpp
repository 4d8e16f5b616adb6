#include "node/rpc/contacted.h"

#include <gtest/gtest.h>

#include "node/base/rng.h"

namespace shoal {
namespace {

Instant at(Duration since_start) {
  return Instant(since_start);
}

Endpoint far_endpoint(std::uint32_t number) {
  return Endpoint::v4(0xc6120000 + number, 4000);
}

TEST(Contacted, RemembersForAPeriodAndForgetsAfterTwo) {
  Contacted contacted;
  const Endpoint host = far_endpoint(7);
  EXPECT_FALSE(contacted.contains(host, at(5s)));
  contacted.add(host, at(5s));
  EXPECT_TRUE(contacted.contains(host, at(5s)));
  EXPECT_TRUE(contacted.contains(host, at(5s + kContactedPeriod)));
  contacted.add(far_endpoint(8), at(kContactedPeriod + 1s));  // a new period begins
  EXPECT_TRUE(contacted.contains(host, at(kContactedPeriod + 1s)));
  EXPECT_FALSE(contacted.contains(host, at(2 * kContactedPeriod + 1s)));
  EXPECT_TRUE(contacted.contains(far_endpoint(8), at(2 * kContactedPeriod + 1s)));
}

TEST(Contacted, ForgetsInSilenceToo) {
  Contacted contacted;
  contacted.add(far_endpoint(7), at(0s));
  EXPECT_FALSE(contacted.contains(far_endpoint(7), at(2 * kContactedPeriod)));
  contacted.add(far_endpoint(8), at(3 * kContactedPeriod));
  EXPECT_FALSE(contacted.contains(far_endpoint(7), at(3 * kContactedPeriod)));
}

// A NAT may let in whoever has that address.
TEST(Contacted, TellsPortsApartOfLocalAddressesOnly) {
  Contacted contacted;
  contacted.add(Endpoint::v4(0xc6120001, 4000), at(0s));
  EXPECT_TRUE(contacted.contains(Endpoint::v4(0xc6120001, 5000), at(1s)));
  contacted.add(Endpoint::v4(0x7f000001, 4000), at(0s));
  EXPECT_TRUE(contacted.contains(Endpoint::v4(0x7f000001, 4000), at(1s)));
  EXPECT_FALSE(contacted.contains(Endpoint::v4(0x7f000001, 5000), at(1s)));
}

TEST(Contacted, ForgetsNobodyAndTakesFewOthersForContacted) {
  Contacted contacted;
  Rng rng = Rng::keyed(1, "test", "contacted");
  std::vector<Endpoint> sent;
  for (int i = 0; i < 400; ++i) sent.push_back(far_endpoint(static_cast<std::uint32_t>(rng.below(1 << 16))));
  for (const Endpoint& endpoint : sent) contacted.add(endpoint, at(1s));
  for (const Endpoint& endpoint : sent) EXPECT_TRUE(contacted.contains(endpoint, at(2s)));
  int mistaken = 0;
  for (std::uint32_t i = 0; i < 1000; ++i) mistaken += contacted.contains(far_endpoint(0x100000 + i), at(2s));
  EXPECT_LT(mistaken, 400);
}

}  // namespace
}  // namespace shoal
