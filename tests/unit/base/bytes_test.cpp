// Hexadecimal and big-endian forms of bytes.
#include "node/base/bytes.h"

#include <gtest/gtest.h>

#include "node/base/big_endian.h"

namespace shoal {
namespace {

TEST(Hex, EveryByteComesBack) {
  Bytes all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<std::uint8_t>(i));
  const std::string hex = to_hex(all);
  EXPECT_EQ(hex.size(), 512u);
  EXPECT_EQ(hex.substr(0, 4), "0001");
  EXPECT_EQ(hex.substr(508), "feff");
  EXPECT_EQ(from_hex(hex), all);
}

TEST(Hex, TakesEitherCase) {
  EXPECT_EQ(from_hex("aBCdeF"), (Bytes{0xab, 0xcd, 0xef}));
}

TEST(Hex, RefusesOddLengthsAndOtherDigits) {
  for (const char* text : {"a", "abc", "0g", "g0", "0x", " 0", "0 ", "--", "+1"}) {
    EXPECT_EQ(from_hex(text), std::nullopt) << text;
  }
  EXPECT_EQ(from_hex(""), Bytes{});
}

TEST(Hex, FillsAnArrayOfExactlyItsLength) {
  std::array<std::uint8_t, 2> out{};
  EXPECT_FALSE(from_hex("01", out));
  EXPECT_FALSE(from_hex("010203", out));
  EXPECT_TRUE(from_hex("0102", out));
  EXPECT_EQ(out[1], 2);
}

TEST(Bytes, AndTextAreViewsOfEachOther) {
  EXPECT_EQ(to_hex(view("az")), "617a");
  EXPECT_EQ(text(Bytes{'a', 'z'}), "az");
}

TEST(BigEndian, MostSignificantByteFirst) {
  Bytes bytes = {0xff};
  append_u64(0x0102030405060708, bytes);
  EXPECT_EQ(to_hex(bytes), "ff0102030405060708");
  EXPECT_EQ(read_u64(ByteView(bytes).subspan(1)), 0x0102030405060708u);
}

TEST(BigEndianDeathTest, ReadingFewerThanEightBytesIsABug) {
  EXPECT_DEATH(read_u64(Bytes(7)), "check failed");
}

}  // namespace
}  // namespace shoal
