// DiurnalWave: how the hours of the day move who is online. Sessions keep their law; what changes is how soon
// an absent host comes back. The expected number online follows 1 + amplitude cos(2 pi (t - peak) / period)
// exactly when absences are exponential: a host that is away comes back at the rate
//   arrivals(t) / absent(t),
// where absent(t) is what the wave leaves, and arrivals(t) is the wave that, spread out by the sessions'
// lengths, adds up to it (SessionLaw::response). An absence of another law lasts until as much of that rate
// has gone by as its draw says, and then the wave is nearly that.
#pragma once

#include "node/base/rng.h"
#include "sim/scenario.h"
#include "sim/session_law.h"

namespace shoal::sim {

class DiurnalWave {
 public:
  // `absence_mean` > 0. The amplitude is lowered to what the host's sessions can follow: a host that is
  // nearly always on, or on for days, has no hours.
  DiurnalWave(const DiurnalSpec& spec, const SessionLaw& sessions, double absence_mean);

  // All times in seconds since the run's start, in the first region; in others less the shift of its peak.
  double online_share(double when) const;
  // An absence of the scenario's law that begins at `when` lasts so long.
  double absence(double when, double drawn) const;
  // A session that is under way at `when`: how long it still lasts.
  double residual_session(double when, Rng& rng) const;

  // The largest amplitude that these laws can follow.
  static double amplitude_max(const DiurnalSpec& spec, const SessionLaw& sessions, double absence_mean);

 private:
  static double amplitude_max(double response, double sessions_mean, double absence_mean);
  double arrivals(double when) const;  // 1 on average
  double pace(double when) const;      // of absences, 1 without a wave

  SessionLaw sessions_;
  double omega_;
  double peak_;
  double share_;  // online, on average
  double amplitude_;
  double arrival_amplitude_;
  double arrival_lead_;  // radians that arrivals come before those online
  double per_period_;    // of an absence's draw, what a whole period uses up
};

}  // namespace shoal::sim
