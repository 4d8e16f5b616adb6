// Byte strings, and their hexadecimal form.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shoal {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
using MutableByteView = std::span<std::uint8_t>;

std::string to_hex(ByteView bytes);

// Fills `out` from exactly 2 * out.size() hexadecimal digits of either case; false if `hex` is anything else.
bool from_hex(std::string_view hex, MutableByteView out);
std::optional<Bytes> from_hex(std::string_view hex);

inline ByteView view(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace shoal
