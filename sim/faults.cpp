#include "sim/faults.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/deal.h"

namespace shoal::sim {

Faults::Faults(const Scenario& scenario, Network& network, Population& population, Recorder& recorder)
    : scenario_(scenario),
      network_(network),
      population_(population),
      recorder_(recorder),
      start_(network.now()) {}

void Faults::start() {
  for (std::uint32_t i = 0; i < scenario_.faults.size(); ++i) {
    network_.at(start_ + scenario_.faults[i].at, [this, i] { begin(i); });
  }
}

Rng Faults::rng_of(std::uint32_t fault) const {
  return Rng::keyed(scenario_.seed, fmt::format("fault-{}", fault), "choice");
}

void Faults::record(std::uint32_t fault, const char* kind, std::string what) {
  const FaultSpec& spec = scenario_.faults[fault];
  const Instant run_end = start_ + scenario_.duration;
  const Instant begin = network_.now();
  Instant end = spec.lasts ? std::min(begin + *spec.lasts, run_end) : run_end;
  if (std::holds_alternative<KillFault>(spec.what)) end = begin;
  recorder_.fault(kind, begin, end, std::move(what));
}

void Faults::begin(std::uint32_t fault) {
  const FaultSpec& spec = scenario_.faults[fault];
  std::visit([&](const auto& what) { begin(fault, what); }, spec.what);
  if (spec.lasts) network_.at(network_.now() + *spec.lasts, [this, fault] { end(fault); });
}

void Faults::end(std::uint32_t fault) {
  std::visit([&](const auto& what) { end(what); }, scenario_.faults[fault].what);
}

void Faults::begin(std::uint32_t fault, const PartitionFault& partition) {
  Rng rng = rng_of(fault);
  groups_ = deal_groups(population_.size(), partition.groups, rng);
  std::vector<std::string> shares;
  for (const double share : partition.groups) shares.push_back(fmt::format("{:g}", 100 * share));
  record(fault, "partition", fmt::format("partition {} %", fmt::join(shares, " / ")));
  network_.set_partition(groups_);
}

void Faults::end(const PartitionFault&) {
  network_.set_partition({});
  recorder_.partition_healed(std::exchange(groups_, {}), network_.now());
}

void Faults::begin(std::uint32_t fault, const LossFault& loss) {
  record(fault, "loss", fmt::format("{:g} % loss", 100 * loss.share));
  network_.set_extra_loss(loss.share);
}

void Faults::end(const LossFault&) {
  network_.set_extra_loss(0);
}

void Faults::begin(std::uint32_t fault, const KillFault& kill) {
  Rng rng = rng_of(fault);
  std::vector<HostIndex> victims;
  for (HostIndex host = scenario_.population.bootstrap_hosts; host < population_.size(); ++host) {
    if (population_.is_online(host)) victims.push_back(host);
  }
  shuffle(victims, rng);
  const double count = kill.share * static_cast<double>(population_.online_count());
  victims.resize(std::min(victims.size(), static_cast<std::size_t>(std::llround(count))));
  record(fault, "kill", fmt::format("{:g} % of hosts killed", 100 * kill.share));
  for (const HostIndex host : victims) population_.kill(host, scenario_.faults[fault].lasts);
}

}  // namespace shoal::sim
