// Secret: 32 bytes that are wiped from memory when they go, and the two functions that keys are made by.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "node/base/bytes.h"

namespace shoal {

class Secret {
 public:
  using Array = std::array<std::uint8_t, 32>;

  Secret() = default;
  explicit Secret(const Array& bytes) : bytes_(bytes) {}
  // Of the first 32 bytes. Precondition: so many are there.
  static Secret from_bytes(ByteView bytes);
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  ~Secret();

  const Array& bytes() const { return bytes_; }
  ByteView view() const { return bytes_; }
  // In constant time.
  friend bool operator==(const Secret& a, const Secret& b);

 private:
  Array bytes_{};
};

// KDF(key, label ‖ data) of the design: BLAKE2b-256 under `key` of "shoal kdf 1" | 0 | label | 0 | data. A
// label is a constant of the program without a zero byte.
Secret derive(const Secret& key, std::string_view label, ByteView data = {});

// MAC(key, parts) of the design: BLAKE2b-256 under `key` of the parts one after the other, each of fixed
// length.
Secret::Array mac(const Secret& key, std::initializer_list<ByteView> parts);

}  // namespace shoal
