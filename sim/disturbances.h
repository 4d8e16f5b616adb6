// Disturbances: losses, delays, copies and reordering, as the network has them always and as a fault adds to
// them for a while. What is not in use costs a comparison.
//
// Delays, copies and reordering are drawn from streams of their own, one of each a host: neither another host
// nor another disturbance changes them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "node/base/instant.h"
#include "node/base/rng.h"
#include "sim/host_index.h"
#include "sim/network_spec.h"
#include "sim/split_mix.h"

namespace shoal::sim {

class Disturbances {
 public:
  Disturbances(const Disturbance& always, std::uint64_t seed);

  // In place of what was added before.
  void add(const Disturbance& extra);

  // Of one packet, all causes together.
  double loss() const { return loss_; }
  bool delaying() const { return delay_.has_value() || reorder_.share > 0; }
  // How much later a packet of `from` arrives, for the law and for being held back. Only while delaying().
  Duration delay(HostIndex from);
  bool duplicating() const { return duplicate_ > 0; }
  // When a copy of a packet that arrives at `arrives` arrives; nothing: there is none. Only while
  // duplicating().
  std::optional<Instant> copy_arrives(HostIndex from, Instant arrives);

  // A copy follows by less.
  static constexpr Duration kCopyAfterMax = 10ms;

 private:
  SplitMix& draws_of(std::vector<SplitMix>& draws, HostIndex host, std::uint64_t purpose) const;
  Rng& delay_draws(HostIndex host);

  Disturbance always_;
  std::uint64_t seed_;
  // Both together
  double loss_ = 0;
  std::optional<Distribution> delay_;
  double duplicate_ = 0;
  ReorderSpec reorder_;
  // By host, as far as it has come up
  std::vector<Rng> delays_;
  std::vector<SplitMix> copies_;
  std::vector<SplitMix> reorderings_;
};

}  // namespace shoal::sim
