#include "sim/simulated_host.h"

#include <algorithm>

#include "node/base/prefetch.h"

namespace shoal::sim {
namespace {

// What a HostedNode has at its beginning.
constexpr std::size_t kRunnerBytes = 128;

tl::unexpected<Error> detached() {
  return fail(ErrorCode::kIo, "the simulated host is detached");
}

}  // namespace

void SimulatedHost::detach_node() {
  node_ = nullptr;
  alarm_at_ = kNever;
  turn_posted_ = false;
  if (machine_ != nullptr) machine_->forget_waiting();
  ++generation_;
  world_.leave_groups(index_);
}

Result<void> SimulatedHost::join(const Endpoint& group) {
  if (!attached()) return detached();
  const Result<void> joined = world_.join(index_, group);
  if (joined) on_joined(group);
  return joined;
}

void SimulatedHost::leave(const Endpoint& group) {
  if (attached()) world_.leave(index_, group);
}

Result<StreamId> SimulatedHost::connect(const Endpoint& to) {
  if (!attached()) return detached();
  return open_stream(to);
}

Result<void> SimulatedHost::listen() {
  if (!attached()) return detached();
  return start_listening();
}

Instant SimulatedHost::now() const {
  if (machine_ == nullptr) [[likely]] {
    return loop_.now();
  }
  return machine_->own_time(std::max(loop_.now(), machine_->job_begins()));
}

WallTime SimulatedHost::wall_time() const {
  const Instant shown = now();
  return wall_time_at(machine_ == nullptr ? shown : shown + machine_->wall_offset());
}

void SimulatedHost::deliver_datagram(const Endpoint& from, ByteView datagram, bool multicast) {
  if (node_ == nullptr) return;
  const auto receive = multicast ? &PortEvents::on_multicast : &PortEvents::on_datagram;
  if (!takes_turns()) {
    deliver([&](PortEvents& events) { (events.*receive)(from, datagram); });
  } else if (machine_->wait_datagram(from, datagram, receive)) {
    take_turn_when_free();
  }
}

void SimulatedHost::take_turn_when_free() {
  if (turn_posted_) return;
  turn_posted_ = true;
  loop_.call(machine_->free_at(), [this, generation = generation_] {
    if (generation_ == generation) take_turn();
  });
}

void SimulatedHost::take_turn() {
  turn_posted_ = false;
  const std::uint32_t generation = generation_;
  for (const HostMachine::Event& event : machine_->take_waiting()) event(node_->events());
  const bool jobs_remain = node_->run_jobs();
  if (node_ == nullptr || generation_ != generation) return;
  if (jobs_remain || machine_->has_waiting()) take_turn_when_free();
}

void SimulatedHost::run_jobs() {
  if (takes_turns()) return take_turn_when_free();
  const std::uint32_t generation = generation_;
  while (node_ != nullptr && generation_ == generation && node_->run_jobs()) {
  }
}

void SimulatedHost::prefetch(HostEvent::Step step) const {
  switch (step) {
    case HostEvent::Step::kHost:
      prefetch_object(this);
      world_.prefetch(index_);
      break;
    case HostEvent::Step::kRunner:
      prefetch_bytes(node_, kRunnerBytes);
      break;
    case HostEvent::Step::kNode:
      if (node_ != nullptr) node_->prefetch();
      break;
  }
}

void SimulatedHost::wake_at(Instant when) {
  if (node_ == nullptr || when == kNever) return;
  if (machine_ != nullptr) when = machine_->world_time(when);
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
  loop_.post_host_event(alarm_at_, alarm_event_);
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
