// Churn: when hosts come and go. Each host alternates sessions and absences, a renewal process that is
// stationary from the start: whether a host is present at first, and what is left of the session or absence
// it is in, are drawn from the stationary law (Stutzbach and Rejaie 2006 describe the bias of doing
// otherwise).
//
// All draws are functions of (seed, host, turn) alone, so that a host's sessions stay the same whatever else
// happens in a run, and nothing is kept between them.
#pragma once

#include <cstdint>
#include <optional>

#include "node/base/instant.h"
#include "node/base/rng.h"
#include "sim/network.h"
#include "sim/scenario.h"

namespace shoal::sim {

class Churn {
 public:
  // The scenario's churn (nothing: hosts come once and stay), arrival, bootstrap hosts and seed.
  explicit Churn(const Scenario& scenario);

  // One session and what follows it.
  struct Turn {
    Duration session = kForever;
    bool crash = true;           // how it ends
    bool keeps_identity = true;  // comes back as itself
    Duration absence{};          // zero: replaced at once
  };
  struct Start {
    Duration joins{};  // after the start of the run
    Turn turn;         // turn 0, its session perhaps the rest of one
  };
  Start start(HostIndex host) const;
  // Turn n of the host, n >= 1.
  Turn turn(HostIndex host, std::uint32_t n) const;

  static constexpr Duration kForever = Duration::max();

 private:
  Turn draw_turn(Rng& rng, bool residual) const;

  std::optional<ChurnSpec> spec_;
  std::uint64_t seed_;
  std::uint32_t bootstrap_hosts_;
  Duration arrival_over_;
};

}  // namespace shoal::sim
