// The kinds of jobs, as traces, counters and the simulator's CPU cost table name them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shoal {

enum class JobKind : std::uint8_t {
  kHandleDatagram,
  kHandleRequest,
  kHandleResponse,
  kSendRequest,
  kSendResponse,
  kStore,
  kGet,
  kConnect,
  kHandleStream,
  kHandleCommit,
  kHandleCommand,
  kBootstrap,
  kMaintainConnections,
  kHandleDeadlines,
};
inline constexpr std::size_t kJobKinds = 14;
const char* to_string(JobKind kind);  // "handle_datagram", …

}  // namespace shoal
