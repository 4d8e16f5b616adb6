#include "sim/group_event.h"

#include <algorithm>
#include <string_view>

namespace shoal::sim {
namespace {

constexpr std::string_view kLabel = "shoal event";

}  // namespace

Bytes group_event(GroupEventId id) {
  Bytes event(kLabel.begin(), kLabel.end());
  for (const std::uint32_t number : {id.group, id.number}) {
    for (int shift = 24; shift >= 0; shift -= 8) event.push_back(static_cast<std::uint8_t>(number >> shift));
  }
  event.resize(kGroupEventBytes);
  return event;
}

std::optional<GroupEventId> group_event_id(ByteView event) {
  if (event.size() != kGroupEventBytes) return std::nullopt;
  const auto u32 = [&](std::size_t at) {
    std::uint32_t number = 0;
    for (std::size_t i = at; i < at + 4; ++i) number = number << 8 | event[i];
    return number;
  };
  const GroupEventId id{u32(kLabel.size()), u32(kLabel.size() + 4)};
  const Bytes as_sent = group_event(id);
  return std::ranges::equal(event, as_sent) ? std::optional(id) : std::nullopt;
}

}  // namespace shoal::sim
