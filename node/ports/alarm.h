// Alarm: the one timer of a node. All its deadlines live in the node's own Agenda.
#pragma once

#include "node/base/instant.h"

namespace shoal {

class Alarm {
 public:
  virtual ~Alarm() = default;
  // Asks for one PortEvents::on_alarm at `when`, or as soon as possible if it has passed. Only the earliest
  // instant asked for since the last on_alarm counts; a later one may be ignored. It is a hint: the alarm may
  // come early or late, never from inside this call. kNever asks for nothing.
  virtual void wake_at(Instant when) = 0;
};

}  // namespace shoal
