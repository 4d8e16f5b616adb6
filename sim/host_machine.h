// HostMachine: what a simulated host runs on, where a scenario does not take it for perfect: clocks that
// drift and jump, a CPU that takes its time over each job, a socket buffer that overflows meanwhile. A host
// has none until it is asked for one (Network::machine), and costs nothing before.
//
// The CPU: a job takes what the cost table says (sim/job_costs.inc: measured, committed, so that a run stays
// a function of scenario, seed and build), divided by the CPU's speed. What the job sends leaves when it
// ends; what arrives until then waits in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "node/base/instant.h"
#include "node/jobs/job_kind.h"
#include "node/ports/events.h"

namespace shoal::sim {

// What a job costs on a CPU of speed 1.
Duration job_cost(JobKind kind, std::size_t bytes);

class HostMachine {
 public:
  // ---- Clocks: `world` is the simulation's time, `own` what the host's monotonic clock shows.

  Instant own_time(Instant world) const;
  // The first instant at which the monotonic clock shows `own`. kNever stays kNever.
  Instant world_time(Instant own) const;
  // How far the wall clock is off beside what has drifted.
  Duration wall_offset() const { return wall_offset_; }
  void jump_wall_clock(Duration by) { wall_offset_ += by; }
  // Both clocks run faster by so many billionths from now on, in addition to what they do already. The sum is
  // kept within one tenth, so that clocks go forwards.
  void add_drift(Instant world, std::int64_t billionths);

  // ---- CPU

  // Positive; nothing: jobs take no time.
  void set_speed(std::optional<double> speed) { speed_ = speed; }
  // A job begins: at once, or when the one before it ends.
  void charge(Instant world, JobKind kind, std::size_t bytes);
  Instant job_begins() const { return job_begins_; }
  // The end of the last job that was begun. Never goes back.
  Instant free_at() const { return free_at_; }
  // Events have to wait for their turn.
  bool takes_turns(Instant world) const { return speed_ || free_at_ > world || !waiting_.empty(); }

  // ---- What waits for the CPU

  using Event = std::function<void(PortEvents&)>;
  void wait(Event event) { waiting_.push_back(std::move(event)); }
  // The event that brings a datagram.
  using Receive = void (PortEvents::*)(const Endpoint&, ByteView);
  // False: the socket buffer is full and the datagram is dropped.
  bool wait_datagram(const Endpoint& from, ByteView datagram, Receive receive);
  std::vector<Event> take_waiting();
  bool has_waiting() const { return !waiting_.empty(); }
  // The node is gone, and what waited for it.
  void forget_waiting() { take_waiting(); }
  std::uint64_t datagrams_dropped() const { return datagrams_dropped_; }

  // Linux' default (net.core.rmem_default); here the bytes of the datagrams count, headers included.
  static constexpr std::size_t kSocketBufferBytes = 208 * 1024;

 private:
  Instant clock_set_{};     // when the drift last changed, world time …
  Instant own_when_set_{};  // … and what the monotonic clock showed then
  std::int64_t drift_ = 0;  // billionths
  Duration wall_offset_{};
  std::optional<double> speed_;
  Instant job_begins_{};
  Instant free_at_{};
  std::vector<Event> waiting_;
  std::size_t datagram_bytes_waiting_ = 0;
  std::uint64_t datagrams_dropped_ = 0;
};

}  // namespace shoal::sim
