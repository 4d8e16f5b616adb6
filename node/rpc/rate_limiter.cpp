#include "node/rpc/rate_limiter.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace shoal {

bool RateLimiter::allow(Instant now) {
  level_ = std::min(per_second_, level_ + to_seconds(now - last_) * per_second_);
  last_ = now;
  if (level_ < 1) return false;
  level_ -= 1;
  return true;
}

SourceLimiter::SourceLimiter(std::size_t per_second, Rng& rng)
    : per_second_(static_cast<float>(per_second)), secret_(rng.next()) {}

bool SourceLimiter::allow(const Endpoint& from, Instant now) {
  std::array<std::uint8_t, 18> source{};
  std::memcpy(source.data(), from.address.data(), from.address.size());
  if (from.is_local()) std::memcpy(source.data() + 16, &from.port, 2);
  return draw(strangers_, source, now);
}

bool SourceLimiter::allow_host(const Id& key, Instant now) {
  return draw(hosts_, key.view(), now);
}

bool SourceLimiter::draw(Buckets& buckets, ByteView source, Instant now) {
  const auto now_ms = static_cast<std::uint32_t>(now.time_since_epoch() / 1ms);
  if (buckets.empty()) buckets.assign(kBuckets, Bucket{per_second_, now_ms});
  std::array<std::uint8_t, crypto_shorthash_KEYBYTES> key{};
  std::memcpy(key.data(), &secret_, sizeof secret_);
  std::array<std::uint8_t, crypto_shorthash_BYTES> hash;
  crypto_shorthash(hash.data(), source.data(), source.size(), key.data());
  Bucket& bucket = buckets[hash[0] % kBuckets];
  const float elapsed_s = static_cast<float>(now_ms - bucket.last_ms) / 1000.0f;
  bucket.level = std::min(per_second_, bucket.level + elapsed_s * per_second_);
  bucket.last_ms = now_ms;
  if (bucket.level < 1) return false;
  bucket.level -= 1;
  return true;
}

}  // namespace shoal
