// Two hosts with one key, as after a machine was cloned: both notice, say so, and go on under other keys.
#include <gtest/gtest.h>

#include "tests/support/node_cluster.h"

namespace shoal {
namespace {

class SameKeyTest : public testing::Test {
 protected:
  static NodeConfig config(Duration host_key_lifetime) {
    NodeConfig config;
    config.host_key_lifetime = host_key_lifetime;
    return config;
  }
  // Host 1 is from now on what host 0 is, elsewhere.
  void clone() {
    cluster_.host_store(1).save_identity({cluster_.keys(0).seed(), cluster_.network().wall_time(), 1});
    cluster_.restart(1);
    ASSERT_EQ(cluster_.node(0).id(), cluster_.node(1).id());
  }
  std::size_t told(std::size_t host) {
    std::size_t told = 0;
    for (const auto& [at, event] : cluster_.take_events()) {
      events_[at] += event.kind == NodeEvent::Kind::kSameKey ? 1 : 0;
    }
    told = events_[host];
    return told;
  }
  std::optional<Endpoint> shown(std::size_t host) {
    return cluster_.expect<StatusResult>(host, StatusCommand{}).same_key;
  }

  NodeCluster cluster_;
  std::map<std::size_t, std::size_t> events_;
};

TEST_F(SameKeyTest, BothSayItAndTakeOtherKeys) {
  cluster_.add_many(5, config(24h));
  cluster_.advance(1min);
  const Id old = cluster_.node(0).id();
  clone();
  cluster_.advance(3min);
  for (const std::size_t host : {0, 1}) {
    EXPECT_EQ(told(host), 1u) << host;
    EXPECT_NE(cluster_.node(host).id(), old) << host;
    EXPECT_TRUE(shown(host)) << host;
    const auto identity = cluster_.host_store(host).load_identity();
    ASSERT_TRUE(identity);
    EXPECT_EQ(KeyPair::from_seed(identity->key_seed).public_key(), cluster_.node(host).id());
  }
  EXPECT_NE(cluster_.node(0).id(), cluster_.node(1).id());
  const Id own = cluster_.node(0).id();
  cluster_.advance(2h);
  EXPECT_EQ(cluster_.node(0).id(), own) << "once";
  for (const std::size_t other : {2, 3, 4}) {
    EXPECT_EQ(told(other), 0u);
    EXPECT_FALSE(shown(other));
    EXPECT_FALSE(cluster_.node(other).table().contains(old));
    EXPECT_TRUE(cluster_.node(other).table().contains(cluster_.node(0).id()));
    EXPECT_TRUE(cluster_.node(other).table().contains(cluster_.node(1).id()));
  }
}

TEST_F(SameKeyTest, AKeyThatIsMeantToStayStays) {
  cluster_.add_many(4, config(0s));
  cluster_.advance(1min);
  const Id old = cluster_.node(0).id();
  clone();
  cluster_.advance(30min);
  for (const std::size_t host : {0, 1}) {
    EXPECT_EQ(told(host), 1u) << host;
    EXPECT_EQ(cluster_.node(host).id(), old) << host;
  }
}

// It is at another place now, and others tell it of where it was; nobody answers there.
TEST_F(SameKeyTest, AHostThatHasMovedHasNoCopy) {
  cluster_.add_many(5, config(24h));
  cluster_.advance(1min);
  const Id old = cluster_.node(2).id();
  cluster_.restart(2, Endpoint::v4(0x0a090807, 4000));
  cluster_.advance(10min);
  EXPECT_EQ(cluster_.node(2).id(), old);
  for (std::size_t host = 0; host < 5; ++host) EXPECT_EQ(told(host), 0u) << host;
}

}  // namespace
}  // namespace shoal
