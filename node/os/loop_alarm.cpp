#include "node/os/loop_alarm.h"

namespace shoal {

LoopAlarm::LoopAlarm(EventLoop& loop, HostLink& link) : link_(link), timer_(new uv_timer_t) {
  uv_timer_init(loop.uv(), timer_.get());
  timer_->data = this;
}

void LoopAlarm::wake_at(Instant when) {
  if (link_.events == nullptr || when >= armed_) return;
  armed_ = when;
  start_timer_at(timer_.get(), when, [](uv_timer_t* timer) { static_cast<LoopAlarm*>(timer->data)->fire(); });
}

void LoopAlarm::stop() {
  armed_ = kNever;
  uv_timer_stop(timer_.get());
}

void LoopAlarm::fire() {
  armed_ = kNever;
  link_.turn_wanted = true;
  link_.events->on_alarm();
}

}  // namespace shoal
