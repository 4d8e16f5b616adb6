// SessionLaw: how long the sessions of one host last. Hosts are not alike: some are on for days, others never
// for long (Stutzbach and Rejaie 2006, §5.3, find that a peer's last session predicts its next one). A
// Gaussian copula says so without touching the law: each host has a latent normal of its own, and the normal
// scores of any two of its sessions have the correlation that the scenario names, while over all hosts every
// session follows the scenario's law exactly.
#pragma once

#include <complex>

#include "node/base/rng.h"
#include "sim/distribution.h"

namespace shoal::sim {

class SessionLaw {
 public:
  // Every host alike.
  explicit SessionLaw(const Distribution& law) : law_(law) {}
  // Of the host with this latent; 0 <= correlation < 1.
  SessionLaw(const Distribution& law, double correlation, double latent);

  double draw(Rng& rng) const;
  // As Distribution's, of this host alone: a host's sessions are independent once its latent is known.
  double mean() const;
  double draw_under_way(Rng& rng) const;
  double draw_residual(Rng& rng) const;
  // Hosts that come as a wave exp(i omega t) are online as this multiple of mean() exp(i omega t): sessions
  // make a wave of arrivals lower and later. The integral of (1 - cdf(x)) exp(-i omega x), over the mean.
  std::complex<double> response(double omega) const;

  // What a heavy tail may give at most: ten years.
  static constexpr double kSecondsMax = 3.2e8;

 private:
  double at(double score) const;
  // f(normal score, its weight) over a grid of scores: an integral over what is the sessions' own in them.
  template <class F>
  void over_scores(F&& f) const;

  Distribution law_;
  bool correlated_ = false;
  double offset_ = 0;  // of a session's score, from the host's latent
  double spread_ = 1;  // of what is the session's own
};

}  // namespace shoal::sim
