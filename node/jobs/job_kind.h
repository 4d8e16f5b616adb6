// The kinds of jobs, as traces, counters and the simulator's CPU cost table name them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shoal {

// In the order of the alternatives of Job (jobs/job.h).
enum class JobKind : std::uint8_t {
  kHandleDatagram,
  kHandleRequest,
  kHandleResponse,
  kHandleStream,
  kHandleCommit,
  kHandleCommand,
  kHandleInterfaces,
  kHandleDeadlines,
  kStore,
  kBootstrap,
  kMaintainConnections,
  kHandleGroups,
  kHandleFolderEvent,
  kHandleWork,
};
inline constexpr std::size_t kJobKinds = 14;
const char* to_string(JobKind kind);  // "handle_datagram", …

}  // namespace shoal
