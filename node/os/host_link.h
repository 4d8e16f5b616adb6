// HostLink: what the ports of one OsHost share. Between two turns ports tell `events` what happened; a turn
// then lets the node work and flushes what it sent (os_host.cpp).
#pragma once

#include "node/ports/events.h"

namespace shoal {

struct HostLink {
  PortEvents* events = nullptr;  // null while no node is attached: ports do nothing
  bool turn_wanted = false;      // an event was delivered or deferred, or there is something to flush
};

}  // namespace shoal
