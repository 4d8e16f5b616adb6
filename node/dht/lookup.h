// Lookup: the iterative lookup of Kademlia (Maymounkov and Mazières 2002, §2.3) as a pure state machine. It
// says whom to ask next and is told what became of it; it sends nothing and knows no time but what it is
// given.
//
//   candidate:  unasked ─► asked ─┬────────────► answered
//                            │    └─► failed
//                            └─► slow ─► answered | failed     (slow: another may be asked in its place)
//
// It ends when the `wanted` nearest candidates that did not fail have all answered, or nobody is left to ask.
// What others tell is only believed when the host itself has answered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "node/base/contact.h"
#include "node/base/instant.h"
#include "node/control/command.h"

namespace shoal {

struct LookupConfig {
  std::size_t wanted = 20;  // closest hosts to find
  std::size_t alpha = 4;    // requests in flight that are not slow
  // Hosts of one /24 or /48 among the closest; 0: no limit. Local addresses are exempt while `own_is_local`.
  std::size_t per_subnet_max = 2;
  bool own_is_local = false;
};

class Lookup {
 public:
  // Candidates beyond this many, and contacts that are farther than all of them, are ignored.
  static constexpr std::size_t kCandidatesMax = 512;

  Lookup(const Id& self, const Id& target, const LookupConfig& config, Instant now);

  // What stands in our own table: one hop away.
  void add_known(std::span<const Contact> contacts);

  // The next candidate to ask, which counts as asked from now on; nothing when all that is useful is under
  // way.
  std::optional<std::uint16_t> next_to_ask(Instant now);
  const Contact& contact(std::uint16_t candidate) const { return candidates_[candidate].contact; }

  void on_answer(std::uint16_t candidate, std::span<const Contact> told, Instant now);
  // It has answered, but says that it is a client: no result of a lookup.
  void exclude(std::uint16_t index) { candidates_[index].state = State::kFailed; }
  void on_slow(std::uint16_t candidate);
  void on_failed(std::uint16_t candidate, LookupReport::Outcome outcome, Instant now);

  bool done() const;
  // The closest that have answered so far, nearest first, at most `wanted`.
  std::vector<std::uint16_t> closest_answered() const;
  LookupReport report(Instant now) const;

  const Id& target() const { return target_; }
  std::size_t requests() const { return steps_.size(); }

 private:
  enum class State : std::uint8_t { kUnasked, kAsked, kSlow, kAnswered, kFailed };
  struct Candidate {
    Contact contact;
    State state = State::kUnasked;
    std::uint16_t teller = kSelf;
    std::uint16_t step = 0;  // index into steps_, once asked
    Duration answered_after{};
  };
  struct Step {
    std::uint16_t candidate;
    Duration sent_after;
    Duration ended_after;
    LookupReport::Outcome outcome;
  };
  // Most comparisons of distances end with their first 64 bits: those need not look at the candidate.
  struct Place {
    std::uint64_t distance;  // its first 64 bits
    std::uint16_t candidate;
  };
  static constexpr std::uint16_t kSelf = 0xffff;

  void add(const Contact& contact, std::uint16_t teller);
  // Calls f(candidate) for the `wanted` nearest that did not fail and that diversity admits, until f returns
  // false.
  template <class F>
  void for_nearest(F&& f) const;
  bool subnet_admits(std::vector<std::uint64_t>& subnets, const Contact& contact) const;
  std::vector<std::uint8_t> shortest_hops() const;

  Id self_;
  Id target_;
  LookupConfig config_;
  Instant started_;
  std::size_t in_flight_ = 0;                                  // asked and not slow
  std::vector<Candidate> candidates_;                          // in the order of arrival: an index names one
  std::vector<Place> order_;                                   // by distance to the target
  std::vector<std::pair<std::uint16_t, std::uint16_t>> told_;  // (teller, told), for the shortest chain
  std::vector<Step> steps_;
};

}  // namespace shoal
