#include "node/jobs/job_kind.h"

#include <variant>

#include "node/base/check.h"
#include "node/jobs/job.h"

namespace shoal {

static_assert(std::variant_size_v<Job> == kJobKinds);

const char* to_string(JobKind kind) {
  switch (kind) {
    case JobKind::kHandleDatagram:
      return "handle_datagram";
    case JobKind::kHandleRequest:
      return "handle_request";
    case JobKind::kHandleResponse:
      return "handle_response";
    case JobKind::kHandleStream:
      return "handle_stream";
    case JobKind::kHandleCommit:
      return "handle_commit";
    case JobKind::kHandleCommand:
      return "handle_command";
    case JobKind::kHandleInterfaces:
      return "handle_interfaces";
    case JobKind::kHandleDeadlines:
      return "handle_deadlines";
    case JobKind::kStore:
      return "store";
    case JobKind::kBootstrap:
      return "bootstrap";
    case JobKind::kMaintainConnections:
      return "maintain_connections";
    case JobKind::kHandleGroups:
      return "handle_groups";
    case JobKind::kHandleFolderEvent:
      return "handle_folder_event";
    case JobKind::kHandleWork:
      return "handle_work";
  }
  return "unknown";
}

}  // namespace shoal
