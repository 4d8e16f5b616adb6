#include "node/secure/group_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "node/base/rng.h"
#include "node/secure/bech32m.h"

namespace shoal {
namespace {

using testing::HasSubstr;

GroupKey key_of(std::uint64_t seed) {
  return GroupKey::from_sync_key(Secret(Rng::keyed(seed, "group", "key").seed()));
}

TEST(GroupKey, AKeyStringBringsBackItsLevelAndAllBelow) {
  const GroupKey write = key_of(1);
  for (const KeyLevel level : {KeyLevel::kLocate, KeyLevel::kRead, KeyLevel::kWrite}) {
    const auto read_back = GroupKey::parse(write.to_string(level));
    ASSERT_TRUE(read_back) << read_back.error().message;
    EXPECT_EQ(read_back->level(), level);
    EXPECT_EQ(read_back->id(), write.id());
    EXPECT_EQ(read_back->write_public_key(), write.write_public_key());
    EXPECT_EQ(read_back->locate_key(), write.locate_key());
    EXPECT_EQ(read_back->to_string(KeyLevel::kLocate), write.to_string(KeyLevel::kLocate));
    if (level >= KeyLevel::kRead) {
      EXPECT_EQ(read_back->read_key(), write.read_key());
    }
  }
  EXPECT_EQ(write.write_key().public_key(), write.write_public_key());
}

TEST(GroupKey, KeysOfTheLadderDifferFromEachOtherAndFromThoseOfOthers) {
  const GroupKey one = key_of(1);
  const GroupKey two = key_of(2);
  EXPECT_FALSE(one.read_key() == one.locate_key());
  EXPECT_FALSE(one.locate_key() == two.locate_key());
  EXPECT_NE(one.id(), two.id());
  EXPECT_NE(one, two);
  EXPECT_EQ(one, key_of(1));
}

// Fixed for good: hosts of any version must find each other with one string.
TEST(GroupKey, TheStringAndTheLadderStayAsTheyAre) {
  Secret::Array bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  const GroupKey key = GroupKey::from_sync_key(Secret(bytes));
  EXPECT_EQ(key.to_string(KeyLevel::kWrite),
            "shoalw1qqqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0s34hv5a");
  EXPECT_EQ(key.id().hex(), "04b0c32f1c622a8e495f347409f86069584ffb1dbde4cbfceb6b3721bb364ffe");
  EXPECT_EQ(key.write_public_key().hex(), "6f39e75d1b322a5bf7f40bc94db47953b0a9c7dab6c4ce6b46ce97d56fff7e67");
}

TEST(GroupKey, IsReadInCapitalsAndWithWhiteSpaceAround) {
  std::string text = key_of(1).to_string(KeyLevel::kWrite);
  EXPECT_EQ(text.size(), 66u);
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  const auto key = GroupKey::parse(" \t" + text + "\n");
  ASSERT_TRUE(key);
  EXPECT_EQ(*key, key_of(1));
}

TEST(GroupKey, EveryMistypedCharacterAndEveryTranspositionIsFound) {
  const std::string text = key_of(1).to_string(KeyLevel::kWrite);
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const char c : std::string_view("qpzry9x8gf2tvdw0s3jn54khce6mua7l1")) {
      std::string wrong = text;
      wrong[i] = c;
      EXPECT_EQ(GroupKey::parse(wrong).has_value(), c == text[i]) << i << c;
    }
    std::string shorter = text;
    shorter.erase(i, 1);
    EXPECT_FALSE(GroupKey::parse(shorter)) << i;
    if (i > 0 && text[i] != text[i - 1]) {
      std::string swapped = text;
      std::swap(swapped[i], swapped[i - 1]);
      EXPECT_FALSE(GroupKey::parse(swapped)) << i;
    }
  }
}

TEST(GroupKey, SaysWhatIsWrongWithAStringButNotTheString) {
  const auto error_of = [](std::string_view text) {
    const auto key = GroupKey::parse(text);
    return key ? std::string("none") : key.error().message;
  };
  std::string text = key_of(1).to_string(KeyLevel::kWrite);
  EXPECT_THAT(error_of("  "), HasSubstr("it is empty"));
  EXPECT_THAT(error_of("hello"), HasSubstr("no prefix before a '1'"));
  EXPECT_THAT(error_of("shoalw1q"), HasSubstr("it is cut off"));
  EXPECT_THAT(error_of("shoalw1qqqqqqqqqb"), HasSubstr("character 17, 'b', is none of"));
  EXPECT_THAT(error_of("shoalw1QQQQQQQQ"), HasSubstr("capital and small letters are mixed"));
  EXPECT_THAT(error_of("shoalw1 qqqq"), HasSubstr("character 8 is no printable"));
  EXPECT_THAT(error_of(std::string(300, 'q')), HasSubstr("300 characters, at most 256"));
  EXPECT_THAT(error_of(bech32m::encode({"bc", 0, Bytes(32)})),
              HasSubstr("begins with 'bc1', expected shoalw1"));
  EXPECT_THAT(error_of(bech32m::encode({"shoalw", 1, Bytes(32)})), HasSubstr("version 1"));
  EXPECT_THAT(error_of(bech32m::encode({"shoalw", 0, Bytes(31)})), HasSubstr("31 bytes, expected 32"));
  EXPECT_THAT(error_of(bech32m::encode({"shoalr", 0, Bytes(32)})), HasSubstr("32 bytes, expected 64"));
  text[20] = text[20] == 'q' ? 'p' : 'q';
  EXPECT_THAT(error_of(text), HasSubstr("the checksum does not match: a character is mistyped or missing"));
  EXPECT_THAT(error_of(text), testing::Not(HasSubstr(text)));
}

// BIP 350, "Test vectors for Bech32m".
TEST(Bech32m, TakesTheValidAndRefusesTheInvalidStringsOfItsBip) {
  for (const char* valid : {"A1LQFN3A", "a1lqfn3a", "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
                            "split1checkupstagehandshakeupstreamerranterredcaperredlc445v"}) {
    const auto word = bech32m::decode(valid);
    // Words of no symbol, or whose bits make no whole bytes, are valid there and useless here: never the
    // checksum.
    if (!word) {
      EXPECT_THAT(word.error().message, testing::Not(HasSubstr("checksum"))) << valid;
    }
  }
  for (const char* invalid : {"\x20"
                              "1xj0phk",
                              "\x7f"
                              "1g6xzxy",
                              "qyrz8wqd2c9m", "1qyrz8wqd2c9m", "y1b0jsk6g", "lt1igcx5c0", "in1muywd",
                              "mm1crxm3i", "au1s5cgom", "M1VUXWEZ", "16plkw9", "1p2gdwpf"}) {
    EXPECT_FALSE(bech32m::decode(invalid)) << invalid;
  }
}

}  // namespace
}  // namespace shoal
