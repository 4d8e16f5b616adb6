#include "node/dht/shutdown_notice.h"

#include "node/base/big_endian.h"

namespace shoal {
namespace {

constexpr std::string_view kLabel = "shoal shutdown 1";
constexpr std::size_t kSignedBytes = kIdBytes + 8 + 8;

}  // namespace

wire::ShutdownHost make_shutdown_notice(const KeyPair& keys, std::uint64_t boot_number, WallTime now) {
  wire::ShutdownHost message;
  const ByteView key = keys.public_key().view();
  message.signed_part.assign(key.begin(), key.end());
  append_u64(boot_number, message.signed_part);
  append_u64(static_cast<std::uint64_t>(now.time_since_epoch().count()), message.signed_part);
  message.signature = keys.sign(kLabel, message.signed_part);
  return message;
}

Result<ShutdownNotice> read_shutdown_notice(const wire::ShutdownHost& message, WallTime now) {
  const ByteView bytes = message.signed_part;
  if (bytes.size() != kSignedBytes) return fail(ErrorCode::kMalformed, "a shutdown notice has 48 bytes");
  ShutdownNotice notice;
  notice.host = Id::from_bytes(bytes.first(kIdBytes));
  notice.boot_number = read_u64(bytes.subspan(kIdBytes, 8));
  const std::uint64_t time_ms = read_u64(bytes.subspan(kIdBytes + 8, 8));
  const auto now_ms = static_cast<std::uint64_t>(now.time_since_epoch().count());
  const std::uint64_t apart_ms = time_ms > now_ms ? time_ms - now_ms : now_ms - time_ms;
  if (apart_ms > static_cast<std::uint64_t>(kNoticeAgeMax / 1ms)) {
    return fail(ErrorCode::kExpired, "the shutdown notice is not of now");
  }
  notice.time = WallTime(std::chrono::milliseconds(time_ms));
  if (!verify(notice.host, kLabel, bytes, message.signature)) {
    return fail(ErrorCode::kBadSignature, "the shutdown notice is not signed by its host");
  }
  return notice;
}

}  // namespace shoal
