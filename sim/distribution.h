// Distribution: a law that a scenario names ({weibull: {shape: 0.5, mean: 30min}}), and draws from it. Units
// are the caller's; durations are in seconds.
#pragma once

#include <cstdint>
#include <string>

#include "node/base/rng.h"

namespace shoal::sim {

class Distribution {
 public:
  enum class Kind : std::uint8_t { kFixed, kUniform, kExponential, kWeibull, kPareto, kLognormal };

  static Distribution fixed(double value);
  static Distribution uniform(double low, double high);
  static Distribution exponential(double mean);
  static Distribution weibull(double shape, double mean);
  static Distribution pareto(double shape, double mean);  // shape > 1
  static Distribution lognormal(double median, double sigma);

  double draw(Rng& rng) const;  // exactly one unit() of rng for all kinds but lognormal (two)
  double mean() const;
  double cdf(double x) const;
  // A draw of the residual lifetime of a renewal process seen at a random instant (density (1 - cdf(x)) /
  // mean): what a session that is under way in the stationary state still has to live.
  double draw_residual(Rng& rng) const;
  Kind kind() const { return kind_; }
  std::string to_string() const;

 private:
  Distribution(Kind kind, double a, double b) : kind_(kind), a_(a), b_(b) {}
  Kind kind_;
  double a_;  // value | low | mean | shape | shape | median
  double b_;  // – | high | – | scale | scale | sigma
};

}  // namespace shoal::sim
