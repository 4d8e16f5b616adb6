// The recorder's faults, and what the network makes of them.
#include <utility>

#include "sim/recorder.h"
#include "sim/recorder_state.h"

namespace shoal::sim {

void Recorder::fault(std::string_view kind, Instant begin, Instant end, std::string what) {
  impl_->faults.push_back({std::string(kind), begin, end, std::move(what)});
  if (kind == "partition") impl_->oracle.partition_began();
  if (is_watched(kind) && !impl_->heals.empty()) impl_->heals.back().over = true;
}

void Recorder::fault_hits(std::span<const HostIndex> hosts) {
  for (const HostIndex host : hosts) {
    if (impl_->fault_hits.size() == kFaultHitsMax) return;
    impl_->fault_hits.push_back({.fault = impl_->faults.size() - 1, .host = host, .part = {}});
  }
}

void Recorder::partition_healed(std::vector<std::uint8_t> group_of_host, Instant when) {
  impl_->oracle.partition_healed(group_of_host, when);
  Heal heal;
  heal.group_of_host = std::move(group_of_host);
  heal.when = when;
  impl_->heals.push_back(std::move(heal));
}

void Recorder::watch_recovery(Instant when) {
  Heal heal;
  heal.when = when;
  impl_->heals.push_back(std::move(heal));
}

}  // namespace shoal::sim
