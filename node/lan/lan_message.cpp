#include "node/lan/lan_message.h"

#include <algorithm>

#include "node/base/big_endian.h"
#include "node/base/check.h"
#include "node/ports/datagrams.h"

namespace shoal {
namespace {

constexpr std::string_view kLabel = "shoal lan 1";
constexpr std::size_t kSignedAt = 1;
constexpr std::size_t kBootAt = kIdBytes;
constexpr std::size_t kCounterAt = kBootAt + 8;
constexpr std::size_t kTimeAt = kCounterAt + 8;
constexpr std::size_t kPortAt = kTimeAt + 8;
constexpr std::size_t kTagCountAt = kPortAt + 2;
constexpr std::size_t kTagsAt = kTagCountAt + 1;
constexpr std::size_t kLeastBytes = kSignedAt + kTagsAt + wire::kSignatureBytes;
// As items' expiries: what nanoseconds hold.
constexpr std::uint64_t kTimeMsMax = wire::kExpiresMsMax;

static_assert(kLeastBytes + kLanTagsMax * kLanTagBytes <= kDatagramBytesMax);

bool is_tag_count(std::size_t count) {
  return std::ranges::find(kLanTagCounts, count) != kLanTagCounts.end();
}

ByteView signed_part(ByteView datagram) {
  return datagram.subspan(kSignedAt, datagram.size() - kSignedAt - wire::kSignatureBytes);
}

}  // namespace

Bytes write_lan_message(const LanMessage& message, const KeyPair& keys) {
  check(message.host == keys.public_key() && is_tag_count(message.tags.size()));
  Bytes datagram = {wire::kProtocolVersion};
  datagram.reserve(kLeastBytes + message.tags.size() * kLanTagBytes);
  datagram.insert(datagram.end(), message.host.bytes.begin(), message.host.bytes.end());
  append_u64(message.boot_number, datagram);
  append_u64(message.counter, datagram);
  append_u64(static_cast<std::uint64_t>(message.time.time_since_epoch().count()), datagram);
  datagram.push_back(static_cast<std::uint8_t>(message.port >> 8));
  datagram.push_back(static_cast<std::uint8_t>(message.port));
  datagram.push_back(static_cast<std::uint8_t>(message.tags.size()));
  for (const LanTag& tag : message.tags) datagram.insert(datagram.end(), tag.begin(), tag.end());
  const wire::Signature signature = keys.sign(kLabel, ByteView(datagram).subspan(kSignedAt));
  datagram.insert(datagram.end(), signature.begin(), signature.end());
  return datagram;
}

Result<LanMessage> read_lan_message(ByteView datagram) {
  const auto malformed = [](const char* what) { return fail(ErrorCode::kMalformed, what); };
  if (datagram.size() < kLeastBytes) return malformed("shorter than any LAN message");
  if (datagram[0] != wire::kProtocolVersion) return malformed("of another version");
  const ByteView bytes = signed_part(datagram);
  LanMessage message;
  message.host = Id::from_bytes(bytes.first(kIdBytes));
  message.boot_number = read_u64(bytes.subspan(kBootAt, 8));
  message.counter = read_u64(bytes.subspan(kCounterAt, 8));
  const std::uint64_t time_ms = read_u64(bytes.subspan(kTimeAt, 8));
  if (time_ms > kTimeMsMax) return malformed("a time beyond the year 2248");
  message.time = WallTime(std::chrono::milliseconds(time_ms));
  message.port = static_cast<std::uint16_t>(bytes[kPortAt] << 8 | bytes[kPortAt + 1]);
  if (message.port == 0) return malformed("port 0");
  const std::size_t tags = bytes[kTagCountAt];
  if (!is_tag_count(tags) || bytes.size() != kTagsAt + tags * kLanTagBytes) {
    return malformed("the tags are not as many as they may be, or as there is room for");
  }
  message.tags.resize(tags);
  for (std::size_t i = 0; i < tags; ++i) {
    std::ranges::copy(bytes.subspan(kTagsAt + i * kLanTagBytes, kLanTagBytes), message.tags[i].begin());
  }
  return message;
}

bool is_signed_by_host(ByteView datagram, const LanMessage& message) {
  wire::Signature signature;
  std::ranges::copy(datagram.last(wire::kSignatureBytes), signature.begin());
  return verify(message.host, kLabel, signed_part(datagram), signature);
}

}  // namespace shoal
