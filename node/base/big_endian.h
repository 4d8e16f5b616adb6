// Integers in network byte order, as the fixed layouts of what is signed or hashed have them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "node/base/bytes.h"
#include "node/base/check.h"

namespace shoal {

inline void append_u64(std::uint64_t value, Bytes& out) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

inline void append_u32(std::uint32_t value, Bytes& out) {
  const std::uint32_t swapped = __builtin_bswap32(value);
  out.resize(out.size() + 4);
  std::memcpy(out.data() + out.size() - 4, &swapped, 4);
}

// Of the first 4 bytes. Precondition: bytes.size() >= 4.
inline std::uint32_t read_u32(ByteView bytes) {
  check(bytes.size() >= 4);
  std::uint32_t value;
  std::memcpy(&value, bytes.data(), 4);
  return __builtin_bswap32(value);
}

// Of the first 8 bytes. Precondition: bytes.size() >= 8.
inline std::uint64_t read_u64(ByteView bytes) {
  check(bytes.size() >= 8);
  std::uint64_t value;
  std::memcpy(&value, bytes.data(), 8);
  return __builtin_bswap64(value);
}

}  // namespace shoal
