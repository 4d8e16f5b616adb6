// What a simulated host's streams may take up, the same in both fidelities.
#pragma once

#include <cstddef>

namespace shoal::sim {

// Receive window and send buffer of one stream: enough for 13 Mbit/s at a round trip of 156 ms.
inline constexpr std::size_t kStreamWindowBytes = std::size_t{256} * 1024;
// Ethernet's 1,500 less IPv4 and TCP headers with time stamps.
inline constexpr std::size_t kSegmentBytes = 1448;
// Descriptors of one host.
inline constexpr std::size_t kStreamsPerHostMax = 4096;

}  // namespace shoal::sim
