// RttEstimator: smoothed mean and mean deviation of round-trip times (Jacobson 1988), from which requests
// take their time-out: mean + 4 deviations (Rhea et al. 2004, §4.2, on DHTs under churn).
#pragma once

#include "node/base/instant.h"

namespace shoal {

class RttEstimator {
 public:
  void sample(Duration rtt) {
    if (!known_) {
      mean_ = rtt;
      deviation_ = rtt / 2;
      known_ = true;
      return;
    }
    const Duration error = rtt - mean_;
    mean_ += error / 8;
    deviation_ += ((error < Duration::zero() ? -error : error) - deviation_) / 4;
  }

  bool known() const { return known_; }
  Duration mean() const { return mean_; }
  Duration deviation() const { return deviation_; }

 private:
  Duration mean_{};
  Duration deviation_{};
  bool known_ = false;
};

}  // namespace shoal
