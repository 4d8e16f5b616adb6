#include "node/lan/lan_message.h"

#include <gtest/gtest.h>

#include "node/ports/datagrams.h"

namespace shoal {
namespace {

KeyPair some_keys(std::string_view name = "a") {
  return KeyPair::from_seed(Rng::keyed(1, name, "key").seed());
}

LanMessage some_message(const KeyPair& keys, std::size_t tags = 4) {
  LanMessage message{
      keys.public_key(), 7, 1234, WallTime(std::chrono::milliseconds(1'767'225'600'123)), 7465, {}};
  for (std::size_t i = 0; i < tags; ++i) message.tags.push_back(LanTag{static_cast<std::uint8_t>(i + 1)});
  return message;
}

TEST(LanMessage, ComesBackAsItWasWrittenWithEachNumberOfTags) {
  const KeyPair keys = some_keys();
  for (const std::size_t tags : kLanTagCounts) {
    const LanMessage message = some_message(keys, tags);
    const Bytes datagram = write_lan_message(message, keys);
    EXPECT_LE(datagram.size(), kDatagramBytesMax);
    const Result<LanMessage> read = read_lan_message(datagram);
    ASSERT_TRUE(read) << tags;
    EXPECT_EQ(read->host, message.host);
    EXPECT_EQ(read->boot_number, 7u);
    EXPECT_EQ(read->counter, 1234u);
    EXPECT_EQ(read->time, message.time);
    EXPECT_EQ(read->port, 7465);
    EXPECT_EQ(read->tags, message.tags);
    EXPECT_TRUE(is_signed_by_host(datagram, *read));
  }
}

// The layout as the header states it, byte by byte: hosts of other builds must read it.
TEST(LanMessage, HasTheLayoutThatIsDocumented) {
  const KeyPair keys = some_keys();
  const Bytes datagram = write_lan_message(some_message(keys), keys);
  ASSERT_EQ(datagram.size(), 1u + 32 + 8 + 8 + 8 + 2 + 1 + 4 * 16 + 64);
  EXPECT_EQ(datagram[0], wire::kProtocolVersion);
  EXPECT_EQ(Id::from_bytes(ByteView(datagram).subspan(1, 32)), keys.public_key());
  EXPECT_EQ(to_hex(ByteView(datagram).subspan(33, 27)),
            "0000000000000007"  // boot number
            "00000000000004d2"  // counter
            "0000019b76daa87b"  // ms
            "1d2904");          // port, number of tags
  EXPECT_EQ(datagram[60], 1);
  EXPECT_EQ(datagram[60 + 3 * 16], 4);
  wire::Signature signature;
  std::ranges::copy(ByteView(datagram).last(64), signature.begin());
  EXPECT_TRUE(verify(keys.public_key(), "shoal lan 1", ByteView(datagram).subspan(1, datagram.size() - 65),
                     signature));
}

TEST(LanMessage, NoFlippedBitPasses) {
  const KeyPair keys = some_keys();
  const Bytes datagram = write_lan_message(some_message(keys), keys);
  for (std::size_t bit = 0; bit < 8 * datagram.size(); ++bit) {
    Bytes forged = datagram;
    forged[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    const Result<LanMessage> read = read_lan_message(forged);
    EXPECT_FALSE(read && is_signed_by_host(forged, *read)) << bit;
  }
}

TEST(LanMessage, NoOtherLengthIsRead) {
  const KeyPair keys = some_keys();
  Bytes datagram = write_lan_message(some_message(keys, 64), keys);
  for (std::size_t size = 0; size < datagram.size(); ++size) {
    const Result<LanMessage> read = read_lan_message(ByteView(datagram).first(size));
    ASSERT_FALSE(read) << size;
    EXPECT_EQ(read.error().code, ErrorCode::kMalformed);
  }
  datagram.push_back(0);
  EXPECT_FALSE(read_lan_message(datagram));
}

TEST(LanMessage, NamesNobodyElseAsItsSender) {
  const KeyPair keys = some_keys();
  const KeyPair other = some_keys("b");
  Bytes datagram = write_lan_message(some_message(keys), keys);
  std::ranges::copy(other.public_key().bytes, datagram.begin() + 1);
  const Result<LanMessage> read = read_lan_message(datagram);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->host, other.public_key());
  EXPECT_FALSE(is_signed_by_host(datagram, *read));
}

TEST(LanMessage, RefusesPortZeroOtherVersionsAndTimesBeyondReckoning) {
  const KeyPair keys = some_keys();
  LanMessage message = some_message(keys);
  message.port = 0;
  EXPECT_FALSE(read_lan_message(write_lan_message(message, keys)));
  message = some_message(keys);
  Bytes later = write_lan_message(message, keys);
  later[0] = 2;
  EXPECT_FALSE(read_lan_message(later));
  message.time = WallTime(std::chrono::milliseconds(wire::kExpiresMsMax + 1));
  EXPECT_FALSE(read_lan_message(write_lan_message(message, keys)));
  message.time = WallTime(std::chrono::milliseconds(-1));  // a clock that stands before 1970
  EXPECT_FALSE(read_lan_message(write_lan_message(message, keys)));
}

}  // namespace
}  // namespace shoal
