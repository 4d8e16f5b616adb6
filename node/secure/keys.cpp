#include "node/secure/keys.h"

#include <openssl/evp.h>
#include <sodium.h>

#include <algorithm>

#include "node/base/check.h"

namespace shoal {
namespace {

Bytes labelled(std::string_view label, ByteView message) {
  Bytes bytes;
  bytes.reserve(label.size() + message.size());
  bytes.insert(bytes.end(), label.begin(), label.end());
  bytes.insert(bytes.end(), message.begin(), message.end());
  return bytes;
}

// Looking an algorithm up by name costs more than hashing a small message, so it is done once.
const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return algorithm;
}

}  // namespace

KeyPair KeyPair::from_seed(const Rng::Seed& seed) {
  KeyPair pair;
  pair.seed_ = seed;
  crypto_sign_seed_keypair(pair.public_key_.bytes.data(), pair.ed25519_secret_.data(), seed.data());
  crypto_sign_ed25519_sk_to_curve25519(pair.x25519_secret_.data(), pair.ed25519_secret_.data());
  return pair;
}

// The same point as the conversion of the public key, which would also check what is true by construction.
std::array<std::uint8_t, 32> KeyPair::x25519_public() const {
  std::array<std::uint8_t, 32> point;
  crypto_scalarmult_base(point.data(), x25519_secret_.data());
  return point;
}

KeyPair::~KeyPair() {
  sodium_memzero(seed_.data(), seed_.size());
  sodium_memzero(ed25519_secret_.data(), ed25519_secret_.size());
  sodium_memzero(x25519_secret_.data(), x25519_secret_.size());
}

wire::Signature KeyPair::sign(std::string_view label, ByteView message) const {
  const Bytes bytes = labelled(label, message);
  wire::Signature signature;
  crypto_sign_detached(signature.data(), nullptr, bytes.data(), bytes.size(), ed25519_secret_.data());
  return signature;
}

bool verify(const Id& public_key, std::string_view label, ByteView message,
            const wire::Signature& signature) {
  const Bytes bytes = labelled(label, message);
  return crypto_sign_verify_detached(signature.data(), bytes.data(), bytes.size(), public_key.bytes.data()) ==
         0;
}

std::optional<std::array<std::uint8_t, 32>> to_x25519(const Id& public_key) {
  std::array<std::uint8_t, 32> converted;
  if (crypto_sign_ed25519_pk_to_curve25519(converted.data(), public_key.bytes.data()) != 0) {
    return std::nullopt;
  }
  return converted;
}

std::optional<SharedSecret> x25519(const std::array<std::uint8_t, 32>& secret,
                                   const std::array<std::uint8_t, 32>& their_public) {
  SharedSecret shared;
  if (crypto_scalarmult(shared.data(), secret.data(), their_public.data()) != 0) return std::nullopt;
  return shared;
}

Id sha256(ByteView bytes) {
  Id hash;
  const int done =
      EVP_Digest(bytes.data(), bytes.size(), hash.bytes.data(), nullptr, sha256_algorithm(), nullptr);
  check(done == 1, "SHA-256");
  return hash;
}

std::array<std::uint8_t, 32> blake2b_256(std::initializer_list<ByteView> parts, ByteView key) {
  check(key.size() <= crypto_generichash_KEYBYTES_MAX, "BLAKE2b takes a key of at most 64 bytes");
  crypto_generichash_state state;
  std::array<std::uint8_t, 32> hash;
  crypto_generichash_init(&state, key.data(), key.size(), hash.size());
  for (const ByteView part : parts) crypto_generichash_update(&state, part.data(), part.size());
  crypto_generichash_final(&state, hash.data(), hash.size());
  return hash;
}

void init_crypto() {
  check(sodium_init() >= 0, "libsodium did not start");
  check(sha256_algorithm() != nullptr, "libcrypto has no SHA-256");
}

}  // namespace shoal
