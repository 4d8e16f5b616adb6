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

// Of the first 8 bytes. Precondition: bytes.size() >= 8.
inline std::uint64_t read_u64(ByteView bytes) {
  check(bytes.size() >= 8);
  std::uint64_t value;
  std::memcpy(&value, bytes.data(), 8);
  return __builtin_bswap64(value);
}

}  // namespace shoal
