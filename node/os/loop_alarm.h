// LoopAlarm: the Alarm port on one libuv timer, to the millisecond; never early.
#pragma once

#include "node/os/event_loop.h"
#include "node/os/host_link.h"
#include "node/ports/alarm.h"

namespace shoal {

class LoopAlarm final : public Alarm {
 public:
  LoopAlarm(EventLoop& loop, HostLink& link);
  void wake_at(Instant when) override;
  // Forgets what was asked for.
  void stop();

 private:
  void fire();

  HostLink& link_;
  UvHandle<uv_timer_t> timer_;
  Instant armed_ = kNever;
};

}  // namespace shoal
