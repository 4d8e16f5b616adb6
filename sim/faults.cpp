#include "sim/faults.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/deal.h"
#include "sim/host_name.h"
#include "sim/units.h"
#include "sim/victims.h"

namespace shoal::sim {
namespace {

std::string describe(const PartitionFault& partition) {
  std::vector<std::string> shares;
  for (const double share : partition.groups) shares.push_back(fmt::format("{:g}", 100 * share));
  std::string text = fmt::format("partition {} %", fmt::join(shares, " / "));
  if (partition.by_region) text += " of the regions";
  if (partition.one_way) text += ", one way";
  if (partition.flap) {
    text += fmt::format(", {} cut and {} healed", print_duration(partition.flap->down),
                        print_duration(partition.flap->up));
  }
  return text;
}

}  // namespace

Faults::Faults(const Scenario& scenario, Network& network, Population& population, Recorder& recorder)
    : scenario_(scenario),
      network_(network),
      population_(population),
      recorder_(recorder),
      host_faults_(scenario, network, population),
      start_(network.now()) {}

void Faults::start() {
  for (std::uint32_t i = 0; i < scenario_.faults.size(); ++i) {
    network_.at(start_ + scenario_.faults[i].at, [this, i] { begin(i); });
  }
}

Rng Faults::rng_of(std::uint32_t fault) const {
  return Rng::keyed(scenario_.seed, fmt::format("fault-{}", fault), "choice");
}

bool Faults::is_instant(const FaultSpec& fault) {
  const auto* clock = std::get_if<ClockFault>(&fault.what);
  const bool jump_alone = clock != nullptr && clock->drift == 0 && !fault.lasts;
  const bool killed_for_good = std::holds_alternative<KillFault>(fault.what) && !fault.lasts;
  return jump_alone || killed_for_good || std::holds_alternative<BitRotFault>(fault.what) ||
         std::holds_alternative<ChangeAddressFault>(fault.what);
}

void Faults::record(std::uint32_t fault, const char* kind, std::string what) {
  const FaultSpec& spec = scenario_.faults[fault];
  const Instant run_end = start_ + scenario_.duration;
  const Instant begin = network_.now();
  Instant end = std::min(end_of(fault).value_or(run_end), run_end);
  if (is_instant(spec)) end = begin;
  recorder_.fault(kind, begin, end, std::move(what));
}

void Faults::begin(std::uint32_t fault) {
  const FaultSpec& spec = scenario_.faults[fault];
  std::visit([&](const auto& what) { begin(fault, what); }, spec.what);
  if (const auto over = end_of(fault)) network_.at(*over, [this, fault] { end(fault); });
}

std::optional<Instant> Faults::end_of(std::uint32_t fault) const {
  const FaultSpec& spec = scenario_.faults[fault];
  if (!spec.lasts) return std::nullopt;
  const Instant begin = start_ + spec.at;
  const Instant end = begin + *spec.lasts;
  const auto* partition = std::get_if<PartitionFault>(&spec.what);
  if (partition == nullptr || !partition->flap) return end;
  const PartitionFault::Flap& flap = *partition->flap;
  const Instant last_cut = begin + *spec.lasts / (flap.down + flap.up) * (flap.down + flap.up);
  // At the very end nothing is cut any more: then it is the cut before.
  return last_cut == end ? end - flap.up : std::min(last_cut + flap.down, end);
}

void Faults::end(std::uint32_t fault) {
  const auto end_it = [&](const auto& what) {
    if constexpr (requires { HostFaults::kind(what); }) {
      host_faults_.end(fault, what);
    } else {
      end(what);
    }
  };
  std::visit(end_it, scenario_.faults[fault].what);
}

void Faults::begin(std::uint32_t fault, const PartitionFault& partition) {
  partition_.group_of_host = deal(fault, partition);
  partition_.one_way = partition.one_way;
  record(fault, "partition", describe(partition));
  cut(fault);
}

std::vector<std::uint8_t> Faults::deal(std::uint32_t fault, const PartitionFault& partition) const {
  Rng rng = rng_of(fault);
  if (!partition.by_region) return deal_groups(population_.size(), partition.groups, rng);
  std::uint32_t regions = 0;
  for (HostIndex host = 0; host < population_.size(); ++host) {
    regions = std::max(regions, network_.region(host) + 1);
  }
  const std::vector<std::uint8_t> group_of_region = deal_groups(regions, partition.groups, rng);
  std::vector<std::uint8_t> groups;
  for (HostIndex host = 0; host < population_.size(); ++host) {
    groups.push_back(group_of_region[network_.region(host)]);
  }
  return groups;
}

void Faults::cut(std::uint32_t fault) {
  network_.set_partition(partition_);
  const auto& flap = std::get<PartitionFault>(scenario_.faults[fault].what).flap;
  if (!flap) return;
  const Instant heals = network_.now() + flap->down;
  const std::optional<Instant> over = end_of(fault);
  if (over && heals >= *over) return;
  network_.at(heals, [this] { network_.set_partition({}); });
  network_.at(heals + flap->up, [this, fault] { cut(fault); });
}

void Faults::end(const PartitionFault&) {
  network_.set_partition({});
  recorder_.partition_healed(std::move(partition_.group_of_host), network_.now());
  partition_ = {};
}

template <class Value>
void Faults::change(Value Disturbance::*what, std::type_identity_t<Value> to) {
  disturbance_.*what = std::move(to);
  network_.set_disturbance(disturbance_);
}

void Faults::begin(std::uint32_t fault, const LossFault& loss) {
  record(fault, "loss", fmt::format("{:g} % loss", 100 * loss.share));
  change(&Disturbance::loss, loss.share);
}

void Faults::end(const LossFault&) {
  change(&Disturbance::loss, 0.0);
}

void Faults::begin(std::uint32_t fault, const DelayFault& delay) {
  record(fault, "delay", fmt::format("{:.0f} ms more delay", 1e3 * delay.more.mean()));
  change(&Disturbance::delay, {delay.more});
}

void Faults::end(const DelayFault&) {
  change(&Disturbance::delay, {});
}

void Faults::begin(std::uint32_t fault, const DuplicateFault& duplicate) {
  record(fault, "duplicate", fmt::format("{:g} % sent twice", 100 * duplicate.share));
  change(&Disturbance::duplicate, duplicate.share);
}

void Faults::end(const DuplicateFault&) {
  change(&Disturbance::duplicate, 0.0);
}

void Faults::begin(std::uint32_t fault, const ReorderFault& fault_spec) {
  const ReorderSpec& reorder = fault_spec.reorder;
  record(fault, "reorder",
         fmt::format("{:g} % held back by up to {}", 100 * reorder.share, print_duration(reorder.by)));
  change(&Disturbance::reorder, reorder);
}

void Faults::end(const ReorderFault&) {
  change(&Disturbance::reorder, {});
}

void Faults::begin(std::uint32_t fault, const KillFault& kill) {
  const std::optional<Duration> lasts = scenario_.faults[fault].lasts;
  Rng rng = rng_of(fault);
  const Victims victims = choose_victims(kill.whom, lasts.has_value(), scenario_, network_, population_, rng);
  record(fault, "kill", victims.what + " killed");
  recorder_.fault_hits(victims.hosts);
  for (const HostIndex host : victims.hosts) {
    std::optional<Duration> away = lasts;
    if (away) {
      Rng of_host = Rng::keyed(scenario_.seed, host_name(host), fmt::format("return of fault-{}", fault));
      *away += Duration(
          static_cast<Duration::rep>(of_host.unit() * static_cast<double>(kill.return_over.count())));
    }
    population_.kill(host, away);
  }
  if (!lasts) recorder_.watch_recovery(network_.now());
}

void Faults::end(const KillFault&) {
  recorder_.watch_recovery(network_.now());
}

void Faults::begin(std::uint32_t fault, const ChangeAddressFault& change) {
  Rng rng = rng_of(fault);
  Victims victims = choose_victims(change.whom, false, scenario_, network_, population_, rng);
  std::erase_if(victims.hosts, [this](HostIndex host) { return !network_.change_address(host); });
  record(fault, "change_address", "new addresses for " + victims.what);
  recorder_.fault_hits(victims.hosts);
  for (const HostIndex host : victims.hosts) recorder_.host_moved(host, network_.now());
  recorder_.watch_recovery(network_.now());
}

}  // namespace shoal::sim
