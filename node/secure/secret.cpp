#include "node/secure/secret.h"

#include <sodium.h>

#include <algorithm>

#include "node/base/check.h"
#include "node/secure/keys.h"

namespace shoal {

Secret::~Secret() {
  sodium_memzero(bytes_.data(), bytes_.size());
}

Secret Secret::from_bytes(ByteView bytes) {
  Secret secret;
  check(bytes.size() >= secret.bytes_.size());
  std::ranges::copy(bytes.first(secret.bytes_.size()), secret.bytes_.begin());
  return secret;
}

bool operator==(const Secret& a, const Secret& b) {
  return sodium_memcmp(a.bytes_.data(), b.bytes_.data(), a.bytes_.size()) == 0;
}

Secret derive(const Secret& key, std::string_view label, ByteView data) {
  constexpr std::uint8_t kEnd[] = {0};
  return Secret(blake2b_256({view("shoal kdf 1"), kEnd, view(label), kEnd, data}, key.view()));
}

Secret::Array mac(const Secret& key, std::initializer_list<ByteView> parts) {
  return blake2b_256(parts, key.view());
}

}  // namespace shoal
