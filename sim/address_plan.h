// AddressPlan: which IPv4 address the n-th simulated host has, and back. Pure arithmetic, so that finding the
// host of an address touches no memory.
//
// Hosts live at sites; a site is one /24. Three hosts fill two sites (two hosts, then one), so the diversity
// rules of a node see what they see in the Internet: few hosts of one network. Only /8 blocks without any
// special-purpose range (RFC 6890) or multicast are used.
//
// The hosts of LANs have private addresses instead: a LAN is a /16 of 10.0.0.0/8. Those of a network of
// routers have public ones, of which an edge router has a /12 with sites as above.
#pragma once

#include <cstdint>
#include <optional>

#include "sim/host_index.h"

namespace shoal::sim {

inline constexpr HostIndex kHostsMax = 16'000'000;
// The UDP and TCP port of every simulated host.
inline constexpr std::uint16_t kHostPort = 4000;

// Precondition of both: host < kHostsMax.
std::uint32_t site_of(HostIndex host);
std::uint32_t address_of(HostIndex host);

// The same for hosts dealt to `lans` networks in turn; lans is 1 to 256.
inline constexpr HostIndex kHostsPerLanMax = 60'000;
std::uint32_t lan_address_of(HostIndex host, std::uint32_t lans);
std::optional<HostIndex> lan_host_of(std::uint32_t address, std::uint32_t lans);

// The same for hosts dealt to `edges` edge routers in turn; edges is 1 to kEdgeRoutersMax
// (sim/network_spec.h).
inline constexpr HostIndex kHostsPerEdgeRouterMax = 6'144;
std::uint32_t edge_address_of(HostIndex host, std::uint32_t edges);
std::optional<HostIndex> edge_host_of(std::uint32_t address, std::uint32_t edges);
// The edge router whose prefix the address has, whether or not there are so many.
std::optional<std::uint32_t> edge_router_of(std::uint32_t address);

// The host that has this address when there are enough hosts.
std::optional<HostIndex> host_of(std::uint32_t address);

}  // namespace shoal::sim
