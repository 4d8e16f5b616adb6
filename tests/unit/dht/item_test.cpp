// The three DHT values: made, read, verified, and refused when anything in them was touched.
#include "node/dht/item.h"

#include <gtest/gtest.h>

#include "tests/unit/wire/random_message.h"

namespace shoal {
namespace {

using wire::kItemBodyBytesMax;
using wire::kItemLayoutBytes;
using wire::kSaltBytesMax;
using wire::kValueBytesMax;

class Items : public testing::Test {
 protected:
  static void SetUpTestSuite() { init_crypto(); }

  static KeyPair keys() {
    Rng::Seed seed{};
    seed[0] = 1;
    return KeyPair::from_seed(seed);
  }
  static WallTime at_ms(std::int64_t ms) { return WallTime(std::chrono::milliseconds(ms)); }

  PublishRecord record_{{}, 7, at_ms(1'800'000'000'000), {1, 2, 3}, {4, 5, 6, 7}};
  ConnectionRecord connection_{
      {}, 9, at_ms(1'800'000'000'000), {Endpoint::v4(0xc0000201, 4000), Endpoint::v4(0xc0000202, 4001)}};
};

using HashItem = Items;
using PublishItem = Items;
using ConnectionItem = Items;

TEST_F(HashItem, LiesAtTheHashOfItsValue) {
  const Result<ItemHeader> header = verify_item({ItemKind::kHash, {'a', 'b', 'c'}});
  ASSERT_TRUE(header);
  // FIPS 180-2, appendix B.1
  EXPECT_EQ(header->name.location.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(header->name.kind, ItemKind::kHash);
  EXPECT_TRUE(header->name.salt.empty());
  EXPECT_EQ(header->sequence, 0u);
  EXPECT_EQ(header->expires, WallTime{});
  EXPECT_EQ(header->body_bytes, 3u);
}

TEST_F(HashItem, MayBeEmptyOrOf64KiBButNotLonger) {
  EXPECT_TRUE(verify_item({ItemKind::kHash, {}}));
  EXPECT_TRUE(verify_item({ItemKind::kHash, Bytes(kValueBytesMax)}));
  const Result<ItemHeader> longer = verify_item({ItemKind::kHash, Bytes(kValueBytesMax + 1)});
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().code, ErrorCode::kMalformed);
  EXPECT_EQ(longer.error().message, "hash_item.value: found 65537, expected at most 65536 bytes");
}

TEST_F(PublishItem, ComesBackAsItWasMade) {
  const wire::Item item = make_publish_item(record_, keys());
  const Result<PublishRecord> read = read_publish_item(item.body);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->public_key, keys().public_key());
  EXPECT_EQ(read->sequence, record_.sequence);
  EXPECT_EQ(read->expires, record_.expires);
  EXPECT_EQ(read->salt, record_.salt);
  EXPECT_EQ(read->value, record_.value);

  const Result<ItemHeader> header = verify_item(item);
  ASSERT_TRUE(header) << header.error().message;
  EXPECT_EQ(header->name,
            (ItemName{publish_item_location(keys().public_key()), ItemKind::kPublish, {1, 2, 3}}));
  EXPECT_EQ(header->sequence, record_.sequence);
  EXPECT_EQ(header->expires, record_.expires);
  EXPECT_EQ(header->body_bytes, item.body.size());
}

TEST_F(PublishItem, LayoutStandsStill) {
  const wire::Item item = make_publish_item(record_, keys());
  EXPECT_EQ(to_hex(ByteView(item.body).subspan(64 + 32)),
            "0000000000000007"
            "000001a3185c5000"
            "03"
            "010203"
            "04050607");
  EXPECT_EQ(Id::from_bytes(ByteView(item.body).subspan(64, 32)), keys().public_key());
}

TEST_F(PublishItem, ItsLargestFormIsTheLargestBody) {
  record_.salt = Bytes(kSaltBytesMax, 1);
  record_.value = Bytes(kValueBytesMax, 2);
  wire::Item item = make_publish_item(record_, keys());
  EXPECT_EQ(item.body.size(), kItemBodyBytesMax);
  EXPECT_TRUE(verify_item(item));
  item.body.push_back(2);
  EXPECT_EQ(verify_item(item).error().message,
            "publish_item.value: found 65537, expected at most 65536 bytes");
}

TEST_F(PublishItem, MayHaveNeitherSaltNorValue) {
  record_.salt = {};
  record_.value = {};
  const wire::Item item = make_publish_item(record_, keys());
  EXPECT_EQ(item.body.size(), kItemLayoutBytes);
  EXPECT_TRUE(verify_item(item));
}

TEST_F(PublishItem, EveryFlippedBitIsNoticed) {
  const wire::Item item = make_publish_item(record_, keys());
  for (std::size_t i = 0; i < item.body.size(); ++i) {
    wire::Item flipped = item;
    flipped.body[i] = static_cast<std::uint8_t>(flipped.body[i] ^ 1u << (i % 8));
    EXPECT_FALSE(verify_item(flipped)) << "byte " << i;
  }
}

TEST_F(PublishItem, OfOneKindIsNoneOfTheOther) {
  EXPECT_FALSE(verify_item({ItemKind::kConnection, make_publish_item(record_, keys()).body}));
  wire::Item item = make_connection_item(connection_, keys());
  item.kind = ItemKind::kPublish;
  // Its layout would do for a publish item; only the label in the signature tells them apart.
  ASSERT_TRUE(read_publish_item(item.body));
  EXPECT_EQ(verify_item(item).error().code, ErrorCode::kBadSignature);
}

TEST_F(PublishItem, RefusesALayoutOutOfBoundsByName) {
  const Bytes body = make_publish_item(record_, keys()).body;
  const auto message = [](const Bytes& bytes) { return read_publish_item(bytes).error().message; };
  EXPECT_EQ(message(Bytes(kItemLayoutBytes - 1)), "item.body: found 112, expected at least 113 bytes");
  Bytes spoilt = body;
  spoilt[kItemLayoutBytes - 1] = kSaltBytesMax + 1;
  EXPECT_EQ(message(spoilt), "publish_item.salt: found 65, expected at most 64 bytes, within the body");
  spoilt[kItemLayoutBytes - 1] = 8;  // one more than the body has
  EXPECT_EQ(message(spoilt), "publish_item.salt: found 8, expected at most 64 bytes, within the body");
  spoilt = body;
  spoilt[64 + 32 + 8] = 0x80;
  EXPECT_EQ(message(spoilt), "item.expires: found 9223373836854775808, expected less than 2^43");
}

TEST_F(ConnectionItem, ComesBackAsItWasMade) {
  const wire::Item item = make_connection_item(connection_, keys());
  const Result<ConnectionRecord> read = read_connection_item(item.body);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->host, keys().public_key());
  EXPECT_EQ(read->sequence, connection_.sequence);
  EXPECT_EQ(read->expires, connection_.expires);
  EXPECT_EQ(read->endpoints, connection_.endpoints);

  const Result<ItemHeader> header = verify_item(item);
  ASSERT_TRUE(header) << header.error().message;
  EXPECT_EQ(header->name, (ItemName{keys().public_key(), ItemKind::kConnection, {}}));
  EXPECT_EQ(header->sequence, connection_.sequence);
  EXPECT_EQ(header->expires, connection_.expires);
}

TEST_F(ConnectionItem, EveryFlippedBitIsNoticed) {
  const wire::Item item = make_connection_item(connection_, keys());
  for (std::size_t i = 0; i < item.body.size(); ++i) {
    wire::Item flipped = item;
    flipped.body[i] = static_cast<std::uint8_t>(flipped.body[i] ^ 1u << (i % 8));
    EXPECT_FALSE(verify_item(flipped)) << "byte " << i;
  }
}

TEST_F(ConnectionItem, RefusesALayoutOutOfBoundsByName) {
  const Bytes body = make_connection_item(connection_, keys()).body;
  const auto message = [](const Bytes& bytes) { return read_connection_item(bytes).error().message; };
  Bytes spoilt = body;
  spoilt[kItemLayoutBytes - 1] = 0;
  EXPECT_EQ(message(spoilt), "connection_item.count: found 0, expected 1 to 8 endpoints");
  spoilt[kItemLayoutBytes - 1] = 9;
  EXPECT_EQ(message(spoilt), "connection_item.count: found 9, expected 1 to 8 endpoints");
  spoilt[kItemLayoutBytes - 1] = 3;
  EXPECT_EQ(message(spoilt), "connection_item.endpoints: found 36, expected 18 bytes for each endpoint");
  spoilt = body;
  spoilt.push_back(0);
  EXPECT_EQ(message(spoilt), "connection_item.endpoints: found 37, expected 18 bytes for each endpoint");
  spoilt = body;
  spoilt[spoilt.size() - 1] = spoilt[spoilt.size() - 2] = 0;
  EXPECT_EQ(message(spoilt), "connection_item.endpoints: found 192.0.2.2:0, expected a unicast endpoint");
}

TEST_F(Items, OfAnUnknownKindAreRefused) {
  EXPECT_EQ(verify_item({static_cast<ItemKind>(4), {}}).error().message,
            "item.kind: found 4, expected 1, 2 or 3");
}

TEST_F(Items, AreRefusedWhenDamaged) {
  Rng rng = Rng::keyed(1, "items", "damage");
  const wire::Item items[] = {make_publish_item(record_, keys()), make_connection_item(connection_, keys())};
  for (int i = 0; i < 3000; ++i) {
    const wire::Item& whole = items[i % 2];
    const wire::Item hurt{whole.kind, wire::damaged(whole.body, rng)};
    ASSERT_EQ(verify_item(hurt).has_value(), hurt.body == whole.body) << to_hex(hurt.body);
  }
}

}  // namespace
}  // namespace shoal
