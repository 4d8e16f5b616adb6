// LanGroup: how members of a group recognise each other on a LAN, and nobody else learns that there is a
// group. A host shows for each of its groups, on each UTC day, the tag
//
//   MAC(KDF(locate key, "lan" | day), host key)
//
// which nobody without the locate key can tell from chance, nor from the tag of another day or host. Around
// midnight (kUtcDayOverlap each way) the tags of both days are shown, for clocks differ.
//
// The list is padded to one of a few lengths, so it tells little of how many groups there are. Padding stays
// the same all day, as tags do, or listening twice would tell it from them; and the list is sorted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "node/base/contact.h"
#include "node/base/instant.h"
#include "node/base/utc_day.h"
#include "node/lan/lan_message.h"
#include "node/secure/secret.h"

namespace shoal {

struct LanGroup {
  Id id;  // GroupKey::id()
  Secret locate_key;
};

Secret lan_day_key(const LanGroup& group, UtcDay day);
LanTag lan_tag(const Secret& day_key, const Id& host);

class LanPeerListener {
 public:
  virtual ~LanPeerListener() = default;
  // This host has answered us from this endpoint, and has shown that it is of the group. Again when it does
  // so from another one, has been started anew, or our groups have changed.
  virtual void on_lan_peer(const Id& group, const Contact& contact) = 0;
  // Our own key, from this endpoint: unless that is ours, there may be a copy of this host.
  virtual void on_own_key_on_lan(const Contact& /*contact*/) {}
};

// The tags that one host shows.
class LanTagList {
 public:
  // Of one day. With more groups than that each message shows others, in turn.
  static constexpr std::size_t kGroupsMax = kLanTagsMax / 2;

  // `secret` is this run's own: padding is made from it.
  explicit LanTagList(const Secret& secret) : secret_(secret) {}
  // For the `turn`-th message.
  std::vector<LanTag> make(std::span<const LanGroup> groups, const Id& self, WallTime now,
                           std::uint64_t turn) const;

 private:
  LanTag padding(UtcDay day, std::size_t index) const;

  Secret secret_;
};

}  // namespace shoal
