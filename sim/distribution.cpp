#include "sim/distribution.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "node/base/check.h"

namespace shoal::sim {
namespace {

// Uniform in (0, 1]: what a logarithm or a negative power takes.
double open_unit(Rng& rng) {
  return 1.0 - rng.unit();
}

// Gamma of scale 1 and a shape of at least 1: Marsaglia and Tsang 2000, "A simple method for generating gamma
// variables".
double draw_gamma(double shape, Rng& rng) {
  const double d = shape - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  for (;;) {
    const double x = draw_normal(rng);
    const double u = open_unit(rng);
    const double v = std::pow(1.0 + c * x, 3.0);
    if (v > 0.0 && std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

}  // namespace

// Box and Muller 1958; the second normal of the pair is dropped, so that a draw keeps no state.
double draw_normal(Rng& rng) {
  const double radius = std::sqrt(-2.0 * std::log(open_unit(rng)));
  const double angle = 2.0 * std::numbers::pi * rng.unit();
  return radius * std::cos(angle);
}

Distribution Distribution::fixed(double value) {
  check(value >= 0.0);
  return {Kind::kFixed, value, 0.0};
}

Distribution Distribution::uniform(double low, double high) {
  check(low >= 0.0 && high >= low);
  return {Kind::kUniform, low, high};
}

Distribution Distribution::exponential(double mean) {
  check(mean > 0.0);
  return {Kind::kExponential, mean, 0.0};
}

Distribution Distribution::weibull(double shape, double mean) {
  check(shape > 0.0 && mean > 0.0);
  return {Kind::kWeibull, shape, mean / std::tgamma(1.0 + 1.0 / shape)};
}

Distribution Distribution::pareto(double shape, double mean) {
  check(shape > 1.0 && mean > 0.0);
  return {Kind::kPareto, shape, mean * (shape - 1.0) / shape};
}

Distribution Distribution::lognormal(double median, double sigma) {
  check(median > 0.0 && sigma > 0.0);
  return {Kind::kLognormal, median, sigma};
}

Distribution Distribution::exponential_by_median(double median) {
  check(median > 0.0);
  return {Kind::kExponential, median / std::numbers::ln2, 0.0};
}

Distribution Distribution::weibull_by_median(double shape, double median) {
  return weibull_by_scale(shape, median / std::pow(std::numbers::ln2, 1.0 / shape));
}

Distribution Distribution::weibull_by_scale(double shape, double scale) {
  check(shape > 0.0 && scale > 0.0);
  return {Kind::kWeibull, shape, scale};
}

Distribution Distribution::pareto_by_median(double shape, double median) {
  return pareto_by_minimum(shape, median / std::pow(2.0, 1.0 / shape));
}

Distribution Distribution::pareto_by_minimum(double shape, double minimum) {
  check(shape > 1.0 && minimum > 0.0);
  return {Kind::kPareto, shape, minimum};
}

Distribution Distribution::lognormal_by_mean(double mean, double sigma) {
  check(mean > 0.0 && sigma > 0.0);
  return {Kind::kLognormal, mean * std::exp(-0.5 * sigma * sigma), sigma};
}

double Distribution::draw(Rng& rng) const {
  if (kind_ == Kind::kLognormal) return a_ * std::exp(b_ * draw_normal(rng));
  return exceeded_by(open_unit(rng));
}

double Distribution::at_score(double score) const {
  if (kind_ == Kind::kLognormal) return a_ * std::exp(b_ * score);
  return exceeded_by(0.5 * std::erfc(score / std::numbers::sqrt2));
}

double Distribution::exceeded_by(double share) const {
  switch (kind_) {
    case Kind::kUniform:
      return a_ + (b_ - a_) * (1.0 - share);
    case Kind::kExponential:
      return -a_ * std::log(share);
    case Kind::kWeibull:
      return b_ * std::pow(-std::log(share), 1.0 / a_);
    case Kind::kPareto:
      return b_ * std::pow(share, -1.0 / a_);
    default:
      return a_;
  }
}

double Distribution::mean() const {
  switch (kind_) {
    case Kind::kUniform:
      return 0.5 * (a_ + b_);
    case Kind::kWeibull:
      return b_ * std::tgamma(1.0 + 1.0 / a_);
    case Kind::kPareto:
      return b_ * a_ / (a_ - 1.0);
    case Kind::kLognormal:
      return a_ * std::exp(0.5 * b_ * b_);
    default:
      return a_;
  }
}

double Distribution::cdf(double x) const {
  if (kind_ == Kind::kFixed) return x < a_ ? 0.0 : 1.0;
  if (x <= 0.0) return 0.0;
  switch (kind_) {
    case Kind::kUniform:
      return x < a_ ? 0.0 : x >= b_ ? 1.0 : (x - a_) / (b_ - a_);
    case Kind::kExponential:
      return -std::expm1(-x / a_);
    case Kind::kWeibull:
      return -std::expm1(-std::pow(x / b_, a_));
    case Kind::kPareto:
      return x < b_ ? 0.0 : 1.0 - std::pow(x / b_, -a_);
    default:
      return 0.5 * std::erfc(-std::log(x / a_) / (b_ * std::numbers::sqrt2));
  }
}

// Each length-biased law is of a known kind: exponential, a gamma of shape 2; Weibull, with (x / scale)^shape
// a gamma of shape 1 + 1 / shape; Pareto, one whose shape is less by 1; lognormal, one whose median is
// exp(sigma^2) times as large.
double Distribution::draw_under_way(Rng& rng) const {
  switch (kind_) {
    case Kind::kUniform:
      return std::sqrt(a_ * a_ + (b_ * b_ - a_ * a_) * rng.unit());
    case Kind::kExponential: {
      const double before = draw(rng);
      return before + draw(rng);
    }
    case Kind::kWeibull:
      return b_ * std::pow(draw_gamma(1.0 + 1.0 / a_, rng), 1.0 / a_);
    case Kind::kPareto:
      return b_ * std::pow(open_unit(rng), -1.0 / (a_ - 1.0));
    case Kind::kLognormal:
      return a_ * std::exp(b_ * b_ + b_ * draw_normal(rng));
    default:
      return a_;
  }
}

double Distribution::draw_residual(Rng& rng) const {
  const double whole = draw_under_way(rng);
  return whole * rng.unit();
}

std::string Distribution::to_string() const {
  switch (kind_) {
    case Kind::kUniform:
      return fmt::format("uniform({:g}, {:g})", a_, b_);
    case Kind::kExponential:
      return fmt::format("exponential(mean {:g})", a_);
    case Kind::kWeibull:
      return fmt::format("weibull(shape {:g}, mean {:g})", a_, mean());
    case Kind::kPareto:
      return fmt::format("pareto(shape {:g}, mean {:g})", a_, mean());
    case Kind::kLognormal:
      return fmt::format("lognormal(median {:g}, sigma {:g})", a_, b_);
    default:
      return fmt::format("fixed({:g})", a_);
  }
}

}  // namespace shoal::sim
