#include "node/rpc/rate_limiter.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace shoal {
namespace {

// After more was sent than any one host takes.
constexpr Duration kCountsHosts = std::chrono::seconds(5);
// Keys of strangers of one network.
constexpr float kAdmissionsPerS = 4;
constexpr float kAdmissionsAtOnce = 32;

}  // namespace

bool RateLimiter::allow(Instant now) {
  level_ = std::min(depth_, level_ + to_seconds(now - last_) * per_second_);
  last_ = now;
  if (level_ < 1) return false;
  level_ -= 1;
  return true;
}

SharedBuckets::Bucket& SharedBuckets::fill(ByteView source, Instant now) {
  const auto now_ms = static_cast<std::uint32_t>(now.time_since_epoch() / 1ms);
  if (buckets_.empty()) buckets_.assign(kBuckets, Bucket{depth_, now_ms});
  std::array<std::uint8_t, crypto_shorthash_KEYBYTES> key{};
  std::memcpy(key.data(), &secret_, sizeof secret_);
  std::array<std::uint8_t, crypto_shorthash_BYTES> hash;
  crypto_shorthash(hash.data(), source.data(), source.size(), key.data());
  Bucket& bucket = buckets_[hash[0] % kBuckets];
  const float elapsed_s = static_cast<float>(now_ms - bucket.last_ms) / 1000.0f;
  bucket.level = std::min(depth_, bucket.level + elapsed_s * per_second_);
  bucket.last_ms = now_ms;
  return bucket;
}

bool SharedBuckets::draw(ByteView source, Instant now) {
  Bucket& bucket = fill(source, now);
  if (bucket.level < 1) return false;
  bucket.level -= 1;
  return true;
}

Duration SharedBuckets::owe(ByteView source, Instant now) {
  Bucket& bucket = fill(source, now);
  bucket.level -= 1;
  return std::max(Duration(), from_seconds(-bucket.level / per_second_));
}

SourceLimiter::SourceLimiter(std::size_t per_second, Rng& rng) : SourceLimiter(per_second, rng.next()) {}

SourceLimiter::SourceLimiter(std::size_t per_second, std::uint64_t secret)
    : strangers_(static_cast<float>(per_second), static_cast<float>(per_second), secret),
      hosts_(strangers_),
      admissions_(kAdmissionsPerS, kAdmissionsAtOnce, secret) {}

bool SourceLimiter::allow(const Endpoint& from, Instant now) {
  std::array<std::uint8_t, 18> source{};
  std::memcpy(source.data(), from.address.data(), from.address.size());
  if (from.is_local()) std::memcpy(source.data() + 16, &from.port, 2);
  return strangers_.draw(source, now);
}

bool SourceLimiter::allow_host(const Id& key, Instant now) {
  return hosts_.draw(key.view(), now);
}

bool SourceLimiter::admit(const Endpoint& from, Instant now) {
  std::array<std::uint8_t, sizeof(std::uint64_t)> voice{};
  const std::uint64_t number = voice_of(from);
  std::memcpy(voice.data(), &number, voice.size());
  return admissions_.draw(voice, now);
}

// A quarter at once, and three quarters a second: with what both buckets let pass at once, and what is sent
// again, less than a second's worth at any time.
SendPacer::SendPacer(std::size_t per_second, Rng& rng)
    : in_all_(per_second * 3 / 4, static_cast<double>(per_second) / 4),
      hosts_(static_cast<float>(per_second) * 3 / 4, static_cast<float>(per_second) / 4, rng.next()) {}

Duration SendPacer::wait(const Id& host, Instant now) {
  if (!in_all_.allow(now)) counts_until_ = now + kCountsHosts;
  return now < counts_until_ ? hosts_.owe(host.view(), now) : Duration();
}

}  // namespace shoal
