// SimulatedHost: the part of a host that both fidelities share: which node it runs, its clock and alarm, its
// other ports as far as they do not depend on the engine, and how events reach the node: at once, or, where
// its machine's CPU takes its time, in turns:
//
//   event ─► waits ──(the CPU is free)──► all that waits becomes jobs ─► some run, each beginning when the
//   one before it ends ──(the last one ends)──► next turn, if anything waits or jobs remain
//
// A host outlives every node that it runs.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "node/ports/alarm.h"
#include "node/ports/clock.h"
#include "sim/event_loop.h"
#include "sim/host_index.h"
#include "sim/host_machine.h"
#include "sim/network.h"
#include "sim/world.h"

namespace shoal::sim {

class SimulatedHost : public Alarm, public Clock, public Datagrams, public Streams {
 public:
  SimulatedHost(EventLoop& loop, World& world, HostIndex index)
      : loop_(loop), world_(world), alarm_event_(*this), index_(index) {}

  HostIndex index() const { return index_; }
  bool attached() const { return node_ != nullptr; }
  // Grows with each detach, so that what was meant for an earlier node can be told.
  std::uint32_t generation() const { return generation_; }
  void attach_node(HostedNode& node) { node_ = &node; }
  void detach_node();

  // nullptr: a perfect one.
  HostMachine* machine() const { return machine_; }
  void set_machine(HostMachine& machine) { machine_ = &machine; }

  void wake_at(Instant when) final;
  Instant now() const final;
  WallTime wall_time() const final;
  Result<void> join(const Endpoint& group) final;
  void leave(const Endpoint& group) final;
  Result<StreamId> connect(const Endpoint& to) final;
  Result<void> listen() final;

  // Hands one event to the node (event(PortEvents&)), then lets it work until it has nothing left to do. Only
  // from an event of the simulation, never from inside a port's method. The event may be kept for later: what
  // it holds, it holds by value.
  template <class Event>
  void deliver(Event&& event) {
    if (node_ == nullptr) return;
    if (takes_turns()) [[unlikely]] {
      machine_->wait(std::forward<Event>(event));
      return take_turn_when_free();
    }
    event(node_->events());
    run_jobs();
  }
  void deliver_datagram(const Endpoint& from, ByteView datagram, bool multicast);
  void run_jobs();
  void prefetch(HostEvent::Step step) const;
  // When what the node sends now leaves the host: the job that sends it has ended.
  Instant sends_at() const {
    return machine_ == nullptr ? loop_.now() : std::max(loop_.now(), machine_->free_at());
  }

 protected:
  EventLoop& loop() const { return loop_; }
  // The engine's part. The host is attached.
  virtual Result<StreamId> open_stream(const Endpoint& to) = 0;
  virtual Result<void> start_listening() = 0;
  // From now on datagrams to this IPv4 group reach it.
  virtual void on_joined(const Endpoint& /*group*/) {}

 private:
  class AlarmEvent final : public HostEvent {
   public:
    explicit AlarmEvent(SimulatedHost& host) : host_(host) {}
    void prefetch(Step step) const override { host_.prefetch(step); }

   private:
    void Notify() override { host_.on_alarm_event(); }
    SimulatedHost& host_;
  };

  bool takes_turns() const { return machine_ != nullptr && machine_->takes_turns(loop_.now()); }
  void take_turn_when_free();
  void take_turn();
  void on_alarm_event();
  void post_alarm();

  // Pending alarm events are not taken back: an earlier deadline posts one more, and a later one waits for
  // the next of them. So few are ever pending; when there are more, the farthest is forgotten and ignored
  // when it comes.
  static constexpr std::size_t kPendingMax = 3;

  EventLoop& loop_;
  World& world_;
  HostedNode* node_ = nullptr;
  HostMachine* machine_ = nullptr;
  AlarmEvent alarm_event_;
  Instant alarm_at_ = kNever;                   // what the node asked for
  std::array<Instant, kPendingMax> pending_{};  // events posted, latest first
  std::uint32_t pending_count_ = 0;
  bool turn_posted_ = false;
  std::uint32_t generation_ = 0;
  HostIndex index_;
};

}  // namespace shoal::sim
