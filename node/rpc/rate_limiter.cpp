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

bool SourceLimiter::allow(const Endpoint& source, Instant now) {
  const auto now_ms = static_cast<std::uint32_t>(now.time_since_epoch() / 1ms);
  if (buckets_.empty()) buckets_.assign(kBuckets, Bucket{per_second_, now_ms});
  std::array<std::uint8_t, 18> input{};
  std::memcpy(input.data(), source.address.data(), source.address.size());
  if (source.is_local()) std::memcpy(input.data() + 16, &source.port, 2);
  std::array<std::uint8_t, crypto_shorthash_KEYBYTES> key{};
  std::memcpy(key.data(), &secret_, sizeof secret_);
  std::array<std::uint8_t, crypto_shorthash_BYTES> hash;
  crypto_shorthash(hash.data(), input.data(), input.size(), key.data());
  Bucket& bucket = buckets_[hash[0] % kBuckets];
  const float elapsed_s = static_cast<float>(now_ms - bucket.last_ms) / 1000.0f;
  bucket.level = std::min(per_second_, bucket.level + elapsed_s * per_second_);
  bucket.last_ms = now_ms;
  if (bucket.level < 1) return false;
  bucket.level -= 1;
  return true;
}

}  // namespace shoal
