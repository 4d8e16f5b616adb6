// Deadline: what an entry of a node's agenda is for; the guid names the work, if it is one piece of many.
#pragma once

#include <cstdint>

#include "node/base/guid.h"

namespace shoal {

enum class DeadlineKind : std::uint8_t {
  kRequest,            // an out worker has waited long enough
  kConnection,         // handshake or idle time-out of a session
  kSessionsLost,       // requests of sessions that ended are over
  kBootstrap,          // a round of bootstrap ends, or the next begins
  kCheckContacts,      // ping contacts that were silent for long
  kJoin,               // try to join again
  kFindLost,           // ping one of the contacts that were lost
  kRefreshBuckets,     // look up ids in buckets nobody was seen in
  kRefreshNeighbours,  // look up our own id
  kRenewItems,         // renew or expire items we hold
  kFetchItem,          // another holder of an item is asked, or none any longer
  kTestReach,          // a test of our reachability is over, or due
  kPublishSelf,        // renew our connection item
  kGroups,             // publish, read or connect in one of our groups
  kSaveHosts,          // write the known hosts
  kLanPing,            // tell the LAN that we are there
  kLanAsk,             // ask a host that was heard on the LAN
  kSync,               // a folder has something to do
  kReplaceKey,         // the host key is old; or go on with replacing it
  kStop,               // do not wait any longer for answers to shutdown_host
};

struct Deadline {
  DeadlineKind kind;
  Guid guid;
};

}  // namespace shoal
