// Distribution: a law that a scenario names ({weibull: {shape: 0.5, mean: 30min}}), and draws from it. Units
// are the caller's; durations are in seconds.
#pragma once

#include <cstdint>
#include <string>

#include "node/base/rng.h"

namespace shoal::sim {

// A standard normal draw; two units of rng.
double draw_normal(Rng& rng);

class Distribution {
 public:
  enum class Kind : std::uint8_t { kFixed, kUniform, kExponential, kWeibull, kPareto, kLognormal };

  static Distribution fixed(double value);
  static Distribution uniform(double low, double high);
  static Distribution exponential(double mean);
  static Distribution weibull(double shape, double mean);
  static Distribution pareto(double shape, double mean);  // shape > 1
  static Distribution lognormal(double median, double sigma);
  // The same laws by other parameters: field studies report medians, fits report scales.
  static Distribution exponential_by_median(double median);
  static Distribution weibull_by_median(double shape, double median);
  static Distribution weibull_by_scale(double shape, double scale);
  static Distribution pareto_by_median(double shape, double median);    // shape > 1
  static Distribution pareto_by_minimum(double shape, double minimum);  // shape > 1
  static Distribution lognormal_by_mean(double mean, double sigma);

  double draw(Rng& rng) const;  // exactly one unit() of rng for all kinds but lognormal (two)
  double mean() const;
  double cdf(double x) const;
  // The value that stands among the draws where `score` stands among standard normals: so a normal score
  // makes a draw.
  double at_score(double score) const;
  // The whole of a session that is under way when a stationary renewal process is looked at (density
  // x f(x) / mean): long ones are met more often.
  double draw_under_way(Rng& rng) const;
  // What is left of such a session (density (1 - cdf(x)) / mean): an even share of it.
  double draw_residual(Rng& rng) const;
  Kind kind() const { return kind_; }
  std::string to_string() const;

 private:
  Distribution(Kind kind, double a, double b) : kind_(kind), a_(a), b_(b) {}
  // The value that this share of the draws exceeds; not for lognormal.
  double exceeded_by(double share) const;

  Kind kind_;
  double a_;  // value | low | mean | shape | shape | median
  double b_;  // – | high | – | scale | scale | sigma
};

}  // namespace shoal::sim
