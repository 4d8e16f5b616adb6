// Lookup: the iterative lookup of Kademlia (Maymounkov and Mazières 2002, §2.3) as a pure state machine. It
// says whom to ask next and is told what became of it; it sends nothing and knows no time but what it is
// given.
//
//   candidate:  unasked ─► asked ─┬────────────► answered
//                            │    └─► failed
//                            └─► slow ─► answered | failed     (slow: another may be asked in its place)
//
// It ends when the `wanted` nearest candidates that did not fail have all answered, or nobody is left to ask.
// What others tell is only believed when the host itself has answered. Until then it is bounded by who told
// it, so that a liar can neither hold up a lookup nor turn it against others:
//   teller     what goes unanswered, in bytes, is at most kAmplification times what the teller has sent; of
//   the
//              alpha requests in flight one is left to what others told; and once kUnansweredMax are
//              unanswered, and more than twice as many as answered, it is believed no further
//   endpoint   asked under kKeysPerEndpoint keys at most, one after the other
//   network    kAskedPerSubnet × per_subnet_max are asked at most
// What stands in our own table has none of these bounds.
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
  static constexpr std::size_t kKeysPerEndpoint = 2;
  static constexpr std::size_t kAskedPerSubnet = 4;
  static constexpr std::uint32_t kAmplification = 3;  // RFC 9000 §8.1
  static constexpr std::uint16_t kUnansweredMax = 4;

  Lookup(const Id& self, const Id& target, const LookupConfig& config, Instant now);

  // What stands in our own table: one hop away.
  void add_known(std::span<const Contact> contacts);

  // The next candidate to ask, which counts as asked from now on; nothing when all that is useful is under
  // way.
  std::optional<std::uint16_t> next_to_ask(Instant now);
  const Contact& contact(std::uint16_t candidate) const { return candidates_[candidate].contact; }
  // How much may be sent to it? All; small requests, since its teller has said too little for a padded one;
  // or one small request, which nothing waits for.
  enum class Allowance : std::uint8_t { kAll, kSmall, kOnce };
  Allowance allowance(std::uint16_t candidate) const;

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
    std::uint64_t subnet = 0;
    std::uint16_t charged = kSelf;  // the teller that pays for the request
    std::uint32_t charge = 0;       // bytes
    // As a teller: of those that it told, and pays for.
    std::uint32_t budget = 0;   // bytes that may go unanswered
    std::uint16_t untried = 0;  // told by it first
    std::uint16_t in_flight = 0;
    std::uint16_t unanswered = 0;  // slow or failed
    std::uint16_t answered = 0;
    // Of all that share its endpoint, or its network, and were not in our table.
    std::uint8_t endpoint_asked = 0;
    std::uint8_t endpoint_busy = 0;
    std::uint16_t subnet_asked = 0;
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
  // What a request costs that nobody answers: the first sending padded (wire::kPaddedFindBytes and the seal)
  // and two small ones; or three small ones. And what an answer has at least, beside its contacts.
  static constexpr std::uint32_t kOnceBytes = 135;
  static constexpr std::uint32_t kSmallBytes = 3 * kOnceBytes;
  static constexpr std::uint32_t kPaddedBytes = 416 + 2 * kOnceBytes;
  static constexpr std::uint32_t kAnswerBytes = 87;
  static constexpr std::uint32_t kToldBytes = 50;
  // So many of those that were told too are left a small request each.
  static constexpr std::uint16_t kReserved = 3;

  bool is_exempt(const Contact& contact) const;
  bool may_ask(const Candidate& candidate) const;
  std::uint16_t payer(std::uint16_t index) const;
  void charge(std::uint16_t index);
  void note_place(const Candidate& asked, int asks, int busy);
  void end_request(Candidate& candidate);

  void add(const Contact& contact, std::uint16_t teller);
  // Calls f(candidate) for the `wanted` nearest that did not fail and that diversity admits, until f returns
  // false. `blocked_too`: also for those that must not be asked now.
  template <class F>
  void for_nearest(F&& f, bool blocked_too = false) const;
  bool subnet_admits(std::vector<std::uint64_t>& subnets, const Candidate& candidate) const;
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
