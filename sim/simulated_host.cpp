#include "sim/simulated_host.h"

#include <algorithm>

namespace shoal::sim {

void SimulatedHost::detach_node() {
  node_ = nullptr;
  alarm_at_ = kNever;
  ++generation_;
}

void SimulatedHost::run_jobs() {
  const std::uint32_t generation = generation_;
  while (node_ != nullptr && generation_ == generation && node_->run_jobs()) {
  }
}

void SimulatedHost::wake_at(Instant when) {
  if (node_ == nullptr || when == kNever) return;
  when = std::max(when, loop_.now());
  if (when >= alarm_at_) return;
  alarm_at_ = when;
  post_alarm();
}

void SimulatedHost::post_alarm() {
  if (pending_count_ > 0 && pending_[pending_count_ - 1] <= alarm_at_) return;
  if (pending_count_ == kPendingMax) {
    std::move(pending_.begin() + 1, pending_.end(), pending_.begin());
    --pending_count_;
  }
  pending_[pending_count_++] = alarm_at_;
  loop_.post(alarm_at_, alarm_event_);
}

void SimulatedHost::on_alarm_event() {
  const Instant now = loop_.now();
  if (pending_count_ == 0 || pending_[pending_count_ - 1] != now) return;
  --pending_count_;
  if (alarm_at_ <= now) {
    alarm_at_ = kNever;
    deliver([](PortEvents& events) { events.on_alarm(); });
  } else if (alarm_at_ != kNever) {
    post_alarm();
  }
}

}  // namespace shoal::sim
