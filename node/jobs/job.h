// Job: one step of a node's work, run to completion by the central job queue.
#pragma once

#include <cstdint>
#include <memory>
#include <variant>

#include "node/base/bytes.h"
#include "node/base/endpoint.h"
#include "node/base/guid.h"
#include "node/base/id.h"
#include "node/base/instant.h"
#include "node/base/result.h"
#include "node/control/command.h"
#include "node/jobs/deadline.h"
#include "node/jobs/job_kind.h"
#include "node/ports/folder.h"
#include "node/ports/item_store.h"
#include "node/ports/streams.h"
#include "node/ports/work_pool.h"
#include "node/wire/messages.h"

namespace shoal {

// Who sent a message, and how an answer gets back.
struct Origin {
  Id key;
  Endpoint endpoint;
  Guid connection;                   // empty: it came as a datagram
  std::uint32_t stream = 0;          // of the session
  std::uint32_t received_bytes = 0;  // sealed size, for the amplification limit
  bool validated = false;  // of a request: what is sent to the endpoint reaches the sender (RFC 9000 §8.1)
};

struct HandleDatagram {
  Endpoint from;
  Bytes datagram;
  bool multicast = false;  // sent to a group
};
struct HandleRequest {
  Origin origin;
  wire::Request request;
};
struct HandleResponse {
  Origin origin;
  wire::Response response;
};
struct HandleStream {
  enum class Event : std::uint8_t { kOpened, kReadable, kWritable, kClosed, kReset };
  StreamId stream;
  Event event = Event::kOpened;
  bool inbound = false;
  Endpoint peer;
};
struct HandleCommit {
  CommitId commit;
  Result<void> outcome;
};
struct HandleCommand {
  CommandId id;
  std::unique_ptr<Command> command;
};
struct HandleInterfaces {
  std::vector<Endpoint> own;
};
struct HandleGroups {
  std::vector<GroupKey> keys;
};
struct HandleFolderEvent {
  FolderEvent event;
};
struct HandleWork {
  std::unique_ptr<Work> work;
};
// Everything in the agenda that is due.
struct HandleDeadlines {};
// A renewal of one of the items we hold.
struct Store {
  ItemName name;
};
struct Bootstrap {};
struct MaintainConnections {
  DeadlineKind what = DeadlineKind::kCheckContacts;
};

using Job = std::variant<HandleDatagram, HandleRequest, HandleResponse, HandleStream, HandleCommit,
                         HandleCommand, HandleInterfaces, HandleDeadlines, Store, Bootstrap,
                         MaintainConnections, HandleGroups, HandleFolderEvent, HandleWork>;

inline JobKind kind_of(const Job& job) {
  return static_cast<JobKind>(job.index());
}

}  // namespace shoal
