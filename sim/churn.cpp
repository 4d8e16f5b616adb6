#include "sim/churn.h"

#include <algorithm>

#include "sim/host_name.h"

namespace shoal::sim {
namespace {

// A heavy tail can give more seconds than a Duration holds.
Duration bounded(double seconds) {
  constexpr double kTenYears = 3.2e8;
  return std::max(Duration(1ms), from_seconds(std::min(seconds, kTenYears)));
}

}  // namespace

Churn::Churn(const Scenario& scenario)
    : spec_(scenario.churn),
      seed_(scenario.seed),
      bootstrap_hosts_(scenario.population.bootstrap_hosts),
      arrival_over_(scenario.population.arrival_over) {}

// The order of these draws is part of what a seed means.
Churn::Turn Churn::draw_turn(Rng& rng, bool residual) const {
  Turn turn;
  turn.session = bounded(residual ? spec_->session.draw_residual(rng) : spec_->session.draw(rng));
  turn.crash = rng.unit() < spec_->crash_share;
  turn.keeps_identity = rng.unit() < spec_->keep_share;
  if (spec_->absence) turn.absence = bounded(spec_->absence->draw(rng));
  return turn;
}

Churn::Start Churn::start(HostIndex host) const {
  if (host < bootstrap_hosts_) return {};
  Rng rng = Rng::keyed(seed_, host_name(host), "churn");
  Start start;
  start.joins = Duration(static_cast<Duration::rep>(rng.unit() * static_cast<double>(arrival_over_.count())));
  if (!spec_) return start;
  const double session = spec_->session.mean();
  const double absence = spec_->absence ? spec_->absence->mean() : 0;
  const bool present = rng.unit() * (session + absence) < session;
  if (!present) start.joins += bounded(spec_->absence->draw_residual(rng));
  start.turn = draw_turn(rng, present);
  return start;
}

Churn::Turn Churn::turn(HostIndex host, std::uint32_t n) const {
  if (!spec_ || host < bootstrap_hosts_) return {};
  Rng rng = Rng::keyed(seed_, host_name(host), fmt::format("churn {}", n));
  return draw_turn(rng, false);
}

}  // namespace shoal::sim
