// Id: a point of the 256-bit identifier space with the XOR metric (Kademlia, Maymounkov and Mazières 2002,
// §2.1). A host's id is its Ed25519 public key; an item's is a SHA-256. Most significant byte first.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "node/base/bytes.h"

namespace shoal {

inline constexpr std::size_t kIdBytes = 32;
inline constexpr int kIdBits = 256;

struct Id {
  std::array<std::uint8_t, kIdBytes> bytes{};

  // By words: tables compare ids all the time, and a call of memcmp costs more than the comparison.
  friend bool operator==(const Id& a, const Id& b) {
    std::uint64_t differing = 0;
    for (std::size_t i = 0; i < 4; ++i) differing |= a.word(i) ^ b.word(i);
    return differing == 0;
  }
  friend std::strong_ordering operator<=>(const Id& a, const Id& b) {
    for (std::size_t i = 0; i < 4; ++i) {
      if (a.word(i) != b.word(i)) return a.word(i) <=> b.word(i);
    }
    return std::strong_ordering::equal;
  }
  ByteView view() const { return bytes; }

  // 64 hexadecimal digits, or nothing.
  static std::optional<Id> from_hex(std::string_view hex);
  // Precondition: bytes.size() == kIdBytes.
  static Id from_bytes(ByteView bytes);
  std::string hex() const { return to_hex(bytes); }
  // The first 8 digits, for a person's eye only.
  std::string short_hex() const { return to_hex(ByteView(bytes).first(4)); }

  // Big-endian 64-bit word i of 4; word 0 is the most significant.
  std::uint64_t word(std::size_t i) const {
    std::uint64_t value;
    std::memcpy(&value, bytes.data() + 8 * i, 8);
    return __builtin_bswap64(value);
  }
};

// XOR distance.
inline Id distance(const Id& a, const Id& b) {
  Id d;
  for (std::size_t i = 0; i < kIdBytes; ++i) d.bytes[i] = static_cast<std::uint8_t>(a.bytes[i] ^ b.bytes[i]);
  return d;
}

// Is `a` strictly nearer to `target` than `b`?
inline bool closer(const Id& target, const Id& a, const Id& b) {
  for (std::size_t i = 0; i < 4; ++i) {
    const std::uint64_t t = target.word(i);
    const std::uint64_t da = a.word(i) ^ t;
    const std::uint64_t db = b.word(i) ^ t;
    if (da != db) return da < db;
  }
  return false;
}

// i such that the distance lies in [2^i, 2^(i+1)), 0 to 255; -1 when a equals b.
inline int bucket_index(const Id& a, const Id& b) {
  for (std::size_t i = 0; i < 4; ++i) {
    const std::uint64_t d = a.word(i) ^ b.word(i);
    if (d != 0) return kIdBits - 1 - static_cast<int>(i) * 64 - std::countl_zero(d);
  }
  return -1;
}

}  // namespace shoal

// Ids that others choose must not be able to make a table collide: this hash is for tables keyed by ids of
// our own or of hosts and items already bounded in number.
template <>
struct std::hash<shoal::Id> {
  std::size_t operator()(const shoal::Id& id) const noexcept {
    return id.word(0) ^ id.word(1) * 0x9e3779b97f4a7c15u ^ id.word(2) ^ id.word(3);
  }
};
