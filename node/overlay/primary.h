// Primary: which peer speaks for a group at present (DESIGN §8). Nothing depends on it but cost: any number
// of hosts may take themselves for it for a while.
//
//   epoch = (counter, host), ordered; the highest that a host has heard of holds for a lease
//   primary:  says so anew (a beat) every third of the lease, through all peers; hands over when it stops
//   others:   pass on what is new to them; when the lease lapses, whoever waits shortest claims the next
//   counter
//
// After a partition both sides' claims meet, and the higher epoch holds everywhere within a beat. Claims are
// not signed: a session tells who passes one on, and a member that lies can disturb who is primary, but
// nothing else by it.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>

#include "node/base/id.h"
#include "node/base/instant.h"
#include "node/base/rng.h"

namespace shoal {

struct Epoch {
  std::uint64_t counter = 0;
  Id host;
  friend auto operator<=>(const Epoch&, const Epoch&) = default;
};

struct PrimaryClaim {
  Epoch epoch;
  std::uint64_t beat = 0;  // grows while the epoch lasts
  friend auto operator<=>(const PrimaryClaim&, const PrimaryClaim&) = default;
};

class Primary {
 public:
  // A counter that leaves no room to be topped is not believed.
  static constexpr std::uint64_t kCounterMax = std::uint64_t{1} << 48;

  Primary(const Id& self, Duration lease) : self_(self), lease_(lease) {}

  // The host whose lease lasts.
  std::optional<Id> holder(Instant now) const;
  bool is_self(Instant now) const { return holder(now) == self_; }
  const PrimaryClaim& claim() const { return claim_; }

  // A peer says so. True: it is news, to be passed on.
  bool on_claim(const PrimaryClaim& claim, Instant now);
  // There are peers to be primary for, or none any longer: without any, nobody claims anything.
  void set_has_peers(bool has_peers, Instant now, Rng& rng);
  // When on_due() wants to be called; kNever.
  Instant next_due() const { return due_; }
  // Our own claim, if it is time for one: a beat, or because a lease has lapsed.
  std::optional<PrimaryClaim> on_due(Instant now, Rng& rng);
  // Names a successor. Precondition: is_self().
  PrimaryClaim hand_over(const Id& successor, Instant now);

 private:
  void adopt(const PrimaryClaim& claim, Instant now);

  Id self_;
  Duration lease_;
  PrimaryClaim claim_;
  Instant lease_until_{};
  Instant due_ = kNever;
  bool has_peers_ = false;
  bool waits_its_turn_ = false;  // the lease has lapsed, and it is seen who waits shortest
};

}  // namespace shoal
