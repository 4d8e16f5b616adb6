#include "sim/churn.h"

#include <algorithm>
#include <utility>

#include "node/base/check.h"
#include "sim/host_name.h"

namespace shoal::sim {
namespace {

Duration bounded(double seconds) {
  return std::max(Duration(1ms), from_seconds(std::min(seconds, SessionLaw::kSecondsMax)));
}

// Without overflow.
Duration later(Duration when, Duration by) {
  return by > Churn::kForever - when ? Churn::kForever : when + by;
}

}  // namespace

Churn::Churn(const Scenario& scenario, std::function<std::uint32_t(HostIndex)> region_of)
    : spec_(scenario.churn),
      seed_(scenario.seed),
      bootstrap_hosts_(scenario.population.bootstrap_hosts),
      arrival_over_(scenario.population.arrival_over),
      region_of_(std::move(region_of)) {
  if (spec_ && spec_->diurnal && spec_->correlation <= 0) wave_ = wave_of(SessionLaw(spec_->session));
}

SessionLaw Churn::sessions_of(HostIndex host) const {
  if (spec_->correlation <= 0) return SessionLaw(spec_->session);
  Rng rng = Rng::keyed(seed_, host_name(host), "latent");
  return SessionLaw(spec_->session, spec_->correlation, draw_normal(rng));
}

DiurnalWave Churn::wave_of(const SessionLaw& sessions) const {
  return wave_ ? *wave_ : DiurnalWave(*spec_->diurnal, sessions, spec_->absence->mean());
}

double Churn::local_time(HostIndex host, Duration when) const {
  const bool shifted = spec_->diurnal->region_shift != Duration::zero() && region_of_;
  const std::uint32_t region = shifted ? region_of_(host) : 0;
  return to_seconds(when) - region * to_seconds(spec_->diurnal->region_shift);
}

// The order of these draws is part of what a seed means.
Churn::Turn Churn::draw_turn(Rng& rng, double session_s) const {
  Turn turn;
  turn.session = bounded(session_s);
  turn.crash = rng.unit() < spec_->crash_share;
  turn.keeps_identity = rng.unit() < spec_->keep_share;
  if (spec_->absence) turn.absence_s = std::min(spec_->absence->draw(rng), SessionLaw::kSecondsMax);
  return turn;
}

Churn::Start Churn::start(HostIndex host) const {
  if (host < bootstrap_hosts_) return {};
  if (spec_ && spec_->trace) return traced_start(host);
  Rng rng = Rng::keyed(seed_, host_name(host), "churn");
  Start start;
  start.joins = Duration(static_cast<Duration::rep>(rng.unit() * static_cast<double>(arrival_over_.count())));
  if (!spec_) return start;
  const SessionLaw sessions = sessions_of(host);
  std::optional<DiurnalWave> wave;
  if (spec_->diurnal) wave = wave_of(sessions);
  const double when = wave ? local_time(host, start.joins) : 0;
  const double mean = sessions.mean();
  const double absence = spec_->absence ? spec_->absence->mean() : 0;
  const double present_share = wave ? wave->online_share(when) : mean / (mean + absence);
  if (rng.unit() < present_share) {
    start.turn = draw_turn(rng, wave ? wave->residual_session(when, rng) : sessions.draw_residual(rng));
    return start;
  }
  const double away = spec_->absence->draw_residual(rng);
  start.joins += bounded(wave ? wave->absence(when, away) : away);
  start.turn = draw_turn(rng, sessions.draw(rng));
  return start;
}

Churn::Turn Churn::turn(HostIndex host, std::uint32_t n, Duration began) const {
  if (!spec_ || host < bootstrap_hosts_) return {};
  Rng rng = Rng::keyed(seed_, host_name(host), fmt::format("churn {}", n));
  if (!spec_->trace) return draw_turn(rng, sessions_of(host).draw(rng));
  Turn turn = draw_turn(rng, 0);
  const TracedSession* const session = traced(host, began);
  check(session != nullptr, "a host is there that its trace does not name");
  turn.session = session->leaves == kForever ? kForever : session->leaves - began;
  turn.crash = session->crash.value_or(turn.crash);
  return turn;
}

Duration Churn::next_join(HostIndex host, const Turn& turn, Duration ended) const {
  if (!spec_ || spec_->trace) return join_after(host, ended);
  if (!spec_->absence) return ended;
  double away = turn.absence_s;
  if (spec_->diurnal) away = wave_of(sessions_of(host)).absence(local_time(host, ended), away);
  return later(ended, bounded(away));
}

Duration Churn::join_after(HostIndex host, Duration kept_until) const {
  if (!spec_ || !spec_->trace || host < bootstrap_hosts_) return kept_until;
  const TracedSession* const session = traced(host, kept_until);
  return session != nullptr ? std::max(session->joins, kept_until) : kForever;
}

// Traces

Churn::Start Churn::traced_start(HostIndex host) const {
  Start start;
  start.joins = join_after(host, Duration::zero());
  if (start.joins != kForever) start.turn = turn(host, 0, start.joins);
  return start;
}

const TracedSession* Churn::traced(HostIndex host, Duration when) const {
  const std::size_t place = host - bootstrap_hosts_;
  if (place >= spec_->trace->hosts.size()) return nullptr;
  const std::vector<TracedSession>& sessions = spec_->trace->hosts[place];
  const auto found = std::ranges::upper_bound(sessions, when, {}, &TracedSession::leaves);
  return found != sessions.end() ? &*found : nullptr;
}

}  // namespace shoal::sim
