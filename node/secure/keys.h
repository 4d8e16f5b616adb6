// Host and item keys: Ed25519 (RFC 8032) for signatures, the same keys converted to X25519 (RFC 7748) for key
// agreement. Through libsodium.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "node/base/bytes.h"
#include "node/base/id.h"
#include "node/base/rng.h"
#include "node/wire/messages.h"

namespace shoal {

using SharedSecret = std::array<std::uint8_t, 32>;

// An Ed25519 key pair with its X25519 form. Wiped from memory when it goes.
class KeyPair {
 public:
  static KeyPair from_seed(const Rng::Seed& seed);  // about 15 us
  KeyPair(const KeyPair&) = default;
  KeyPair& operator=(const KeyPair&) = default;
  ~KeyPair();

  const Id& public_key() const { return public_key_; }
  const Rng::Seed& seed() const { return seed_; }
  const std::array<std::uint8_t, 32>& x25519_secret() const { return x25519_secret_; }
  // Computed anew, in about 30 us: few key pairs need it, and simulations make many.
  std::array<std::uint8_t, 32> x25519_public() const;

  // Signs label | message.
  wire::Signature sign(std::string_view label, ByteView message) const;

 private:
  KeyPair() = default;
  Rng::Seed seed_{};
  std::array<std::uint8_t, 64> ed25519_secret_{};
  std::array<std::uint8_t, 32> x25519_secret_{};
  Id public_key_;
};

bool verify(const Id& public_key, std::string_view label, ByteView message, const wire::Signature& signature);

// The X25519 form of an Ed25519 public key; nothing if it is not a point of the curve's main subgroup.
std::optional<std::array<std::uint8_t, 32>> to_x25519(const Id& public_key);

// X25519; nothing when the result is all zero.
std::optional<SharedSecret> x25519(const std::array<std::uint8_t, 32>& secret,
                                   const std::array<std::uint8_t, 32>& their_public);

// Hashes by the fastest provider of the machine (libcrypto for SHA-256 where it has the instructions).
Id sha256(ByteView bytes);
std::array<std::uint8_t, 32> blake2b_256(std::initializer_list<ByteView> parts, ByteView key = {});

// Call once before anything of secure/ or base/rng.h is used; ends the process if the library cannot start.
void init_crypto();

}  // namespace shoal
