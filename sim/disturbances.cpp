#include "sim/disturbances.h"

#include <fmt/format.h>

#include <algorithm>

namespace shoal::sim {
namespace {

constexpr std::uint64_t kCopies = 0x636f70696573;    // "copies"
constexpr std::uint64_t kReordering = 0x72656f7264;  // "reord"

// Of two independent causes.
double either(double a, double b) {
  return 1.0 - (1.0 - std::clamp(a, 0.0, 1.0)) * (1.0 - std::clamp(b, 0.0, 1.0));
}

Duration share_of(Duration whole, double unit) {
  return Duration(static_cast<Duration::rep>(static_cast<double>(whole.count()) * unit));
}

}  // namespace

Disturbances::Disturbances(const Disturbance& always, std::uint64_t seed) : always_(always), seed_(seed) {
  add({});
}

void Disturbances::add(const Disturbance& extra) {
  loss_ = either(always_.loss, extra.loss);
  duplicate_ = either(always_.duplicate, extra.duplicate);
  delay_ = extra.delay ? extra.delay : always_.delay;
  reorder_.share = either(always_.reorder.share, extra.reorder.share);
  const bool both = always_.reorder.share > 0 && extra.reorder.share > 0;
  reorder_.by = both ? std::max(always_.reorder.by, extra.reorder.by)
                     : (extra.reorder.share > 0 ? extra.reorder.by : always_.reorder.by);
}

Duration Disturbances::delay(HostIndex from) {
  Duration delay{};
  if (delay_) {
    const double seconds = delay_->draw(delay_draws(from));
    delay = from_seconds(std::clamp(seconds, 0.0, to_seconds(kExtraDelayMax)));
  }
  if (reorder_.share > 0) {
    SplitMix& draws = draws_of(reorderings_, from, kReordering);
    if (draws.unit() < reorder_.share) delay += share_of(reorder_.by, draws.unit());
  }
  return delay;
}

std::optional<Instant> Disturbances::copy_arrives(HostIndex from, Instant arrives) {
  SplitMix& draws = draws_of(copies_, from, kCopies);
  if (draws.unit() >= duplicate_) return std::nullopt;
  return arrives + share_of(kCopyAfterMax, draws.unit());
}

SplitMix& Disturbances::draws_of(std::vector<SplitMix>& draws, HostIndex host, std::uint64_t purpose) const {
  while (draws.size() <= host) draws.emplace_back(seed_ ^ purpose, draws.size());
  return draws[host];
}

Rng& Disturbances::delay_draws(HostIndex host) {
  while (delays_.size() <= host) {
    delays_.push_back(Rng::keyed(seed_, fmt::format("host {}", delays_.size()), "extra delay"));
  }
  return delays_[host];
}

}  // namespace shoal::sim
