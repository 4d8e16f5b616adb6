#include "sim/diurnal_wave.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "node/base/check.h"

namespace shoal::sim {
namespace {

// At the limits themselves nobody would be away at the peak, or nobody come at another hour.
constexpr double kBelowLimit = 0.99;
constexpr int kStepsPerPeriod = 288;

double omega_of(const DiurnalSpec& spec) {
  return 2 * std::numbers::pi / to_seconds(spec.period);
}

}  // namespace

double DiurnalWave::amplitude_max(double response, double sessions_mean, double absence_mean) {
  return kBelowLimit * std::min({1.0, response, absence_mean / sessions_mean});
}

double DiurnalWave::amplitude_max(const DiurnalSpec& spec, const SessionLaw& sessions, double absence_mean) {
  return amplitude_max(std::abs(sessions.response(omega_of(spec))), sessions.mean(), absence_mean);
}

DiurnalWave::DiurnalWave(const DiurnalSpec& spec, const SessionLaw& sessions, double absence_mean)
    : sessions_(sessions), omega_(omega_of(spec)), peak_(to_seconds(spec.peak)) {
  check(absence_mean > 0);
  const double mean = sessions.mean();
  const std::complex<double> response = sessions.response(omega_);
  share_ = mean / (mean + absence_mean);
  amplitude_ = std::min(spec.amplitude, amplitude_max(std::abs(response), mean, absence_mean));
  arrival_amplitude_ = amplitude_ / std::abs(response);
  arrival_lead_ = -std::arg(response);
  per_period_ = 0;
  const double step = to_seconds(spec.period) / kStepsPerPeriod;
  for (int i = 0; i < kStepsPerPeriod; ++i) per_period_ += step * pace(i * step);
}

double DiurnalWave::online_share(double when) const {
  return share_ * (1 + amplitude_ * std::cos(omega_ * (when - peak_)));
}

double DiurnalWave::arrivals(double when) const {
  return 1 + arrival_amplitude_ * std::cos(omega_ * (when - peak_) + arrival_lead_);
}

double DiurnalWave::pace(double when) const {
  return (1 - share_) * arrivals(when) / (1 - online_share(when));
}

// Whole periods at once, then step by step, the last step in part.
double DiurnalWave::absence(double when, double drawn) const {
  const double period = 2 * std::numbers::pi / omega_;
  const double step = period / kStepsPerPeriod;
  const double periods = std::floor(drawn / per_period_);
  double left = drawn - periods * per_period_;
  for (int i = 0; i < kStepsPerPeriod; ++i) {
    const double passed = step * pace(when + (i + 0.5) * step);
    if (left <= passed) return periods * period + step * (i + left / passed);
    left -= passed;
  }
  return (periods + 1) * period;
}

// Of the sessions under way in the stationary state, those that began when more hosts came are more.
double DiurnalWave::residual_session(double when, Rng& rng) const {
  for (;;) {
    const double whole = sessions_.draw_under_way(rng);
    const double age = whole * rng.unit();
    if (rng.unit() * (1 + arrival_amplitude_) <= arrivals(when - age)) return whole - age;
  }
}

}  // namespace shoal::sim
