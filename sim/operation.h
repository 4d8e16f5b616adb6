// OperationId: names one lookup, put or get of a run from its start to its end; never used again.
#pragma once

#include <compare>
#include <cstdint>

namespace shoal::sim {

enum class OperationKind : std::uint8_t { kLookup, kPut, kGet };

struct OperationId {
  std::uint64_t value = 0;  // its number among those of its kind, from 1; 0 names nothing
  OperationKind kind = OperationKind::kLookup;

  friend auto operator<=>(const OperationId&, const OperationId&) = default;
  explicit operator bool() const { return value != 0; }
};

inline const char* to_string(OperationKind kind) {
  switch (kind) {
    case OperationKind::kLookup:
      return "lookup";
    case OperationKind::kPut:
      return "put";
    case OperationKind::kGet:
      return "get";
  }
  return "unknown";
}

}  // namespace shoal::sim
