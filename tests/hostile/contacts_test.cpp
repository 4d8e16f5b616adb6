// Hosts that lie about others: contacts that do not exist, addresses that are not ours; and that come in
// crowds.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "tests/hostile/hostile_host.h"
#include "tests/support/node_cluster.h"

namespace shoal {
namespace {

class ContactLies : public ::testing::Test {
 protected:
  std::unique_ptr<HostileHost> hostile(std::size_t keys = 1) {
    return std::make_unique<HostileHost>(cluster_.network(), ++seed_, keys);
  }
  void make_known(HostileHost& host, std::size_t key, std::size_t to) {
    host.ping(key, cluster_.contact(to));
    cluster_.advance(1s);
    ASSERT_TRUE(cluster_.node(to).table().contains(host.contact(key).key));
  }

  NodeCluster cluster_;
  std::uint64_t seed_ = 400;
};

TEST_F(ContactLies, TurnLessThanThriceTheirBytesAgainstAVictim) {
  cluster_.add_many(5);
  cluster_.advance(60s);
  const auto victim = hostile();
  victim->answer = [](auto, auto&, auto&) { return false; };
  for (const std::size_t told : {1u, 2u, 3u, 5u, 20u}) {
    const auto liar = hostile();
    make_known(*liar, 0, 1);
    Rng rng = Rng::keyed(told, "test", "told");
    liar->answer = [&, told](std::size_t, const wire::Request& request, wire::Response& response) {
      const auto* find = std::get_if<wire::FindHost>(&request.body);
      if (find == nullptr) return true;
      wire::Contacts contacts;
      for (std::size_t i = 0; i < told; ++i) {
        Contact contact{find->target, victim->contact().endpoint};
        contact.key.bytes[31] = static_cast<std::uint8_t>(contact.key.bytes[31] ^ (i + 1));
        contacts.contacts.push_back(contact);
      }
      response.body = contacts;
      return true;
    };
    victim->bytes_received = liar->bytes_sent = 0;
    const Instant begun = cluster_.network().now();
    const auto found = cluster_.expect<FindResult>(1, FindCommand{rng.id()});
    EXPECT_GE(found.lookup.closest.size(), 4u);
    EXPECT_LE(cluster_.network().now() - begun, 6s) << told;
    EXPECT_LE(victim->bytes_received, 3 * liar->bytes_sent) << told;
    cluster_.advance(5s);
  }
}

// Each names hosts of other networks that do not exist.
TEST_F(ContactLies, HoldUpNoLookupForLong) {
  cluster_.add_many(20);
  cluster_.advance(60s);
  std::vector<std::unique_ptr<HostileHost>> liars;
  for (std::uint32_t n = 0; n < 3; ++n) {
    liars.push_back(hostile());
    liars.back()->answer = [n](std::size_t, const wire::Request& request, wire::Response& response) {
      const auto* find = std::get_if<wire::FindHost>(&request.body);
      if (find == nullptr) return true;
      wire::Contacts contacts;
      for (std::uint32_t i = 0; i < 20; ++i) {
        Contact contact{find->target, Endpoint::v4(0x08000001 + (n << 16) + (i << 8), 4000)};
        contact.key.bytes[31] = static_cast<std::uint8_t>(contact.key.bytes[31] ^ (20 * n + i + 1));
        contacts.contacts.push_back(contact);
      }
      response.body = contacts;
      return true;
    };
    make_known(*liars.back(), 0, 1);
  }
  Rng rng = Rng::keyed(1, "test", "targets");
  for (int i = 0; i < 5; ++i) {
    const Instant begun = cluster_.network().now();
    const auto found = cluster_.expect<FindResult>(1, FindCommand{rng.id()});
    EXPECT_LE(cluster_.network().now() - begun, 8s);
    EXPECT_EQ(found.lookup.closest.size(), 20u);
  }
}

TEST_F(ContactLies, AboutOurAddressKeepNobodyFromUs) {
  cluster_.add_many(6);
  cluster_.advance(30s);
  const Contact victim = cluster_.contact(2);
  std::vector<std::unique_ptr<HostileHost>> liars;
  for (int n = 0; n < 8; ++n) {
    liars.push_back(hostile());
    liars.back()->answer = [&](std::size_t, const wire::Request&, wire::Response& response) {
      response.observed = victim.endpoint;
      return true;
    };
  }
  const std::size_t newcomer = cluster_.add({0});
  cluster_.network().cut(cluster_.index(newcomer), cluster_.index(2));
  cluster_.advance(5s);
  for (const auto& liar : liars) liar->ping(0, cluster_.contact(newcomer));
  for (int n = 0; n < 5; ++n) {
    Rng rng = Rng::keyed(static_cast<std::uint64_t>(n), "test", "targets");
    cluster_.expect<FindResult>(newcomer, FindCommand{rng.id()});
  }
  cluster_.network().heal(cluster_.index(newcomer), cluster_.index(2));
  for (int n = 5; n < 10; ++n) {
    Rng rng = Rng::keyed(static_cast<std::uint64_t>(n), "test", "targets");
    cluster_.expect<FindResult>(newcomer, FindCommand{rng.id()});
    cluster_.advance(10s);
  }
  const auto endpoints = cluster_.expect<StatusResult>(newcomer, StatusCommand{}).endpoints;
  EXPECT_EQ(std::count(endpoints.begin(), endpoints.end(), victim.endpoint), 0);
  EXPECT_EQ(endpoints.at(0), cluster_.contact(newcomer).endpoint);
  EXPECT_TRUE(cluster_.node(newcomer).table().contains(victim.key));
}

TEST_F(ContactLies, ACrowdOfSessionsFromOneAddressLeavesRoomForOthers) {
  cluster_.add_many(4);
  cluster_.advance(30s);
  const auto crowd = hostile();
  for (int i = 0; i < 300; ++i) {
    crowd->open_session(cluster_.contact(1));
    cluster_.advance(50ms);
  }
  EXPECT_LE(cluster_.node(1).sessions(), NodeConfig{}.sessions_per_source_max + 8);
  const auto put = cluster_.expect<StoreResult>(2, PutCommand{Bytes(60'000, 3)});
  EXPECT_EQ(put.stored_count(), 4u);
}

// Fresh keys that are all valid, from few addresses: those that we know are not forgotten for them.
TEST_F(ContactLies, ACrowdOfKeysDoesNotMakeStrangersOfThoseWeKnow) {
  NodeConfig config;
  config.cached_pairs_max = 64;
  config.strangers_per_s = 20;
  cluster_.add_many(12, config);
  cluster_.advance(60s);
  std::vector<std::unique_ptr<HostileHost>> crowd;
  for (int i = 0; i < 4; ++i) crowd.push_back(hostile(200));
  std::size_t asked = 0, answered = 0;
  for (std::size_t key = 0; key < 200; ++key) {
    for (const auto& host : crowd) host->ping(key, cluster_.contact(1));
    if (key % 4 == 0) {
      ++asked;
      answered += cluster_.run(2 + key % 10, PingCommand{cluster_.contact(1).key, {}}) ? 1 : 0;
    }
    cluster_.advance(5ms);
  }
  EXPECT_EQ(answered, asked);
}

}  // namespace
}  // namespace shoal
