// The events that groups of a workload broadcast: bytes that say which they are.
#pragma once

#include <optional>

#include "node/base/bytes.h"
#include "sim/group_record.h"

namespace shoal::sim {

inline constexpr std::size_t kGroupEventBytes = 64;

// "shoal event", group and number, big-endian, and as many zeros as there is room.
Bytes group_event(GroupEventId id);
// Nothing: not such an event.
std::optional<GroupEventId> group_event_id(ByteView event);

}  // namespace shoal::sim
