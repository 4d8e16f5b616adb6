// MovedAddresses: hosts whose address is no longer the one that AddressPlan gives them, but that of another
// place of the plan. As cheap as nothing in a network where nobody has moved.
#pragma once

#include <map>
#include <optional>

#include "sim/host_index.h"

namespace shoal::sim {

class MovedAddresses {
 public:
  bool empty() const { return place_of_host_.empty(); }
  // The place of the plan whose address the host has: its own unless it has moved.
  HostIndex place_of(HostIndex host) const {
    const auto moved = place_of_host_.find(host);
    return moved == place_of_host_.end() ? host : moved->second;
  }
  // The host that has the address of this place. Nothing: the one there has moved away, or, beyond `hosts`,
  // nobody has come.
  std::optional<HostIndex> host_at(HostIndex place, std::size_t hosts) const {
    if (const auto moved = host_of_place_.find(place); moved != host_of_place_.end()) return moved->second;
    if (place >= hosts || place_of_host_.contains(place)) return std::nullopt;
    return place;
  }
  // Precondition: nobody has the address of `place`.
  void move(HostIndex host, HostIndex place) {
    host_of_place_.erase(place_of(host));
    host_of_place_[place] = host;
    place_of_host_[host] = place;
  }

 private:
  std::map<HostIndex, HostIndex> place_of_host_, host_of_place_;
};

}  // namespace shoal::sim
