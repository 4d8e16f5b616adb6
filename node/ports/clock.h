// Clock: time as the host knows it.
#pragma once

#include "node/base/instant.h"

namespace shoal {

class Clock {
 public:
  virtual ~Clock() = default;
  // Never goes backwards, and stands still while an event is being handled only as far as the host likes.
  virtual Instant now() const = 0;
  // May jump either way.
  virtual WallTime wall_time() const = 0;
};

}  // namespace shoal
