// TokenMint: address tokens. A host that sends a token back has shown that it receives at the address the
// token was minted for (RFC 9000 §8.1). The mint keeps no state per host: a token is a keyed hash of the
// requester's address and key and of the period it was minted in; this period's and the last one's count.
#pragma once

#include <array>
#include <cstdint>

#include "node/base/endpoint.h"
#include "node/base/id.h"
#include "node/base/instant.h"
#include "node/base/rng.h"
#include "node/wire/messages.h"

namespace shoal {

// A token is good for at least this long, and for less than twice as long.
inline constexpr Duration kTokenPeriod = std::chrono::minutes(10);

class TokenMint {
 public:
  explicit TokenMint(Rng& rng) { rng.fill(secret_); }

  wire::Token mint(const Address& address, const Id& key, Instant now) const;
  bool accepts(const wire::Token& token, const Address& address, const Id& key, Instant now) const;

 private:
  wire::Token token_of(const Address& address, const Id& key, std::uint64_t period) const;

  std::array<std::uint8_t, 16> secret_;
};

}  // namespace shoal
