#include "sim/world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "node/secure/keys.h"

namespace shoal::sim {
namespace {

class WorldTest : public testing::Test {
 protected:
  WorldTest() { init_crypto(); }

  static World of(const NetworkSpec& spec, HostIndex hosts, std::uint64_t seed = 1) {
    World world(spec, seed);
    for (HostIndex i = 0; i < hosts; ++i) world.add_host();
    return world;
  }
};

TEST_F(WorldTest, GivesAMillionHostsPublicAddressesOfWhichFewShareANetwork) {
  std::set<std::uint32_t> seen;
  std::map<std::uint64_t, int> per_network;
  for (HostIndex i = 0; i < 1'000'000; i += i < 1000 ? 1 : 997) {
    const Endpoint endpoint = Endpoint::v4(address_of(i), kHostPort);
    EXPECT_FALSE(endpoint.is_local()) << endpoint.to_string();
    EXPECT_LT(address_of(i) >> 24, 224u);
    EXPECT_TRUE(seen.insert(address_of(i)).second) << endpoint.to_string();
    EXPECT_LE(++per_network[subnet_of(endpoint.address)], 2);
    EXPECT_EQ(host_of(address_of(i)), i);
  }
}

TEST_F(WorldTest, FindsNoHostAtOtherAddresses) {
  const World world = of({}, 3);
  EXPECT_EQ(world.host_at(world.endpoint(2)), 2u);
  EXPECT_FALSE(world.host_at(address_of(3)));
  EXPECT_FALSE(world.host_at(address_of(0) + 1));
  EXPECT_FALSE(world.host_at(0x0a000001u));
  EXPECT_FALSE(world.host_at(Endpoint::parse("[2001:db8::1]:4000").value()));
}

TEST_F(WorldTest, DelaysAHostOfAStarByTheStarAndBothAccessDelays) {
  NetworkSpec spec;
  spec.access_delay = Distribution::fixed(3e-3);
  const World world = of(spec, 2);
  EXPECT_EQ(world.delay(0, 1), 31ms);
  EXPECT_EQ(world.delay(1, 1), 0ms);
}

TEST_F(WorldTest, PlacesAHostByItsIndexAndTheSeedAlone) {
  NetworkSpec spec;
  spec.topology.kind = TopologySpec::Kind::kTransitStub;
  spec.access_delay = Distribution::lognormal(15e-3, 0.5);
  const World few = of(spec, 10);
  const World many = of(spec, 100);
  const World other = of(spec, 10, 2);
  int same = 0;
  for (HostIndex i = 1; i < 10; ++i) {
    EXPECT_EQ(few.delay(0, i), many.delay(0, i));
    same += few.delay(0, i) == other.delay(0, i) ? 1 : 0;
  }
  EXPECT_EQ(same, 0);
}

TEST_F(WorldTest, KeepsTransitStubDelaysInTheirBoundsAndSymmetric) {
  NetworkSpec spec;
  spec.topology.kind = TopologySpec::Kind::kTransitStub;
  spec.access_delay = Distribution::fixed(0);
  const World world = of(spec, 200);
  std::set<std::uint32_t> regions;
  for (HostIndex a = 0; a < 200; ++a) {
    regions.insert(world.region(a));
    for (HostIndex b = a + 1; b < 200; ++b) {
      const bool together = world.region(a) == world.region(b);
      EXPECT_EQ(world.delay(a, b), world.delay(b, a));
      EXPECT_GE(world.delay(a, b), together ? 4ms : 14ms);
      EXPECT_LE(world.delay(a, b), together ? 40ms : 120ms);
    }
  }
  EXPECT_EQ(regions.size(), 8u);
}

// King data set: 1,740 name servers, median 156 ms, mean 178 ms (Dabek et al. 2004).
TEST_F(WorldTest, HasRoundTripsLikeTheKingDataInCoordinates) {
  NetworkSpec spec;
  spec.topology.kind = TopologySpec::Kind::kCoordinates;
  double medians = 0;
  double means = 0;
  static constexpr std::uint64_t kSeeds = 4;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const World world = of(spec, 1740, seed);
    std::vector<double> round_trips;
    for (HostIndex a = 0; a < 1740; ++a) {
      for (HostIndex b = a + 1; b < 1740; b += 3) {
        if (site_of(a) != site_of(b)) round_trips.push_back(2 * to_milliseconds(world.delay(a, b)));
      }
    }
    std::sort(round_trips.begin(), round_trips.end());
    const double median = round_trips[round_trips.size() / 2];
    const double mean = std::accumulate(round_trips.begin(), round_trips.end(), 0.0) /
                        static_cast<double>(round_trips.size());
    EXPECT_NEAR(median, 156, 12) << "seed " << seed;
    EXPECT_NEAR(mean, 178, 15) << "seed " << seed;
    EXPECT_GT(round_trips[round_trips.size() * 99 / 100], 2.5 * median) << "no tail";
    EXPECT_GT(round_trips.front(), 20);
    medians += median;
    means += mean;
  }
  EXPECT_NEAR(medians / kSeeds, 156, 5);
  EXPECT_NEAR(means / kSeeds, 178, 6);
}

TEST_F(WorldTest, SendsOnePacketAfterTheOtherOnAnUpLink) {
  NetworkSpec spec;
  spec.up_bits_per_s = 8'000'000;  // 1 byte a microsecond
  World world = of(spec, 2);
  const Instant now{1s};
  const Duration delay = world.delay(0, 1);
  EXPECT_EQ(world.depart(0, 1, 1000, now).arrives, now + 1ms + delay);
  EXPECT_EQ(world.depart(0, 1, 1000, now).arrives, now + 2ms + delay);
  EXPECT_EQ(world.up_backlog(0, now), 2ms);
  EXPECT_EQ(world.depart(1, 0, 1000, now).arrives, now + 1ms + delay);
}

TEST_F(WorldTest, DropsWhatWouldWaitTooLongForALink) {
  NetworkSpec spec;
  spec.down_bits_per_s = spec.up_bits_per_s = 8'000'000;
  spec.queue_delay_max = 10ms;
  World world = of(spec, 2);
  const Instant now{1s};
  int sent = 0;
  int received = 0;
  for (int i = 0; i < 100; ++i) {
    if (world.depart(0, 1, 1000, now).fate == World::Fate::kArrives) ++sent;
    if (world.receive(1, 1000, now)) ++received;
  }
  EXPECT_EQ(sent, 11);
  EXPECT_EQ(received, 11);
  EXPECT_EQ(world.depart(0, 1, 1000, now + 5ms).fate, World::Fate::kArrives);
}

TEST_F(WorldTest, LosesTheShareThatItWasTold) {
  NetworkSpec spec;
  spec.queue_delay_max = 1h;
  spec.loss = 0.1;
  World world = of(spec, 2);
  const auto lost_of_10000 = [&] {
    int lost = 0;
    for (int i = 0; i < 10'000; ++i) {
      if (world.depart(0, 1, 100, Instant{}).fate == World::Fate::kLost) ++lost;
    }
    return lost;
  };
  EXPECT_NEAR(lost_of_10000(), 1000, 100);
  world.set_disturbance({.loss = 0.5});
  EXPECT_NEAR(lost_of_10000(), 5500, 200);
  world.set_disturbance({.loss = 1});
  EXPECT_EQ(lost_of_10000(), 10'000);
  world.set_disturbance({.loss = 0});
  EXPECT_NEAR(lost_of_10000(), 1000, 100);
}

TEST_F(WorldTest, DrawsTheLossOfOneHostWithoutDisturbingAnother) {
  NetworkSpec spec;
  spec.queue_delay_max = 1h;
  spec.loss = 0.5;
  spec.jitter = 5ms;
  World alone = of(spec, 2);
  World busy = of(spec, 3);
  for (int i = 0; i < 100; ++i) {
    busy.depart(2, 1, 100, Instant{});
    const World::Departure a = alone.depart(0, 1, 100, Instant{});
    const World::Departure b = busy.depart(0, 1, 100, Instant{});
    EXPECT_EQ(a.fate, b.fate);
    EXPECT_EQ(a.arrives, b.arrives);
  }
}

TEST_F(WorldTest, CutsBetweenGroupsUntilHealed) {
  World world = of({}, 4);
  world.set_partition({{0, 1, 1}});
  EXPECT_EQ(world.depart(0, 1, 100, Instant{}).fate, World::Fate::kCut);
  EXPECT_EQ(world.depart(1, 2, 100, Instant{}).fate, World::Fate::kArrives);
  EXPECT_EQ(world.depart(0, 3, 100, Instant{}).fate, World::Fate::kArrives) << "beyond the end is group 0";
  world.set_partition({});
  EXPECT_EQ(world.depart(0, 1, 100, Instant{}).fate, World::Fate::kArrives);
}

}  // namespace
}  // namespace shoal::sim
