#include "node/rpc/token_mint.h"

#include <sodium.h>

#include <cstring>

namespace shoal {
namespace {

std::uint64_t period_of(Instant now) {
  return static_cast<std::uint64_t>(now.time_since_epoch() / kTokenPeriod);
}

}  // namespace

wire::Token TokenMint::token_of(const Address& address, const Id& key, std::uint64_t period) const {
  std::array<std::uint8_t, sizeof(Address) + kIdBytes + sizeof period> input;
  std::memcpy(input.data(), address.data(), address.size());
  std::memcpy(input.data() + address.size(), key.bytes.data(), kIdBytes);
  std::memcpy(input.data() + address.size() + kIdBytes, &period, sizeof period);
  wire::Token token;
  static_assert(crypto_shorthash_siphashx24_BYTES == wire::kTokenBytes);
  static_assert(crypto_shorthash_siphashx24_KEYBYTES == sizeof secret_);
  crypto_shorthash_siphashx24(token.data(), input.data(), input.size(), secret_.data());
  return token;
}

wire::Token TokenMint::mint(const Address& address, const Id& key, Instant now) const {
  return token_of(address, key, period_of(now));
}

bool TokenMint::accepts(const wire::Token& token, const Address& address, const Id& key, Instant now) const {
  const std::uint64_t period = period_of(now);
  for (const std::uint64_t age : {std::uint64_t{0}, std::uint64_t{1}}) {
    const wire::Token expected = token_of(address, key, period - age);
    if (sodium_memcmp(token.data(), expected.data(), expected.size()) == 0) return true;
  }
  return false;
}

}  // namespace shoal
