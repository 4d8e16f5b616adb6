// Whole nodes on a network in memory, real crypto, time advanced by hand.
#include "node/node.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/support/node_cluster.h"
#include "tests/support/random_value.h"

namespace shoal {
namespace {

TEST(Node, AsksAllOfALongBootstrapListWithinSeconds) {
  NodeCluster cluster;
  const std::size_t alive = cluster.add();
  NodeConfig config;
  for (std::uint32_t i = 0; i < 255; ++i) {
    config.bootstrap.push_back(Endpoint::v4(0xc0000200 + i % 256, static_cast<std::uint16_t>(4000 + i)));
  }
  config.bootstrap.push_back(cluster.contact(alive).endpoint);
  const std::size_t newcomer = cluster.add({}, config);
  cluster.advance(4s);
  EXPECT_EQ(cluster.node(newcomer).table().size(), 1u);
}

TEST(Node, AsksOtherBootstrapEndpointsAsSoonAsTheyAreKnown) {
  NodeCluster cluster;
  const std::size_t alive = cluster.add();
  NodeConfig config;
  config.bootstrap = {Endpoint::v4(0xc0000201, 7465)};
  const std::size_t newcomer = cluster.add({}, config);
  cluster.advance(60s);
  EXPECT_EQ(cluster.node(newcomer).table().size(), 0u);
  cluster.node(newcomer).on_bootstrap({cluster.contact(alive).endpoint});
  cluster.expect<StatusResult>(newcomer, StatusCommand{});  // it gets a turn
  cluster.advance(2s);
  EXPECT_EQ(cluster.node(newcomer).table().size(), 1u);
}

TEST(Node, FindsTheOthersFromOneEndpoint) {
  NodeCluster cluster;
  cluster.add_many(10);
  cluster.advance(30s);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(cluster.node(i).table().size(), 9u) << i;
}

TEST(Node, FindsTheTrueClosest) {
  NodeCluster cluster;
  cluster.add_many(40);
  cluster.advance(60s);
  const Id target = Rng::keyed(5, "test", "target").id();
  const auto found = cluster.expect<FindResult>(3, FindCommand{target});
  std::vector<Id> truth;
  for (std::size_t i = 0; i < 40; ++i) {
    if (i != 3) truth.push_back(cluster.contact(i).key);
  }
  std::sort(truth.begin(), truth.end(), [&](const Id& a, const Id& b) { return closer(target, a, b); });
  ASSERT_EQ(found.lookup.closest.size(), 20u);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(found.lookup.closest[i].contact.key, truth[i]);
}

TEST(Node, SaysWhichBootstrapAddressesDoNotAnswer) {
  NodeCluster cluster;
  NodeConfig config;
  config.bootstrap = {Endpoint::v4(0xc0000201, 7465)};
  cluster.add({}, config);
  cluster.advance(20s);
  EXPECT_EQ(cluster.expect<StatusResult>(0, StatusCommand{}).bootstrap_unanswered, config.bootstrap);
  EXPECT_EQ(cluster.expect<TableResult>(0, TableCommand{}).bootstrap_unanswered, config.bootstrap);
  cluster.add({0});
  cluster.advance(20s);
  EXPECT_TRUE(cluster.expect<StatusResult>(0, StatusCommand{}).bootstrap_unanswered.empty());
  EXPECT_TRUE(cluster.expect<TableResult>(0, TableCommand{}).bootstrap_unanswered.empty());
}

TEST(Node, GoesByTheClockOfTheOthersAndSaysSo) {
  NodeCluster cluster;
  cluster.add_many(16);
  cluster.advance(30s);
  EXPECT_EQ(cluster.expect<StatusResult>(3, StatusCommand{}).clock_ahead, 0s);
  for (const Duration off : {-48h, 48h}) {
    cluster.network().jump_wall_time(cluster.index(3), off);
    EXPECT_NEAR(to_seconds(cluster.expect<StatusResult>(3, StatusCommand{}).clock_ahead), to_seconds(off), 1);
    EXPECT_EQ(cluster.expect<StoreResult>(3, PutCommand{Bytes(10, 1)}).stored_count(), 8u);
    cluster.network().jump_wall_time(cluster.index(3), -off);
  }
  EXPECT_EQ(cluster.expect<StatusResult>(3, StatusCommand{}).clock_ahead, 0s);
}

TEST(Node, GivesBackWhatWasPut) {
  NodeCluster cluster;
  cluster.add_many(12);
  cluster.advance(30s);
  for (const std::size_t size : {0u, 1u, 100u, 1000u, 1100u, 5000u, 65'536u}) {
    const Bytes value = value_of(size, size);
    const auto put = cluster.expect<StoreResult>(1, PutCommand{value});
    EXPECT_EQ(put.stored_count(), 8u) << size;
    const auto got = cluster.expect<GetResult>(7, GetCommand{put.key});
    EXPECT_EQ(got.value, value) << size;
  }
}

TEST(Node, RefusesAValueThatIsTooLarge) {
  NodeCluster cluster;
  cluster.add_many(2);
  cluster.advance(10s);
  const auto put = cluster.run(1, PutCommand{Bytes(65'537)});
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, ErrorCode::kTooLarge);
}

TEST(Node, SaysNotConnectedWhenItKnowsNobody) {
  NodeCluster cluster;
  cluster.add_many(1);
  cluster.advance(10s);
  const auto found = cluster.run(0, FindCommand{Id{}});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kNotConnected);
}

TEST(Node, PublishesNewerRecordsAndTellsWhyOlderOnesAreRefused) {
  NodeCluster cluster;
  cluster.add_many(12);
  cluster.advance(30s);
  PublishCommand publish;
  publish.secret = Rng::keyed(9, "test", "publisher").seed();
  publish.value = value_of(40, 1);
  const auto first = cluster.expect<StoreResult>(1, publish);
  EXPECT_EQ(first.sequence, 1u);
  publish.value = value_of(40, 2);
  const auto second = cluster.expect<StoreResult>(2, publish);
  EXPECT_EQ(second.sequence, 2u);
  EXPECT_EQ(second.stored_count(), 8u);
  const auto found = cluster.expect<PublishedResult>(3, LookupCommand{second.key, {}, false});
  ASSERT_EQ(found.records.size(), 1u);
  EXPECT_EQ(found.records[0].value, publish.value);

  publish.sequence = 1;
  const auto older = cluster.expect<StoreResult>(4, publish);
  EXPECT_EQ(older.stored_count(), 0u);
  EXPECT_EQ(older.holders.at(0).refusal, ErrorCode::kSequenceTooLow);
  EXPECT_EQ(older.holders.at(0).held_sequence, 2u);

  // Of one number the one that expires later wins.
  publish.sequence = 2;
  publish.value = value_of(40, 3);
  publish.lifetime = 1h;
  const auto other = cluster.expect<StoreResult>(4, publish);
  EXPECT_EQ(other.holders.at(0).refusal, ErrorCode::kSequenceConflict);
  publish.lifetime = 25h;
  EXPECT_EQ(cluster.expect<StoreResult>(4, publish).stored_count(), 8u);
  publish.lifetime.reset();

  publish.sequence.reset();
  publish.expected_sequence = 1;
  const auto cas = cluster.expect<StoreResult>(5, publish);
  EXPECT_EQ(cas.stored_count(), 0u);
  EXPECT_EQ(cas.holders.at(0).refusal, ErrorCode::kCasMismatch);
  publish.expected_sequence = 2;
  EXPECT_EQ(cluster.expect<StoreResult>(5, publish).stored_count(), 8u);
}

TEST(Node, PagesThroughAllRecordsOfAKey) {
  NodeCluster cluster;
  cluster.add_many(10);
  cluster.advance(30s);
  PublishCommand publish;
  publish.secret = Rng::keyed(9, "test", "publisher").seed();
  Id key;
  for (std::uint8_t i = 0; i < 20; ++i) {
    publish.salt = i == 0 ? Bytes{} : Bytes{i};
    publish.value = value_of(i == 3 ? 60'000 : 500, i);
    key = cluster.expect<StoreResult>(1, publish).key;
  }
  const auto all = cluster.expect<PublishedResult>(6, LookupCommand{key, {}, true});
  ASSERT_EQ(all.records.size(), 20u);
  for (std::uint8_t i = 0; i < 20; ++i) EXPECT_EQ(all.records[i].value, value_of(i == 3 ? 60'000 : 500, i));
}

TEST(Node, IsResolvedAtItsNewEndpointAfterItMoved) {
  NodeCluster cluster;
  cluster.add_many(10);
  cluster.advance(60s);
  const Contact before = cluster.contact(4);
  const auto first = cluster.expect<ResolveResult>(7, ResolveCommand{before.key});
  EXPECT_EQ(first.record.endpoints.at(0), before.endpoint);
  Endpoint moved = before.endpoint;
  moved.address[14] = 200;
  moved.port = 4999;
  cluster.restart(4, moved);
  cluster.advance(60s);
  const auto second = cluster.expect<ResolveResult>(7, ResolveCommand{before.key});
  EXPECT_EQ(second.record.endpoints.at(0), moved);
}

TEST(Node, PublishesNoConnectionItemWhenItsLifetimeIsZero) {
  NodeCluster cluster;
  NodeConfig config;
  config.connection_item_lifetime = Duration::zero();
  cluster.add_many(4, config);
  cluster.advance(60s);
  EXPECT_FALSE(cluster.run(1, ResolveCommand{cluster.contact(2).key}));
}

TEST(Node, TakesUpKnownHostsWithinOneBackoffWhenItsLastContactLeft) {
  NodeCluster cluster;
  NodeConfig config;
  config.table_check_period = 10s;
  cluster.add_many(4, config);
  cluster.advance(30s);
  ASSERT_EQ(cluster.node(0).table().size(), 3u);
  cluster.host_store(0).save_hosts({{cluster.contact(1), cluster.network().wall_time()}});
  for (std::size_t i = 1; i < 4; ++i) cluster.network().cut(cluster.index(0), cluster.index(i));
  ASSERT_TRUE(cluster.network().run_until([&] { return cluster.node(0).table().size() == 0; }, 10min));
  cluster.advance(5min);
  EXPECT_EQ(cluster.node(0).table().size(), 0u);
  for (std::size_t i = 1; i < 4; ++i) cluster.network().heal(cluster.index(0), cluster.index(i));
  EXPECT_TRUE(cluster.network().run_until([&] { return cluster.node(0).table().size() > 0; },
                                          config.bootstrap_backoff_max * 5 / 4 + 3s));
}

TEST(Node, FindsTheOtherHalfAgainWithinAMinuteWhenACutHeals) {
  NodeCluster cluster;
  NodeConfig config;
  config.table_check_period = 60s;
  cluster.add_many(30, config);
  cluster.advance(10min);
  const auto set_cut = [&](bool cut) {
    for (std::size_t a = 0; a < 15; ++a) {
      for (std::size_t b = 15; b < 30; ++b) {
        cut ? cluster.network().cut(cluster.index(a), cluster.index(b))
            : cluster.network().heal(cluster.index(a), cluster.index(b));
      }
    }
  };
  const auto knows = [&](std::size_t host, bool own_half) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < 30; ++i) {
      const bool of_own_half = (i < 15) == (host < 15);
      count += of_own_half == own_half && cluster.node(host).table().contains(cluster.contact(i).key) ? 1 : 0;
    }
    return count;
  };
  std::vector<std::size_t> own_half_before, all_before;
  for (std::size_t i = 0; i < 30; ++i) {
    own_half_before.push_back(knows(i, true));
    all_before.push_back(cluster.node(i).table().size());
  }
  set_cut(true);
  cluster.advance(5min);
  for (std::size_t i = 0; i < 30; ++i) {
    EXPECT_EQ(knows(i, false), 0u) << i;
    EXPECT_GE(knows(i, true), own_half_before[i]) << i;
  }
  set_cut(false);
  cluster.advance(config.lost_check_interval * 5 / 4 + 2s);
  // A request that was under way in the cut may still end, and cost a contact that has just come back.
  for (std::size_t i = 0; i < 30; ++i) EXPECT_GE(cluster.node(i).table().size() + 2, all_before[i]) << i;
}

TEST(Node, RemembersItsNetworkAcrossARestartWithoutBootstrap) {
  NodeCluster cluster;
  cluster.add_many(6);
  cluster.advance(8min);
  EXPECT_EQ(cluster.host_store(0).load_hosts().size(), 5u);
  cluster.restart(0);
  cluster.advance(20s);
  EXPECT_EQ(cluster.node(0).table().size(), 5u);
}

TEST(Node, SavesKnownHostsAsSoonAsItHasJoined) {
  NodeCluster cluster;
  cluster.add_many(6);
  cluster.advance(2s);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_FALSE(cluster.host_store(i).load_hosts().empty()) << i;
}

TEST(Node, RemembersHostsOfEarlierTimesThatItHasLost) {
  NodeCluster cluster;
  cluster.add_many(6);
  cluster.advance(1min);
  for (std::size_t i = 2; i < 6; ++i) cluster.network().cut(cluster.index(0), cluster.index(i));
  cluster.advance(30min);
  ASSERT_EQ(cluster.node(0).table().size(), 1u);
  const std::vector<KnownHost> known = cluster.host_store(0).load_hosts();
  ASSERT_EQ(known.size(), 5u);
  EXPECT_EQ(known[0].contact.key, cluster.contact(1).key);
  EXPECT_GT(known[0].last_seen, known[1].last_seen + 10min);
}

TEST(Node, LeavesTablesAtOnceWhenItStops) {
  NodeCluster cluster;
  cluster.add_many(6);
  cluster.advance(30s);
  EXPECT_TRUE(cluster.run(2, StopCommand{}));
  cluster.crash(2);
  cluster.advance(5s);
  for (const std::size_t i : {0u, 1u, 3u, 4u, 5u}) {
    EXPECT_FALSE(cluster.node(i).table().contains(cluster.contact(2).key)) << i;
  }
}

TEST(Node, VerifiesAContactAgainWhenItsSessionIsReset) {
  NodeCluster cluster;
  cluster.add_many(3);
  cluster.advance(30s);
  ASSERT_TRUE(cluster.run(1, PutCommand{value_of(60'000, 1)}));
  const auto pings = [&] { return cluster.node(1).counters().kinds[0].requests_sent; };
  const std::uint64_t before = pings();
  cluster.crash(2);
  cluster.restart(2);
  // The next request by the old session meets a host that has forgotten it.
  ASSERT_TRUE(cluster.run(1, PutCommand{value_of(60'000, 2)}));
  cluster.advance(1s);
  EXPECT_GT(pings(), before);
}

TEST(Node, IsKnownAtItsNewAddressSoonAfterItHasMoved) {
  NodeCluster cluster;
  cluster.add_many(25);
  cluster.advance(60s);
  const auto knows_it = [&](std::size_t host) {
    return cluster.node(host).table().find(cluster.contact(7).key).has_value();
  };
  std::vector<std::size_t> known_by;
  for (std::size_t host = 0; host < 25; ++host) {
    if (host != 7 && knows_it(host)) known_by.push_back(host);
  }
  ASSERT_GE(known_by.size(), 20u);
  const Endpoint fresh = Endpoint::v4(0x0b000001, 5000);
  cluster.network().set_interfaces(cluster.index(7), {{fresh, 0}});
  cluster.advance(10s);
  for (const std::size_t host : known_by) {
    const auto known = cluster.node(host).table().find(cluster.contact(7).key);
    ASSERT_TRUE(known) << host;
    EXPECT_EQ(known->endpoint, fresh) << host;
  }
}

// It asks from an address at which it can be reached as well; that is no move as long as the other answers.
TEST(Node, LeavesAContactWhereItHasJustAnswered) {
  NodeCluster cluster;
  cluster.add_many(2);
  cluster.advance(60s);
  const Contact known = cluster.contact(1);
  cluster.expect<PingResult>(0, PingCommand{known.key, known.endpoint});
  cluster.network().set_interfaces(cluster.index(1), {{Endpoint::v4(0x0b000001, 5000), 0}});
  cluster.advance(1s);
  EXPECT_EQ(cluster.node(0).table().find(known.key)->endpoint, known.endpoint);
}

TEST(Node, KeepsClientsOutOfTablesAndStillAnswersThem) {
  NodeCluster cluster;
  cluster.add_many(8);
  NodeConfig client;
  client.client = true;
  const std::size_t behind_nat = cluster.add({0}, client);
  cluster.advance(60s);
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_FALSE(cluster.node(i).table().contains(cluster.contact(behind_nat).key));
  }
  const Bytes value = value_of(2000, 4);
  const auto put = cluster.expect<StoreResult>(behind_nat, PutCommand{value});
  EXPECT_EQ(cluster.expect<GetResult>(behind_nat, GetCommand{put.key}).value, value);
}

TEST(Node, ForgetsADeadContactSoonAfterItsFirstSilence) {
  NodeCluster cluster;
  NodeConfig config;
  config.connection_item_lifetime = Duration::zero();
  config.table_check_period = 1h;
  config.table_checks_per_lifetime = 0;
  config.neighbour_checks_per_lifetime = 0;
  config.refreshes_per_lifetime = 0;
  cluster.add_many(6, config);
  cluster.advance(30s);
  cluster.crash(3);
  cluster.advance(30s);
  EXPECT_TRUE(cluster.node(1).table().contains(cluster.contact(3).key));
  ASSERT_TRUE(cluster.run(1, FindCommand{cluster.contact(3).key}));
  cluster.advance(2s);
  EXPECT_FALSE(cluster.node(1).table().contains(cluster.contact(3).key));
}

TEST(Node, LooksAfterItsContactsMoreOftenWhereTheyDieSooner) {
  const auto pings = [](Duration between_deaths) {
    NodeCluster cluster;
    cluster.add_many(30);
    cluster.advance(30s);
    for (std::size_t i = 1; i < 13; ++i) {
      cluster.crash(i);
      cluster.add({0});
      cluster.advance(between_deaths);
    }
    const std::uint64_t before = cluster.node(20).counters().kinds[0].requests_sent;
    cluster.advance(10min);
    return cluster.node(20).counters().kinds[0].requests_sent - before;
  };
  EXPECT_GT(pings(10s), 2 * pings(5min));
}

TEST(Node, WorksOverALossyNetwork) {
  NodeCluster cluster;
  ManualLink link;
  link.loss = 0.05;
  link.duplication = 0.05;
  link.jitter = 20ms;
  cluster.network().set_link(link);
  cluster.add_many(15);
  cluster.advance(60s);
  for (std::uint64_t i = 0; i < 20; ++i) {
    const Bytes value = value_of(300, i);
    const auto put = cluster.expect<StoreResult>(i % 15, PutCommand{value});
    EXPECT_GE(put.stored_count(), 7u);
    EXPECT_EQ(cluster.expect<GetResult>((i + 5) % 15, GetCommand{put.key}).value, value);
  }
}

TEST(Node, FollowsNextToTheClosest) {
  NodeCluster cluster;
  cluster.add_many(20);
  cluster.advance(60s);
  const Id target = Rng::keyed(77, "test", "target").id();
  std::size_t closest = 0;
  for (std::size_t i = 1; i < 20; ++i) {
    if (closer(target, cluster.contact(i).key, cluster.contact(closest).key)) closest = i;
  }
  std::optional<Contact> at = cluster.contact((closest + 1) % 20);
  for (int steps = 0; steps < 9; ++steps) {
    const auto next = cluster.expect<NextResult>(0, NextCommand{target, at});
    if (!next.contact) break;
    at = next.contact;
  }
  EXPECT_EQ(at->key, cluster.contact(closest).key);
}

}  // namespace
}  // namespace shoal
