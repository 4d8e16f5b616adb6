// SimulatedHost: the part of a host that both fidelities share: which node it runs, its alarm, and how events
// reach the node. A host outlives every node that it runs.
#pragma once

#include <array>
#include <cstdint>

#include "node/ports/alarm.h"
#include "sim/event_loop.h"
#include "sim/host_index.h"
#include "sim/network.h"

namespace shoal::sim {

class SimulatedHost : public Alarm {
 public:
  SimulatedHost(EventLoop& loop, HostIndex index) : loop_(loop), alarm_event_(*this), index_(index) {}

  HostIndex index() const { return index_; }
  bool attached() const { return node_ != nullptr; }
  // Grows with each detach, so that what was meant for an earlier node can be told.
  std::uint32_t generation() const { return generation_; }
  void attach_node(HostedNode& node) { node_ = &node; }
  void detach_node();

  void wake_at(Instant when) final;

  // Hands one event to the node (event(PortEvents&)), then lets it work until it has nothing left to do. Only
  // from an event of the simulation, never from inside a port's method.
  template <class Event>
  void deliver(Event&& event) {
    if (node_ == nullptr) return;
    event(node_->events());
    run_jobs();
  }
  void run_jobs();

 protected:
  EventLoop& loop() const { return loop_; }

 private:
  class AlarmEvent final : public ns3::EventImpl {
   public:
    explicit AlarmEvent(SimulatedHost& host) : host_(host) {}

   private:
    void Notify() override { host_.on_alarm_event(); }
    SimulatedHost& host_;
  };

  void on_alarm_event();
  void post_alarm();

  // Pending alarm events are not taken back: an earlier deadline posts one more, and a later one waits for
  // the next of them. So few are ever pending; when there are more, the farthest is forgotten and ignored
  // when it comes.
  static constexpr std::size_t kPendingMax = 3;

  EventLoop& loop_;
  HostedNode* node_ = nullptr;
  AlarmEvent alarm_event_;
  Instant alarm_at_ = kNever;                   // what the node asked for
  std::array<Instant, kPendingMax> pending_{};  // events posted, latest first
  std::uint32_t pending_count_ = 0;
  std::uint32_t generation_ = 0;
  HostIndex index_;
};

}  // namespace shoal::sim
