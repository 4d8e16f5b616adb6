#include "node/lan/lan_groups.h"

#include <algorithm>

#include "node/base/big_endian.h"

namespace shoal {

Secret lan_day_key(const LanGroup& group, UtcDay day) {
  Bytes what;
  append_u32(day, what);
  return derive(group.locate_key, "lan", what);
}

LanTag lan_tag(const Secret& day_key, const Id& host) {
  const Secret::Array whole = mac(day_key, {host.view()});
  LanTag tag;
  std::copy_n(whole.begin(), tag.size(), tag.begin());
  return tag;
}

LanTag LanTagList::padding(UtcDay day, std::size_t index) const {
  Bytes what;
  append_u32(day, what);
  append_u64(index, what);
  const Secret::Array whole = derive(secret_, "lan padding", what).bytes();
  LanTag tag;
  std::copy_n(whole.begin(), tag.size(), tag.begin());
  return tag;
}

std::vector<LanTag> LanTagList::make(std::span<const LanGroup> groups, const Id& self, WallTime now,
                                     std::uint64_t turn) const {
  const std::size_t shown = std::min(groups.size(), kGroupsMax);
  const std::size_t first = shown == 0 ? 0 : static_cast<std::size_t>(turn % groups.size()) * shown;
  const std::size_t room = *std::ranges::lower_bound(kLanTagCounts, shown);
  std::vector<LanTag> tags;
  for (const UtcDay day : utc_days_at(now)) {
    for (std::size_t i = 0; i < shown; ++i) {
      tags.push_back(lan_tag(lan_day_key(groups[(first + i) % groups.size()], day), self));
    }
    for (std::size_t i = shown; i < room; ++i) tags.push_back(padding(day, i));
  }
  std::ranges::sort(tags);
  return tags;
}

}  // namespace shoal
