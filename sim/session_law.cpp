#include "sim/session_law.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "node/base/check.h"

namespace shoal::sim {
namespace {

// Scores beyond these are rarer than one in 1e15, or so long that kSecondsMax cuts them.
constexpr double kScoreMin = -8;
constexpr double kScoreMax = 12;
constexpr double kScoreStep = 0.05;
constexpr int kScores = 400;

double score_at(double place) {
  return kScoreMin + kScoreStep * place;
}

}  // namespace

SessionLaw::SessionLaw(const Distribution& law, double correlation, double latent)
    : law_(law),
      correlated_(correlation > 0),
      offset_(std::sqrt(correlation) * latent),
      spread_(std::sqrt(1 - correlation)) {
  check(correlation >= 0 && correlation < 1);
}

double SessionLaw::at(double score) const {
  return std::min(law_.at_score(offset_ + spread_ * score), kSecondsMax);
}

template <class F>
void SessionLaw::over_scores(F&& f) const {
  for (int i = 0; i < kScores; ++i) {
    const double score = score_at(i);
    f(score, std::exp(-0.5 * score * score));
  }
}

double SessionLaw::draw(Rng& rng) const {
  return correlated_ ? at(draw_normal(rng)) : std::min(law_.draw(rng), kSecondsMax);
}

double SessionLaw::mean() const {
  if (!correlated_) return law_.mean();
  double weights = 0, total = 0;
  over_scores([&](double score, double weight) {
    weights += weight;
    total += weight * at(score);
  });
  return total / weights;
}

// The cell of the grid by the weight of its sessions, then an even place in the cell.
double SessionLaw::draw_under_way(Rng& rng) const {
  if (!correlated_) return std::min(law_.draw_under_way(rng), kSecondsMax);
  std::vector<double> up_to;
  up_to.reserve(kScores);
  over_scores([&](double score, double weight) {
    up_to.push_back((up_to.empty() ? 0 : up_to.back()) + weight * at(score));
  });
  const auto cell = std::ranges::upper_bound(up_to, rng.unit() * up_to.back());
  const double place = static_cast<double>(std::min<std::ptrdiff_t>(cell - up_to.begin(), kScores - 1));
  return at(score_at(place + rng.unit() - 0.5));
}

double SessionLaw::draw_residual(Rng& rng) const {
  const double whole = draw_under_way(rng);
  return whole * rng.unit();
}

std::complex<double> SessionLaw::response(double omega) const {
  double total = 0;
  std::complex<double> sum = 0;
  over_scores([&](double score, double weight) {
    const double length = at(score);
    total += weight * length;
    sum += weight * (1.0 - std::polar(1.0, -omega * length));
  });
  return sum / (std::complex<double>(0, omega) * total);
}

}  // namespace shoal::sim
