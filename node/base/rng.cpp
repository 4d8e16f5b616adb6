#include "node/base/rng.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>

#include "node/base/check.h"

namespace shoal {
namespace {

void absorb(crypto_generichash_state& state, ByteView part) {
  const std::uint64_t length = part.size();
  crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(&length), sizeof length);
  crypto_generichash_update(&state, part.data(), part.size());
}

}  // namespace

Rng Rng::keyed(std::uint64_t seed, std::string_view name, std::string_view purpose) {
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, 32);
  crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(&seed), sizeof seed);
  absorb(state, view(name));
  absorb(state, view(purpose));
  Seed key;
  crypto_generichash_final(&state, key.data(), key.size());
  return Rng(key);
}

Rng Rng::fork() {
  return Rng(seed());
}

void Rng::refill() {
  static constexpr std::array<std::uint8_t, crypto_stream_chacha20_NONCEBYTES> kNonce{};
  buffer_.fill(0);
  crypto_stream_chacha20_xor_ic(buffer_.data(), buffer_.data(), buffer_.size(), kNonce.data(), block_++,
                                key_.data());
  used_ = 0;
}

void Rng::fill(MutableByteView out) {
  std::size_t done = 0;
  while (done < out.size()) {
    if (used_ == buffer_.size()) refill();
    const std::size_t n = std::min(out.size() - done, buffer_.size() - used_);
    std::memcpy(out.data() + done, buffer_.data() + used_, n);
    used_ = static_cast<std::uint8_t>(used_ + n);
    done += n;
  }
}

std::uint64_t Rng::next() {
  std::uint64_t value;
  fill({reinterpret_cast<std::uint8_t*>(&value), sizeof value});
  return value;
}

std::uint64_t Rng::below(std::uint64_t bound) {
  check(bound > 0);
  const std::uint64_t reject_below = (0 - bound) % bound;  // 2^64 mod bound
  for (;;) {
    const std::uint64_t value = next();
    if (value >= reject_below) return value % bound;
  }
}

double Rng::unit() {
  return static_cast<double>(next() >> 11) * 0x1.0p-53;
}

Id Rng::id() {
  Id id;
  fill(id.bytes);
  return id;
}

Rng::Seed Rng::seed() {
  Seed seed;
  fill(seed);
  return seed;
}

Duration Rng::jittered(Duration d, double share) {
  const double factor = 1.0 - share + 2.0 * share * unit();
  return Duration(static_cast<Duration::rep>(static_cast<double>(d.count()) * factor));
}

}  // namespace shoal
