#include "sim/trace_hash.h"

#include <sodium.h>

#include <cstring>

namespace shoal::sim {

void TraceHash::add(Instant when, HostIndex host, JobKind kind, Guid guid, ByteView bytes) {
  static_assert(crypto_shorthash_siphashx24_KEYBYTES == 16 && crypto_shorthash_siphashx24_BYTES == 16 &&
                crypto_shorthash_KEYBYTES == 16 && crypto_shorthash_BYTES == 8);
  std::array<std::uint64_t, 5> step{};
  step[0] = static_cast<std::uint64_t>(when.time_since_epoch().count());
  step[1] = std::uint64_t{host} << 8 | static_cast<std::uint8_t>(kind);
  step[2] = guid.value();
  step[3] = bytes.size();
  crypto_shorthash(reinterpret_cast<unsigned char*>(&step[4]), bytes.data(), bytes.size(), state_.data());
  std::array<std::uint8_t, 16> next;
  crypto_shorthash_siphashx24(next.data(), reinterpret_cast<const unsigned char*>(step.data()), sizeof step,
                              state_.data());
  state_ = next;
  ++jobs_;
}

std::uint64_t TraceHash::value() const {
  std::uint64_t value;
  std::memcpy(&value, state_.data(), sizeof value);
  return value;
}

}  // namespace shoal::sim
