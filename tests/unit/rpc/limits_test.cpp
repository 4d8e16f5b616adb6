#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "node/rpc/rate_limiter.h"
#include "node/rpc/rtt_estimator.h"
#include "node/rpc/token_cache.h"
#include "node/rpc/token_mint.h"
#include "node/secure/keys.h"

namespace shoal {
namespace {

class LimitsTest : public ::testing::Test {
 protected:
  LimitsTest() { init_crypto(); }
  Rng rng_ = Rng::keyed(3, "test", "limits");
  Instant now_{1h};
  SendPacer pacer_{200, rng_};
};

TEST_F(LimitsTest, ALimiterLetsASecondsWorthPassAtOnceAndThenItsRate) {
  RateLimiter limiter(100);
  int passed = 0;
  for (int i = 0; i < 1000; ++i) passed += limiter.allow(now_) ? 1 : 0;
  EXPECT_EQ(passed, 100);
  for (int i = 0; i < 1000; ++i) passed += limiter.allow(now_ + Duration(i * 1ms)) ? 1 : 0;
  EXPECT_NEAR(passed, 200, 2);
}

TEST_F(LimitsTest, SourcesHaveLimitsOfTheirOwn) {
  SourceLimiter limiter(10, rng_);
  const Endpoint flooder = Endpoint::v4(0x05000001, 4000);
  for (int i = 0; i < 100; ++i) limiter.allow(flooder, now_);
  EXPECT_FALSE(limiter.allow(flooder, now_));
  Endpoint other_port = flooder;
  other_port.port = 9;
  EXPECT_FALSE(limiter.allow(other_port, now_));  // ports are free to whoever has the address
  int refused = 0;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    refused += limiter.allow(Endpoint::v4(0x06000000 + (i << 8), 4000), now_) ? 0 : 1;
  }
  EXPECT_LT(refused, 60);  // who shares the flooder's bucket, and buckets with more than ten of the thousand
}

TEST_F(LimitsTest, OnOneMachineHostsAreToldApartByTheirPorts) {
  SourceLimiter limiter(10, rng_);
  const Endpoint flooder = Endpoint::v4(0x7f000001, 4000);
  for (int i = 0; i < 100; ++i) limiter.allow(flooder, now_);
  int allowed = 0;
  for (std::uint16_t port = 5000; port < 5010; ++port) {
    allowed += limiter.allow(Endpoint::v4(0x7f000001, port), now_) ? 1 : 0;
  }
  EXPECT_GE(allowed, 8);
}

TEST_F(LimitsTest, WhoeverHasAllAddressesDoesNotDrainWhatHostsHaveByTheirKeys) {
  SourceLimiter limiter(10, rng_);
  for (std::uint32_t i = 0; i < 100'000; ++i) limiter.allow(Endpoint::v4(0x05000000 + i, 4000), now_);
  EXPECT_FALSE(limiter.allow(Endpoint::v4(0x06000000, 4000), now_));
  const Id host = rng_.id();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(limiter.allow_host(host, now_));
  EXPECT_FALSE(limiter.allow_host(host, now_));
}

TEST_F(LimitsTest, ASenderGivesNoHostMoreThanItTakes) {
  constexpr std::size_t kPerSecond = 200;
  const Id busy = rng_.id();
  const Id other = rng_.id();
  std::vector<Instant> sent;
  // Ten seconds of ten times as much as it takes, as fast as turns come.
  for (Duration at{}; at < 10s; at += 500us) sent.push_back(now_ + at + pacer_.wait(busy, now_ + at));
  std::ranges::sort(sent);
  SourceLimiter limiter(kPerSecond, rng_);
  for (const Instant at : sent) ASSERT_TRUE(limiter.allow_host(busy, at)) << (at - now_) / 1ms;
  const auto in_ten = std::ranges::lower_bound(sent, now_ + 10s) - sent.begin();
  EXPECT_NEAR(static_cast<double>(in_ten), 10.0 * 150 + 100, 10);
  EXPECT_EQ(pacer_.wait(other, now_ + 10s), 0s) << "others need not wait for it";
  EXPECT_EQ(pacer_.wait(other, now_ + 10min), 0s);
}

TEST_F(LimitsTest, ASenderOfLittleNeverWaits) {
  const Id host = rng_.id();
  for (Duration at{}; at < 60s; at += 10ms) ASSERT_EQ(pacer_.wait(host, now_ + at), 0s) << at / 1ms;
}

TEST_F(LimitsTest, ATokenIsGoodForTenMinutesForItsAddressAndKey) {
  TokenMint mint(rng_);
  const Address address = Endpoint::v4(0x05000001, 0).address;
  const Id key = rng_.id();
  for (int minute = 0; minute < 30; ++minute) {
    const Instant minted = now_ + minute * 1min;
    const wire::Token token = mint.mint(address, key, minted);
    EXPECT_TRUE(mint.accepts(token, address, key, minted + kTokenPeriod));
    EXPECT_FALSE(mint.accepts(token, address, key, minted + 2 * kTokenPeriod));
    EXPECT_FALSE(mint.accepts(token, Endpoint::v4(0x05000002, 0).address, key, minted));
    EXPECT_FALSE(mint.accepts(token, address, rng_.id(), minted));
  }
}

TEST_F(LimitsTest, TheTokenCacheIsBoundedAndGivesNoStaleTokens) {
  TokenCache cache(3);
  std::vector<Id> hosts;
  for (int i = 0; i < 5; ++i) {
    hosts.push_back(rng_.id());
    cache.put(hosts.back(), wire::Token{}, now_ + i * 1s, i * 100ms);
  }
  EXPECT_FALSE(cache.find(hosts[0], now_ + 4s));
  EXPECT_FALSE(cache.find(hosts[1], now_ + 4s));
  for (int i = 2; i < 5; ++i) EXPECT_TRUE(cache.find(hosts[static_cast<std::size_t>(i)], now_));
  EXPECT_FALSE(cache.find(hosts[4], now_ + kTokenPeriod));
  EXPECT_EQ(cache.rtt(hosts[0]), 0ms);
  EXPECT_EQ(cache.rtt(hosts[4]), 400ms);
  cache.put(hosts[4], wire::Token{}, now_ + 5s, 0ms);
  EXPECT_EQ(cache.rtt(hosts[4]), 400ms);
}

TEST_F(LimitsTest, TheRttEstimateFollowsTheNetwork) {
  RttEstimator rtt;
  for (int i = 0; i < 50; ++i) rtt.sample(i % 2 == 0 ? 90ms : 110ms);
  EXPECT_NEAR(to_milliseconds(rtt.mean()), 100, 3);
  EXPECT_NEAR(to_milliseconds(rtt.deviation()), 10, 3);
}

}  // namespace
}  // namespace shoal
