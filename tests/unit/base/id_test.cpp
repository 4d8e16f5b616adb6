#include "node/base/id.h"

#include <gtest/gtest.h>

#include <random>

#include "node/base/rng.h"

namespace shoal {
namespace {

Id id_of_first_byte(std::uint8_t first) {
  Id id;
  id.bytes[0] = first;
  return id;
}

TEST(Id, BucketIndexIsTheHighestDifferingBit) {
  EXPECT_EQ(bucket_index(Id{}, Id{}), -1);
  EXPECT_EQ(bucket_index(Id{}, id_of_first_byte(0x80)), 255);
  EXPECT_EQ(bucket_index(Id{}, id_of_first_byte(0x01)), 248);
  Id last;
  last.bytes[31] = 1;
  EXPECT_EQ(bucket_index(Id{}, last), 0);
}

TEST(Id, CloserAgreesWithTheXorDistance) {
  Rng rng = Rng::keyed(1, "test", "ids");
  for (int i = 0; i < 1000; ++i) {
    const Id target = rng.id();
    const Id a = rng.id();
    const Id b = rng.id();
    EXPECT_EQ(closer(target, a, b), distance(target, a) < distance(target, b));
    EXPECT_FALSE(closer(target, a, a));
  }
}

TEST(Id, HexRoundTripsAndRefusesAnythingElse) {
  const Id id = Rng::keyed(2, "test", "ids").id();
  EXPECT_EQ(Id::from_hex(id.hex()), id);
  EXPECT_EQ(Id::from_hex(id.hex().substr(1)), std::nullopt);
  EXPECT_EQ(Id::from_hex(std::string(64, 'g')), std::nullopt);
}

TEST(Id, OrdersAsItsBytesDo) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 2'000; ++i) {
    Id a, b;
    // Equal up to some byte, so that each decides now and then.
    const std::size_t differs_from = random() % (kIdBytes + 1);
    for (std::size_t at = 0; at < kIdBytes; ++at) {
      a.bytes[at] = static_cast<std::uint8_t>(random());
      b.bytes[at] = at < differs_from ? a.bytes[at] : static_cast<std::uint8_t>(random());
    }
    EXPECT_EQ(a <=> b, a.bytes <=> b.bytes);
    EXPECT_EQ(a == b, a.bytes == b.bytes);
  }
}

}  // namespace
}  // namespace shoal
