// HostEvent: an event at one host, which can bring the host's memory near before its time comes. A run of
// 100,000 hosts waits for memory most of its time: no host's is still in the caches when its next event
// comes. The timing wheel knows the next few events, so each is asked to prefetch some events ahead, in
// steps, because where the memory of one step lies stands in the memory of the step before:
//
//   5 ahead: the event     4: its host     3: what runs on the host     2: the node inside
//
// ns-3 events are told from these by their context, and ns-3's models give their own events the context of
// the event that runs. So only the message fidelity, which has no such models, posts events with kContext.
#pragma once

#include <ns3/event-impl.h>

#include <cstdint>

namespace shoal::sim {

class HostEvent : public ns3::EventImpl {
 public:
  static constexpr std::uint32_t kContext = 0xffff'fffe;  // ns-3's own NO_CONTEXT is 0xffff'ffff

  enum class Step : std::uint8_t { kHost, kRunner, kNode };
  // Reads only what an earlier step has asked for, and changes nothing.
  virtual void prefetch(Step step) const = 0;
};

}  // namespace shoal::sim
