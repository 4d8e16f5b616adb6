// Churn: when hosts come and go. Each host alternates sessions and absences, a renewal process that is
// stationary from the start: whether a host is present at first, and what is left of the session or absence
// it is in, are drawn from the stationary law (Stutzbach and Rejaie 2006 describe the bias of doing
// otherwise). Hosts may differ in how long they stay (session_law.h), and the hours of the day in how many
// there are (diurnal_wave.h). Or all of it is replayed from a trace (session_trace.h).
//
// All draws are functions of (seed, host, turn) alone, so that a host's sessions stay the same whatever else
// happens in a run, and nothing is kept between them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "node/base/instant.h"
#include "node/base/rng.h"
#include "sim/diurnal_wave.h"
#include "sim/network.h"
#include "sim/scenario.h"

namespace shoal::sim {

class Churn {
 public:
  // The scenario's churn (nothing: hosts come once and stay), arrival, bootstrap hosts and seed. The region
  // of a host is asked for only when the hours of the day differ between regions.
  explicit Churn(const Scenario& scenario, std::function<std::uint32_t(HostIndex)> region_of = {});

  // One session and what follows it.
  struct Turn {
    Duration session = kForever;
    bool crash = true;           // how it ends
    bool keeps_identity = true;  // comes back as itself
    double absence_s = 0;        // by the scenario's law; 0: replaced at once
  };
  struct Start {
    Duration joins{};  // kForever: never
    Turn turn;         // turn 0, its session perhaps the rest of one
  };
  // All instants are since the start of the run.
  Start start(HostIndex host) const;
  // Turn n of the host, n >= 1, which began at this instant.
  Turn turn(HostIndex host, std::uint32_t n, Duration began) const;
  // When a host joins again whose turn has ended at this instant; kForever: never.
  Duration next_join(HostIndex host, const Turn& turn, Duration ended) const;
  // When a host joins that a fault has kept away until this instant: at once, or when its trace says so.
  Duration join_after(HostIndex host, Duration kept_until) const;

  static constexpr Duration kForever = Duration::max();

 private:
  Turn draw_turn(Rng& rng, double session_s) const;
  Start traced_start(HostIndex host) const;
  // The host's session of the trace that ends after this instant; nullptr: none.
  const TracedSession* traced(HostIndex host, Duration when) const;
  SessionLaw sessions_of(HostIndex host) const;
  DiurnalWave wave_of(const SessionLaw& sessions) const;
  // The hour of a host's own region.
  double local_time(HostIndex host, Duration when) const;

  std::optional<ChurnSpec> spec_;
  std::uint64_t seed_;
  std::uint32_t bootstrap_hosts_;
  Duration arrival_over_;
  std::function<std::uint32_t(HostIndex)> region_of_;
  std::optional<DiurnalWave> wave_;  // when all hosts have the same
};

}  // namespace shoal::sim
