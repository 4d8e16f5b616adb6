#include "node/overlay/rendezvous.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <utility>

#include "node/base/big_endian.h"
#include "node/base/check.h"
#include "node/wire/packed.h"

namespace shoal {
namespace {

constexpr std::string_view kLabel = "shoal rendezvous 1";
constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kFlagClient = 1;
constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t kHeadBytes = 1 + 1 + 8 + kIdBytes + 1;

Bytes day_bytes(Rendezvous::Day day) {
  Bytes bytes;
  append_u32(day, bytes);
  return bytes;
}

tl::unexpected<Error> malformed(std::string what) {
  return fail(ErrorCode::kMalformed, "a rendezvous record " + std::move(what));
}

}  // namespace

Rendezvous::Rendezvous(const Secret& locate_key, Day day)
    : day_(day),
      signing_key_(KeyPair::from_seed(derive(locate_key, "disc-sign", day_bytes(day)).bytes())),
      slot_key_(derive(locate_key, "slot", day_bytes(day))),
      value_key_(derive(locate_key, "disc-value", day_bytes(day))) {}

Bytes Rendezvous::salt_of(const Id& host) const {
  const auto salt = mac(slot_key_, {host.view()});
  return {salt.begin(), salt.end()};
}

Bytes Rendezvous::associated(ByteView salt) const {
  Bytes out(signing_key_.public_key().bytes.begin(), signing_key_.public_key().bytes.end());
  out.insert(out.end(), salt.begin(), salt.end());
  return out;
}

Bytes Rendezvous::signed_part(ByteView text) const {
  Bytes out = day_bytes(day_);
  out.reserve(out.size() + text.size());
  out.insert(out.end(), text.begin(), text.end());
  return out;
}

Bytes Rendezvous::seal(const RendezvousRecord& record, const KeyPair& host, Rng& rng) const {
  check(record.endpoints.size() <= RendezvousRecord::kEndpointsMax && record.host == host.public_key());
  Bytes text = {kVersion, record.client ? kFlagClient : std::uint8_t{0}};
  append_u64(static_cast<std::uint64_t>(record.written.time_since_epoch().count()), text);
  text.insert(text.end(), record.host.bytes.begin(), record.host.bytes.end());
  text.push_back(static_cast<std::uint8_t>(record.endpoints.size()));
  for (const Endpoint& endpoint : record.endpoints) {
    wire::append_endpoint(endpoint, text);
  }
  const wire::Signature signature = host.sign(kLabel, signed_part(text));
  text.insert(text.end(), signature.begin(), signature.end());
  check(text.size() <= kTextBytes);
  text.resize(kTextBytes);

  Bytes value(kValueBytes);
  const MutableByteView nonce = MutableByteView(value).first(kNonceBytes);
  rng.fill(nonce);
  const Bytes ad = associated(salt_of(record.host));
  crypto_aead_xchacha20poly1305_ietf_encrypt(value.data() + kNonceBytes, nullptr, text.data(), text.size(),
                                             ad.data(), ad.size(), nullptr, nonce.data(),
                                             value_key_.bytes().data());
  return value;
}

Result<RendezvousRecord> Rendezvous::open(ByteView salt, ByteView value) const {
  if (value.size() != kValueBytes) {
    return malformed(fmt::format("of {} bytes, expected {}", value.size(), kValueBytes));
  }
  std::array<std::uint8_t, kTextBytes> plain;
  const Bytes ad = associated(salt);
  const ByteView box = value.subspan(kNonceBytes);
  static_assert(kValueBytes == kNonceBytes + kTextBytes + kTagBytes);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain.data(), nullptr, nullptr, box.data(), box.size(),
                                                 ad.data(), ad.size(), value.data(),
                                                 value_key_.bytes().data()) != 0) {
    return fail(ErrorCode::kBadSignature, "a rendezvous record that no key of the group sealed");
  }
  const ByteView text(plain);
  if (text[0] != kVersion) return malformed(fmt::format("of version {}, expected {}", text[0], kVersion));
  const std::size_t count = text[kHeadBytes - 1];
  if (count > RendezvousRecord::kEndpointsMax) return malformed(fmt::format("with {} endpoints", count));
  RendezvousRecord record;
  record.client = (text[1] & kFlagClient) != 0;
  const std::uint64_t written = read_u64(text.subspan(2));
  if (written >> 43 != 0) return malformed("from after the year 2248");
  record.written = WallTime(std::chrono::milliseconds(written));
  record.host = Id::from_bytes(text.subspan(10, kIdBytes));
  for (std::size_t i = 0; i < count; ++i) {
    record.endpoints.push_back(
        wire::read_endpoint(text.subspan(kHeadBytes + i * wire::kEndpointBytes, wire::kEndpointBytes)));
  }
  const std::size_t signed_bytes = kHeadBytes + count * wire::kEndpointBytes;
  wire::Signature signature;
  std::ranges::copy(text.subspan(signed_bytes, signature.size()), signature.begin());
  if (!verify(record.host, kLabel, signed_part(text.first(signed_bytes)), signature) ||
      !std::ranges::equal(salt_of(record.host), salt)) {
    return fail(ErrorCode::kBadSignature, "a rendezvous record that its host did not write");
  }
  return record;
}

}  // namespace shoal
