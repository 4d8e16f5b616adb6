// MulticastGroups: which hosts of a LAN have joined which IPv4 group. Members are kept in the order of their
// indexes, so that a datagram reaches them in an order of no history.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "node/base/endpoint.h"
#include "sim/host_index.h"

namespace shoal::sim {

// An IPv4 address for groups (RFC 5771), in host order.
constexpr bool is_multicast(std::uint32_t v4_address) {
  return v4_address >> 28 == 0xe;
}

class MulticastGroups {
 public:
  struct Group {
    std::uint32_t lan = 0;
    std::uint32_t address = 0;
    std::uint16_t port = 0;
    friend auto operator<=>(const Group&, const Group&) = default;
  };

  // A member that joins again stays one.
  void join(const Group& group, HostIndex host);
  void leave(const Group& group, HostIndex host);
  // Of all groups.
  void leave(HostIndex host);
  std::span<const HostIndex> members(const Group& group) const;

 private:
  std::map<Group, std::vector<HostIndex>> members_;
};

}  // namespace shoal::sim
