// The sizes of what MessageStreams send.
#pragma once

#include <algorithm>
#include <cstddef>

#include "node/base/instant.h"
#include "sim/stream_limits.h"

namespace shoal::sim {

// One event carries a burst of segments, each with its headers.
inline constexpr std::size_t kBurstSegments = 8;
inline constexpr std::size_t kBurstBytes = kBurstSegments * kSegmentBytes;
inline constexpr std::size_t kSegmentHeaderBytes = 52;  // IPv4, TCP, time stamps

inline constexpr Duration kGiveUpAfter = 120s;  // without a sign of the peer

constexpr std::size_t segments_of(std::size_t stream_bytes) {
  return std::max<std::size_t>(1, (stream_bytes + kSegmentBytes - 1) / kSegmentBytes);
}

constexpr std::size_t wire_bytes(std::size_t stream_bytes) {
  return stream_bytes + segments_of(stream_bytes) * kSegmentHeaderBytes;
}

}  // namespace shoal::sim
