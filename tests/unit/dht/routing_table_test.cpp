#include "node/dht/routing_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "node/base/rng.h"

namespace shoal {
namespace {

using Added = RoutingTable::Added;
using testing::ElementsAre;

constexpr Instant kStart = Instant(1h);

// The id whose first bytes are these; self is the zero id, so the bucket is that of the first 1 bit.
Id id_of(std::uint8_t first, std::uint8_t second = 0) {
  Id id;
  id.bytes[0] = first;
  id.bytes[1] = second;
  return id;
}

// Each in a subnet of its own, unless told.
Contact contact_of(std::uint8_t first, std::uint8_t second = 0) {
  return {id_of(first, second), Endpoint::v4(0x50000001u + (first * 256u + second) * 256u, 4000)};
}

TableConfig plain(std::size_t k) {
  return {.k = k, .first_buckets = {}};
}

class RoutingTableTest : public testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(book_.size(), 0u) << "a table kept a contact"; }

  static std::vector<Id> keys_of(const RoutingTable& table) {
    std::vector<Id> keys;
    for (const RoutingTable::Row& row : table.rows()) keys.push_back(row.contact.key);
    return keys;
  }

  ContactBook book_;
};

TEST_F(RoutingTableTest, AnswersNothingWhileEmpty) {
  RoutingTable table(Id{}, book_, {});
  std::vector<Contact> out = {contact_of(1)};
  table.closest(id_of(1), 20, out);
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(table.next(id_of(1)), std::nullopt);
  EXPECT_FALSE(table.row(id_of(1)));
  EXPECT_TRUE(table.stale_buckets(kStart, 1).empty());
  EXPECT_FALSE(table.failed(id_of(1)));
  EXPECT_FALSE(table.remove(id_of(1)));
  EXPECT_FALSE(table.contains(Id{}));
}

TEST_F(RoutingTableTest, NeverHoldsItself) {
  RoutingTable table(id_of(7), book_, {});
  EXPECT_EQ(table.add(contact_of(7), kStart, 1ms), Added::kSelf);
  EXPECT_FALSE(table.failed(id_of(7)));
  EXPECT_EQ(table.size(), 0u);
}

TEST_F(RoutingTableTest, TakesTheNewEndpointOfAKnownContact) {
  RoutingTable table(Id{}, book_, {});
  Contact contact = contact_of(0x80);
  EXPECT_EQ(table.add(contact, kStart, 10ms), Added::kNew);
  contact.endpoint.port = 4001;
  EXPECT_EQ(table.add(contact, kStart + 5s, 20ms), Added::kRefreshed);
  EXPECT_EQ(table.find(contact.key), contact);
  EXPECT_EQ(book_.size(), 1u);
  const RoutingTable::Row row = table.rows().at(0);
  EXPECT_EQ(row.last_seen, kStart + 5s);
  EXPECT_EQ(row.rtt, 20ms);
  EXPECT_EQ(row.bucket, 255);
}

TEST_F(RoutingTableTest, KeepsOldContactsAndCachesNewcomers) {
  RoutingTable table(Id{}, book_, plain(2));
  EXPECT_EQ(table.add(contact_of(0x80), kStart, 1ms), Added::kNew);
  EXPECT_EQ(table.add(contact_of(0x81), kStart + 1s, 1ms), Added::kNew);
  EXPECT_EQ(table.add(contact_of(0x82), kStart + 2s, 1ms), Added::kReplacement);
  EXPECT_EQ(table.add(contact_of(0x40), kStart + 2s, 1ms), Added::kNew);
  EXPECT_FALSE(table.contains(id_of(0x82)));
  EXPECT_EQ(table.size(), 3u);
  EXPECT_EQ(table.replacements(), 1u);
  EXPECT_FALSE(table.row(id_of(0x82)));
}

TEST_F(RoutingTableTest, GivesTheFarthestBucketsMoreRoom) {
  RoutingTable table(Id{}, book_, {.k = 1, .first_buckets = {3, 2}});
  for (std::uint8_t i = 0; i < 4; ++i) {
    EXPECT_EQ(table.add(contact_of(0x80, i), kStart, 1ms), i < 3 ? Added::kNew : Added::kReplacement);
    EXPECT_EQ(table.add(contact_of(0x40, i), kStart, 1ms), i < 2 ? Added::kNew : Added::kReplacement);
    EXPECT_EQ(table.add(contact_of(0x20, i), kStart, 1ms), i < 1 ? Added::kNew : Added::kReplacement);
  }
}

TEST_F(RoutingTableTest, DropsAContactAfterItsLastFailureAndMovesTheFreshestReplacementUp) {
  RoutingTable table(Id{}, book_, plain(1));
  table.add(contact_of(0x80), kStart, 1ms);
  table.add(contact_of(0x81), kStart + 1s, 1ms);
  table.add(contact_of(0x82), kStart + 5min, 50ms);
  EXPECT_FALSE(table.failed(id_of(0x80)));
  EXPECT_TRUE(table.contains(id_of(0x80)));
  EXPECT_TRUE(table.failed(id_of(0x80)));
  EXPECT_THAT(keys_of(table), ElementsAre(id_of(0x82)));
  EXPECT_EQ(table.replacements(), 1u);
}

TEST_F(RoutingTableTest, PrefersTheNearerOfEquallyFreshReplacements) {
  RoutingTable table(Id{}, book_, plain(1));
  table.add(contact_of(0x80), kStart, 1ms);
  table.add(contact_of(0x81), kStart + 1s, 40ms);
  table.add(contact_of(0x82), kStart + 2s, 10ms);
  table.add(contact_of(0x83), kStart + 3s, 30ms);
  EXPECT_TRUE(table.remove(id_of(0x80)));
  EXPECT_THAT(keys_of(table), ElementsAre(id_of(0x82)));
}

TEST_F(RoutingTableTest, ForgivesFailuresOnceTheContactAnswers) {
  RoutingTable table(Id{}, book_, plain(1));
  table.add(contact_of(0x80), kStart, 1ms);
  EXPECT_FALSE(table.failed(id_of(0x80)));
  EXPECT_EQ(table.add(contact_of(0x80), kStart + 1s, 1ms), Added::kRefreshed);
  EXPECT_FALSE(table.failed(id_of(0x80)));
  EXPECT_EQ(table.rows().at(0).failures, 1);
}

TEST_F(RoutingTableTest, LetsANewcomerTakeThePlaceOfAFailedContactInAFullBucket) {
  RoutingTable table(Id{}, book_, {.k = 2, .first_buckets = {}, .failures_max = 3});
  table.add(contact_of(0x80), kStart, 1ms);
  table.add(contact_of(0x81), kStart, 1ms);
  table.failed(id_of(0x80));
  table.failed(id_of(0x81));
  table.failed(id_of(0x81));
  EXPECT_EQ(table.add(contact_of(0x82), kStart + 1s, 1ms), Added::kNew);
  EXPECT_THAT(keys_of(table), ElementsAre(id_of(0x80), id_of(0x82)));
}

TEST_F(RoutingTableTest, LetsAWaitingContactThatAnswersTakeThePlaceOfAFailedOne) {
  RoutingTable table(Id{}, book_, plain(1));
  table.add(contact_of(0x80), kStart, 1ms);
  EXPECT_EQ(table.add(contact_of(0x81), kStart, 1ms), Added::kReplacement);
  table.failed(id_of(0x80));
  EXPECT_EQ(table.add(contact_of(0x81), kStart + 1s, 1ms), Added::kNew);
  EXPECT_THAT(keys_of(table), ElementsAre(id_of(0x81)));
  EXPECT_EQ(table.replacements(), 0u);
}

TEST_F(RoutingTableTest, ForgetsAReplacementThatFails) {
  RoutingTable table(Id{}, book_, plain(1));
  table.add(contact_of(0x80), kStart, 1ms);
  table.add(contact_of(0x81), kStart, 1ms);
  EXPECT_FALSE(table.failed(id_of(0x81)));
  EXPECT_EQ(table.replacements(), 0u);
}

TEST_F(RoutingTableTest, BoundsTheCacheByItsLongestSilent) {
  RoutingTable table(Id{}, book_, {.k = 1, .first_buckets = {}, .replacements_max = 2});
  for (std::uint8_t i = 0; i < 4; ++i) table.add(contact_of(0x80, i), kStart + i * 1h, 1ms);
  EXPECT_EQ(table.replacements(), 2u);
  table.remove(id_of(0x80, 0));
  table.remove(id_of(0x80, 3));
  EXPECT_THAT(keys_of(table), ElementsAre(id_of(0x80, 2)));
}

TEST_F(RoutingTableTest, AsksForNeighboursSoonerThanForOthers) {
  RoutingTable table(Id{}, book_, plain(4));
  table.add(contact_of(0x80), kStart, 1ms);
  table.add(contact_of(0x81), kStart + 9s, 1ms);
  table.add(contact_of(0x04), kStart + 3s, 1ms);
  table.add(contact_of(0x02), kStart + 9s, 1ms);
  table.add(contact_of(0x01), kStart + 3s, 1ms);
  const auto silent = [&](std::size_t neighbours) {
    return table.silent_since(kStart + 1s, neighbours, kStart + 5s);
  };
  EXPECT_THAT(silent(0), ElementsAre(id_of(0x80)));
  EXPECT_THAT(silent(2), ElementsAre(id_of(0x80), id_of(0x01)));
  EXPECT_THAT(silent(3), ElementsAre(id_of(0x80), id_of(0x04), id_of(0x01)));
  table.failed(id_of(0x81));
  EXPECT_THAT(silent(0), ElementsAre(id_of(0x80), id_of(0x81)));
}

TEST_F(RoutingTableTest, JudgesTheLifetimeOfContactsByThoseItHas) {
  RoutingTable table(Id{}, book_, plain(4));
  const Duration at_first = table.contact_lifetime();
  for (std::uint8_t i = 0; i < 4; ++i) table.add(contact_of(0x80, i), kStart, 1ms);
  EXPECT_EQ(table.contact_lifetime(), at_first);
  for (std::uint8_t i = 0; i < 4; ++i) table.add(contact_of(0x80, i), kStart + 20min, 1ms);
  EXPECT_EQ(table.contact_lifetime(), at_first + 80min);
  table.failed(id_of(0x80, 0));
  EXPECT_EQ(table.contact_lifetime(), (at_first + 80min) / 2);
  table.failed(id_of(0x80, 0));  // it leaves now, and has counted already
  EXPECT_EQ(table.contact_lifetime(), (at_first + 80min) / 2);
  table.failed(id_of(0x80, 1));
  table.add(contact_of(0x80, 1), kStart + 20min, 1ms);
  EXPECT_EQ(table.contact_lifetime(), (at_first + 80min) / 2);
  table.remove(id_of(0x80, 2));
  EXPECT_EQ(table.contact_lifetime(), (at_first + 80min) / 3);
}

class SubnetLimit : public RoutingTableTest {
 protected:
  static Contact in_subnet(std::uint8_t first, std::uint8_t second, std::uint32_t subnet) {
    return {id_of(first, second), Endpoint::v4(subnet << 8 | second, 4000)};
  }
  static constexpr std::uint32_t kPublic = 0x500001;   // 80.0.1.0/24
  static constexpr std::uint32_t kPrivate = 0x0a0001;  // 10.0.1.0/24
};

TEST_F(SubnetLimit, RefusesAThirdContactInABucket) {
  RoutingTable table(Id{}, book_, {});
  EXPECT_EQ(table.add(in_subnet(0x80, 1, kPublic), kStart, 1ms), Added::kNew);
  EXPECT_EQ(table.add(in_subnet(0x80, 2, kPublic), kStart, 1ms), Added::kNew);
  EXPECT_EQ(table.add(in_subnet(0x80, 3, kPublic), kStart, 1ms), Added::kSubnetFull);
  EXPECT_EQ(table.add(in_subnet(0x40, 3, kPublic), kStart, 1ms), Added::kNew);
  EXPECT_EQ(table.add(in_subnet(0x80, 1, kPublic), kStart, 1ms), Added::kRefreshed);
}

TEST_F(SubnetLimit, RefusesAMoveIntoAFullSubnet) {
  RoutingTable table(Id{}, book_, {});
  table.add(in_subnet(0x80, 1, kPublic), kStart, 1ms);
  table.add(in_subnet(0x80, 2, kPublic), kStart, 1ms);
  const Contact elsewhere = in_subnet(0x80, 3, kPublic + 1);
  table.add(elsewhere, kStart, 1ms);
  EXPECT_EQ(table.add(in_subnet(0x80, 3, kPublic), kStart + 1s, 1ms), Added::kSubnetFull);
  EXPECT_EQ(table.find(elsewhere.key), elsewhere);
}

TEST_F(SubnetLimit, LetsANewcomerTakeThePlaceOfAFailedContactOfItsSubnet) {
  RoutingTable table(Id{}, book_, {.per_subnet_max = 1});
  table.add(in_subnet(0x80, 1, kPublic), kStart, 1ms);
  table.failed(id_of(0x80, 1));
  EXPECT_EQ(table.add(in_subnet(0x80, 2, kPublic), kStart, 1ms), Added::kNew);
  EXPECT_THAT(keys_of(table), ElementsAre(id_of(0x80, 2)));
}

TEST_F(SubnetLimit, CountsThoseWhoWaitAndKeepsTheFresherOfThem) {
  RoutingTable table(Id{}, book_, {.k = 1, .first_buckets = {}, .per_subnet_max = 1});
  table.add(contact_of(0x81), kStart, 1ms);
  EXPECT_EQ(table.add(in_subnet(0x80, 1, kPublic), kStart, 1ms), Added::kReplacement);
  EXPECT_EQ(table.add(in_subnet(0x80, 2, kPublic), kStart + 1s, 9ms), Added::kReplacement);
  EXPECT_EQ(table.replacements(), 1u);
  table.remove(id_of(0x81));
  EXPECT_THAT(keys_of(table), ElementsAre(id_of(0x80, 2)));
}

TEST_F(SubnetLimit, SparesLocalAddressesWhileOurOwnIsLocal) {
  RoutingTable table(Id{}, book_, {.own_is_local = true});
  for (std::uint8_t i = 0; i < 5; ++i) {
    EXPECT_EQ(table.add(in_subnet(0x80, i, kPrivate), kStart, 1ms), Added::kNew);
    EXPECT_EQ(table.add(in_subnet(0x40, i, kPublic), kStart, 1ms), i < 2 ? Added::kNew : Added::kSubnetFull);
  }
  table.set_own_is_local(false);
  EXPECT_EQ(table.add(in_subnet(0x80, 5, kPrivate), kStart, 1ms), Added::kSubnetFull);
}

TEST_F(RoutingTableTest, TellsWhatItKnowsOfOneContact) {
  RoutingTable table(Id{}, book_, {});
  table.add(contact_of(0x80), kStart, 1ms);
  table.add(contact_of(0x20), kStart + 1s, 2ms);
  table.add(contact_of(0x80), kStart + 3s, 3ms);
  table.failed(id_of(0x20));
  EXPECT_EQ(table.row(id_of(0x80))->last_seen, kStart + 3s);
  EXPECT_EQ(table.row(id_of(0x80))->rtt, 3ms);
  EXPECT_EQ(table.row(id_of(0x80))->bucket, 255);
  EXPECT_EQ(table.row(id_of(0x20))->contact, contact_of(0x20));
  EXPECT_EQ(table.row(id_of(0x20))->last_seen, kStart + 1s);
  EXPECT_EQ(table.row(id_of(0x20))->failures, 1);
  EXPECT_FALSE(table.row(id_of(0x21)));
}

TEST_F(RoutingTableTest, RemembersTimesBeyondTheReachOfAnEntry) {
  RoutingTable table(Id{}, book_, {});
  table.add(contact_of(0x80), kStart, 1ms);
  table.add(contact_of(0x40), kStart + 30 * 24h, 1ms);
  const Instant later = kStart + 50 * 24h;
  table.add(contact_of(0x20), later, 1ms);
  const std::vector<RoutingTable::Row> rows = table.rows();
  EXPECT_EQ(rows.at(0).last_seen, later - std::chrono::milliseconds(1ll << 31));
  EXPECT_EQ(rows.at(1).last_seen, kStart + 30 * 24h);
  EXPECT_EQ(rows.at(2).last_seen, later);
  table.add(contact_of(0x40), later + 1000 * 24h, 1ms);
  EXPECT_EQ(table.rows().at(1).last_seen, later + 1000 * 24h);
}

TEST_F(RoutingTableTest, NamesBucketsToRefreshDownToTheNearestContacts) {
  RoutingTable table(Id{}, book_, plain(2));
  for (std::uint8_t i = 0; i < 2; ++i) {
    table.add(contact_of(0x80, i), kStart, 1ms);           // full, silent since
    table.add(contact_of(0x40, i), kStart + i * 1h, 1ms);  // full, one seen
    table.add(contact_of(0x10, i), kStart + 1h, 1ms);
  }
  table.add(contact_of(0x08), kStart + 1h, 1ms);  // not full; 0x20 is empty
  EXPECT_THAT(table.stale_buckets(kStart + 30min, 1), ElementsAre(255, 253, 251));
  EXPECT_THAT(table.stale_buckets(kStart + 2h, 1), ElementsAre(255, 254, 253, 252, 251));
  EXPECT_THAT(table.stale_buckets(kStart + 2h, 2), ElementsAre(255, 254, 253, 252));
  EXPECT_THAT(table.stale_buckets(kStart + 2h, 3), ElementsAre(255, 254, 253, 252));
  EXPECT_THAT(table.stale_buckets(kStart + 2h, 4), ElementsAre(255, 254));
  EXPECT_THAT(table.stale_buckets(kStart + 2h, 7), ElementsAre(255));
  EXPECT_TRUE(table.stale_buckets(kStart + 2h, 8).empty());
}

TEST_F(RoutingTableTest, SpendsLittleMemory) {
  RoutingTable empty(Id{}, book_, {});
  EXPECT_LT(empty.memory_bytes(), 150u);
  RoutingTable table(Id{}, book_, {.per_subnet_max = 0});
  Rng rng = Rng::keyed(1, "test", "memory");
  for (std::size_t added = 0; added < 200;) {
    if (table.add({rng.id(), Endpoint::v4(0x50000001, 1)}, kStart, 1ms) == Added::kNew) ++added;
  }
  const std::size_t entries = table.size() + table.replacements();
  EXPECT_LT(table.memory_bytes(), entries * 16 + entries * 16 / 8 + 400);
}

TEST_F(RoutingTableTest, RoundsRttsUpAndBoundsThem) {
  RoutingTable table(Id{}, book_, {});
  table.add(contact_of(0x80), kStart, 1us);
  table.add(contact_of(0x40), kStart, 20s);
  EXPECT_EQ(table.rows().at(0).rtt, 100us);
  EXPECT_EQ(table.rows().at(1).rtt, 6553500us);
}

TEST_F(RoutingTableTest, TellsContactsApartWhoseKeysDifferOnlyInTheirLastBits) {
  RoutingTable table(Id{}, book_, {});
  std::vector<Contact> contacts(4, contact_of(0x80));
  for (std::uint8_t i = 0; i < 4; ++i) {
    contacts[i].key.bytes[31] = i;
    contacts[i].endpoint = contact_of(1, i).endpoint;
    table.add(contacts[i], kStart, 1ms);
  }
  Id target = contacts[2].key;
  std::vector<Contact> out;
  table.closest(target, 3, out);
  EXPECT_THAT(out, ElementsAre(contacts[2], contacts[3], contacts[0]));
  EXPECT_TRUE(table.remove(contacts[2].key));
  EXPECT_EQ(table.find(contacts[3].key), contacts[3]);
}

TEST_F(RoutingTableTest, FindsTheClosestOfManyEvenIfAllAreFarAndDifferOnlyInTheirLastBits) {
  RoutingTable table(Id{}, book_, {.per_subnet_max = 0});
  std::vector<Contact> all;
  for (std::uint8_t i = 0; i < 100; ++i) {
    all.push_back(contact_of(0xff));
    all.back().key.bytes[31] = static_cast<std::uint8_t>(i * 37);  // every value once, none in order
    table.add(all.back(), kStart, 1ms);
  }
  const Id target = id_of(0x80);  // of the same bucket
  std::sort(all.begin(), all.end(),
            [&](const Contact& a, const Contact& b) { return closer(target, a.key, b.key); });
  std::vector<Contact> out;
  table.closest(target, 20, out);
  EXPECT_EQ(out, std::vector<Contact>(all.begin(), all.begin() + 20));
}

TEST_F(RoutingTableTest, NextIsNothingForItselfAndForWhatNobodyIsNearerTo) {
  RoutingTable table(id_of(0x10), book_, {});
  table.add(contact_of(0x18), kStart, 1ms);
  EXPECT_EQ(table.next(id_of(0x10)), std::nullopt);
  EXPECT_EQ(table.next(id_of(0x17)), std::nullopt);
  EXPECT_EQ(table.next(id_of(0x18)), contact_of(0x18));
}

TEST_F(RoutingTableTest, NextIsTheNearestBeyondTheSuccessor) {
  RoutingTable table(id_of(0x10), book_, {});
  for (const int first : {0x18, 0x40, 0x80, 0xc0}) {
    table.add(contact_of(static_cast<std::uint8_t>(first)), kStart, 1ms);
  }
  EXPECT_EQ(table.next(id_of(0x70)), contact_of(0x40));
  EXPECT_EQ(table.next(id_of(0xf0)), contact_of(0xc0));
}

TEST_F(RoutingTableTest, NextTakesTheSuccessorEvenIfAnotherIsNearer) {
  RoutingTable table(id_of(0x00), book_, {});
  table.add(contact_of(0x48), kStart, 1ms);
  table.add(contact_of(0x4f), kStart, 1ms);
  EXPECT_EQ(table.next(id_of(0x47)), contact_of(0x48));  // 0x4f is nearer by XOR
}

TEST_F(RoutingTableTest, NextNeverTakesASuccessorFartherThanItself) {
  RoutingTable table(id_of(0x70), book_, {});
  table.add(contact_of(0x80), kStart, 1ms);  // follows 0x7f, but across the highest bit
  EXPECT_EQ(table.next(id_of(0x7f)), std::nullopt);
}

TEST_F(RoutingTableTest, NextGoesAroundTheTop) {
  RoutingTable table(id_of(0xf0), book_, {});
  table.add(contact_of(0x28), kStart, 1ms);
  table.add(contact_of(0x2f), kStart, 1ms);
  EXPECT_EQ(table.next(id_of(0x27)), contact_of(0x28));
}

}  // namespace
}  // namespace shoal
