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

void Faults::record(const FaultSpec& spec, const char* kind, std::string what) {
  const Instant run_end = start_ + scenario_.duration;
  const Instant begin = network_.now();
  Instant end = spec.lasts ? std::min(begin + *spec.lasts, run_end) : run_end;
  if (spec.kind == FaultSpec::Kind::kKill) end = begin;
  recorder_.fault(kind, begin, end, std::move(what));
}

void Faults::begin(std::uint32_t fault) {
  const FaultSpec& spec = scenario_.faults[fault];
  switch (spec.kind) {
    case FaultSpec::Kind::kPartition:
      partition(fault);
      break;
    case FaultSpec::Kind::kLoss:
      record(spec, "loss", fmt::format("{:g} % loss", 100 * spec.loss));
      network_.set_extra_loss(spec.loss);
      break;
    case FaultSpec::Kind::kKill: {
      Rng rng = rng_of(fault);
      return kill(spec, rng);
    }
  }
  if (spec.lasts) network_.at(network_.now() + *spec.lasts, [this, fault] { end(fault); });
}

void Faults::partition(std::uint32_t fault) {
  const FaultSpec& spec = scenario_.faults[fault];
  Rng rng = rng_of(fault);
  groups_ = deal_groups(population_.size(), spec.groups, rng);
  std::vector<std::string> shares;
  for (const double share : spec.groups) shares.push_back(fmt::format("{:g}", 100 * share));
  record(spec, "partition", fmt::format("partition {} %", fmt::join(shares, " / ")));
  network_.set_partition(groups_);
}

void Faults::kill(const FaultSpec& spec, Rng& rng) {
  std::vector<HostIndex> victims;
  for (HostIndex host = scenario_.population.bootstrap_hosts; host < population_.size(); ++host) {
    if (population_.is_online(host)) victims.push_back(host);
  }
  shuffle(victims, rng);
  const double count = spec.share * static_cast<double>(population_.online_count());
  victims.resize(std::min(victims.size(), static_cast<std::size_t>(std::llround(count))));
  record(spec, "kill", fmt::format("{:g} % of hosts killed", 100 * spec.share));
  for (const HostIndex host : victims) population_.kill(host, spec.lasts);
}

void Faults::end(std::uint32_t fault) {
  if (scenario_.faults[fault].kind == FaultSpec::Kind::kLoss) return network_.set_extra_loss(0);
  network_.set_partition({});
  recorder_.partition_healed(std::exchange(groups_, {}), network_.now());
}

}  // namespace shoal::sim
