// The events that groups of a workload broadcast: bytes that say which they are.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "node/base/bytes.h"

namespace shoal::sim {

// Names one event of the workload.
struct GroupEventId {
  std::uint32_t group = 0;
  std::uint32_t number = 0;  // within its group
  friend auto operator<=>(const GroupEventId&, const GroupEventId&) = default;
};

inline constexpr std::size_t kGroupEventBytes = 64;

// "shoal event", group and number, big-endian, and as many zeros as there is room.
Bytes group_event(GroupEventId id);
// Nothing: not such an event.
std::optional<GroupEventId> group_event_id(ByteView event);

}  // namespace shoal::sim
