// Hosts that lie about the time (issue: one voice is one network).
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "node/dht/item.h"
#include "tests/hostile/hostile_host.h"
#include "tests/support/node_cluster.h"

namespace shoal {
namespace {

constexpr std::size_t kHosts = 9;

std::uint32_t seconds_of(WallTime wall) {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(wall.time_since_epoch()).count());
}

class ClockLies : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster_.add_many(kHosts);
    cluster_.advance(60s);
    key_ = cluster_.expect<StoreResult>(1, PutCommand{Bytes(100, 1)}).key;
  }
  std::unique_ptr<HostileHost> liar(std::size_t keys) {
    auto host = std::make_unique<HostileHost>(cluster_.network(), ++seed_, keys);
    host->answer = [this](std::size_t, const wire::Request&, wire::Response& response) {
      response.time_s = seconds_of(cluster_.network().wall_time() + 8 * 24h);
      return true;
    };
    return host;
  }
  std::size_t copies() {
    std::size_t n = 0;
    for (std::size_t i = 0; i < kHosts; ++i) {
      n += cluster_.item_store(i).find({key_, ItemKind::kHash, {}}) ? 1 : 0;
    }
    return n;
  }

  NodeCluster cluster_;
  Id key_;
  std::uint64_t seed_ = 100;
};

TEST_F(ClockLies, OfManyKeysAtOneAddressMoveNoClock) {
  const std::unique_ptr<HostileHost> host = liar(135);
  const std::size_t before = copies();
  for (int round = 0; round < 3; ++round) {
    for (std::size_t key = 0; key < 135; ++key) {
      for (std::size_t i = 0; i < kHosts; ++i) {
        host->ping(key, cluster_.contact(i));
        host->ping(key, cluster_.contact(i), true);
      }
      cluster_.advance(100ms);
    }
    for (std::size_t i = 0; i < kHosts; ++i) {
      EXPECT_EQ(cluster_.expect<StatusResult>(i, StatusCommand{}).clock_ahead, 0s) << i;
    }
  }
  cluster_.advance(1h);
  EXPECT_GE(copies(), before);
}

TEST_F(ClockLies, OfMostNetworksDeleteNothing) {
  std::vector<std::unique_ptr<HostileHost>> liars;
  for (int i = 0; i < 40; ++i) liars.push_back(liar(1));
  const std::size_t before = copies();
  for (int round = 0; round < 60; ++round) {
    for (const auto& host : liars) {
      for (std::size_t i = 0; i < kHosts; ++i) host->ping(0, cluster_.contact(i));
    }
    cluster_.advance(1min);
  }
  // They have deceived some, and yet:
  EXPECT_GE(copies(), before);
  EXPECT_TRUE(cluster_.run(3, GetCommand{key_}));
}

}  // namespace
}  // namespace shoal
