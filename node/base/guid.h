// Guid: names one piece of work in flight. A late reply or timer looks its guid up, finds nothing, and stops.
#pragma once

#include <compare>
#include <cstdint>

namespace shoal {

struct Guid {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;  // 0 names nothing

  friend auto operator<=>(const Guid&, const Guid&) = default;
  explicit operator bool() const { return generation != 0; }
  std::uint64_t value() const { return std::uint64_t{generation} << 32 | slot; }
};

}  // namespace shoal
