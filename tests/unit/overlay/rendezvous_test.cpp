#include "node/overlay/rendezvous.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "node/secure/group_key.h"

namespace shoal {
namespace {

class RendezvousTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { init_crypto(); }

  RendezvousRecord record(const KeyPair& host, std::size_t endpoints) {
    RendezvousRecord made{
        .host = host.public_key(), .written = WallTime(std::chrono::hours(500'000)), .endpoints = {}};
    for (std::size_t i = 0; i < endpoints; ++i) {
      made.endpoints.push_back(Endpoint::v4(0x01020300 + static_cast<std::uint32_t>(i), 4000));
    }
    made.client = endpoints == 0;
    return made;
  }

  Rng rng_ = Rng::keyed(1, "test", "rendezvous");
  const GroupKey group_ = GroupKey::from_sync_key(Secret(rng_.seed()));
  const KeyPair host_ = KeyPair::from_seed(rng_.seed());
  const Rendezvous place_{group_.locate_key(), 20'000};
};

TEST_F(RendezvousTest, BringsARecordBackInAValueThatIsAlwaysOfOneSize) {
  for (std::size_t endpoints = 0; endpoints <= RendezvousRecord::kEndpointsMax; ++endpoints) {
    const RendezvousRecord written = record(host_, endpoints);
    const Bytes value = place_.seal(written, host_, rng_);
    EXPECT_EQ(value.size(), Rendezvous::kValueBytes);
    const auto read = place_.open(place_.salt_of(host_.public_key()), value);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, written);
  }
}

TEST_F(RendezvousTest, EveryDamagedByteIsSeen) {
  const Bytes salt = place_.salt_of(host_.public_key());
  const Bytes value = place_.seal(record(host_, 2), host_, rng_);
  for (std::size_t at = 0; at < value.size(); ++at) {
    Bytes damaged = value;
    damaged[at] ^= 1;
    EXPECT_FALSE(place_.open(salt, damaged)) << at;
  }
  EXPECT_FALSE(place_.open(salt, ByteView(value).first(value.size() - 1)));
  EXPECT_FALSE(place_.open(salt, {}));
}

// A member has the keys of the group, but not those of the other hosts.
TEST_F(RendezvousTest, NoMemberSpeaksForAnother) {
  const KeyPair other = KeyPair::from_seed(rng_.seed());
  const Bytes value = place_.seal(record(other, 1), other, rng_);
  EXPECT_FALSE(place_.open(place_.salt_of(host_.public_key()), value));
  EXPECT_TRUE(place_.open(place_.salt_of(other.public_key()), value));
}

TEST_F(RendezvousTest, OneDayAndOneGroupHaveNothingInCommonWithAnother) {
  const Rendezvous tomorrow(group_.locate_key(), 20'001);
  const Rendezvous elsewhere(GroupKey::from_sync_key(Secret(rng_.seed())).locate_key(), 20'000);
  std::set<Id> keys;
  std::set<Bytes> salts;
  for (const Rendezvous* place : {&place_, &tomorrow, &elsewhere}) {
    keys.insert(place->signing_key().public_key());
    salts.insert(place->salt_of(host_.public_key()));
  }
  EXPECT_EQ(keys.size(), 3u);
  EXPECT_EQ(salts.size(), 3u);
  const Bytes value = place_.seal(record(host_, 1), host_, rng_);
  EXPECT_FALSE(tomorrow.open(tomorrow.salt_of(host_.public_key()), value));
  EXPECT_FALSE(elsewhere.open(elsewhere.salt_of(host_.public_key()), value));
}

TEST_F(RendezvousTest, BothDaysCountWithinTwoHoursOfMidnight) {
  const auto days = [](std::chrono::minutes since_midnight) {
    return Rendezvous::days_at(WallTime(std::chrono::days(20'000) + since_midnight));
  };
  using Days = std::vector<Rendezvous::Day>;
  EXPECT_EQ(days(0min), (Days{19'999, 20'000}));
  EXPECT_EQ(days(119min), (Days{19'999, 20'000}));
  EXPECT_EQ(days(120min), (Days{20'000}));
  EXPECT_EQ(days(12h), (Days{20'000}));
  EXPECT_EQ(days(22h), (Days{20'000, 20'001}));
}

}  // namespace
}  // namespace shoal
