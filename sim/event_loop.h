// EventLoop: ns-3's simulator as the engine uses it: time, posting an event, running up to an instant. At
// most one at a time in a process, because ns-3's simulator is global.
//
// Events that are posted often are objects that their owner keeps and uses again: the owner's own reference
// keeps ns-3 from deleting them. They must live until destroy().
#pragma once

#include <ns3/event-impl.h>
#include <ns3/simulator.h>

#include <cstdint>
#include <functional>

#include "node/base/instant.h"
#include "sim/host_event.h"

namespace shoal::sim {

class EventLoop {
 public:
  // `has_models`: ns-3's models post events too (HostEvent says what for).
  explicit EventLoop(bool has_models);
  ~EventLoop() { destroy(); }
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  Instant now() const { return Instant(Duration(ns3::Simulator::Now().GetTimeStep())); }
  // Equal instants run in the order of the calls; the past means now. `context` is ns-3's: the node that its
  // models take the event for.
  void post(Instant when, ns3::EventImpl& event, std::uint32_t context = ns3::Simulator::NO_CONTEXT);
  // The same for an event of one host, whose memory is prefetched where that is possible.
  void post_host_event(Instant when, HostEvent& event) { post(when, event, host_context_); }
  void call(Instant when, std::function<void()> event);
  // Runs every event up to and at `when`, also those that come up on the way; now() is then `when`.
  void run_until(Instant when);
  std::uint64_t event_count() const;
  // Forgets all pending events. The owner of events calls this before they go.
  void destroy();

 private:
  bool alive_ = true;
  std::uint32_t host_context_;
};

}  // namespace shoal::sim
