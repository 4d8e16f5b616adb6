#include "tests/sim/static_network.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "node/secure/keys.h"
#include "sim/scenario_reader.h"

namespace shoal::sim {
namespace {

double percentile(const std::vector<double>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted.at(std::max<std::size_t>(rank, 1) - 1);
}

}  // namespace

StaticNetworkOfNodes::StaticNetworkOfNodes(const std::string& scenario_file)
    : rng_(Rng::keyed(1, "test", "static network")) {
  init_crypto();
  ScenarioOrErrors read = read_scenario(scenario_file);
  if (!read.errors.empty()) throw std::runtime_error("the scenario has errors: " + scenario_file);
  scenario_ = std::move(read.scenario);
  RunInfo info;
  info.duration = scenario_.duration;
  recorder_ = std::make_unique<Recorder>(info, oracle_);
  network_ = Network::make(scenario_.network, scenario_.seed);
  population_ = std::make_unique<Population>(scenario_, *network_, *recorder_);
  population_->start(this);
  network_->run_until(network_->now() + scenario_.warm_up);
  population_->for_each_running([&](HostIndex host, const Node& node) {
    hosts_.push_back({node.id(), network_->endpoint(host)});
  });
}

StaticNetworkOfNodes::~StaticNetworkOfNodes() = default;

void StaticNetworkOfNodes::on_command_result(HostIndex, CommandId command, const CommandResult& result) {
  if (command.value == commands_) result_ = result;
}

CommandResult StaticNetworkOfNodes::run(HostIndex host, Command command) {
  result_.reset();
  population_->command(host, CommandId{++commands_}, std::move(command));
  while (!result_) network_->run_until(network_->now() + 10ms);
  return *result_;
}

const Contact& StaticNetworkOfNodes::closest_to(const Id& target, const Id& except) const {
  const Contact* closest = nullptr;
  for (const Contact& host : hosts_) {
    if (host.key == except) continue;
    if (closest == nullptr || closer(target, host.key, closest->key)) closest = &host;
  }
  return *closest;
}

HopStatistics StaticNetworkOfNodes::look_up(std::size_t samples) {
  std::vector<double> hops;
  double messages = 0;
  std::size_t counted = 0;
  while (counted < samples) {
    const auto origin = static_cast<HostIndex>(rng_.below(hosts_.size()));
    const Id target = rng_.id();
    const Contact& truth = closest_to(target, hosts_[origin].key);
    if (closer(target, hosts_[origin].key, truth.key)) continue;  // as in the reference
    ++counted;
    const CommandResult result = run(origin, FindCommand{target});
    if (!result) continue;
    const LookupReport& report = std::get<FindResult>(*result).lookup;
    messages += report.requests;
    if (report.closest.empty() || report.closest.front().contact.key != truth.key) continue;
    hops.push_back(report.closest.front().hops);
  }
  std::sort(hops.begin(), hops.end());
  HopStatistics statistics;
  for (const double h : hops) statistics.hops_mean += h / static_cast<double>(hops.size());
  statistics.hops_p50 = percentile(hops, 0.5);
  statistics.hops_p90 = percentile(hops, 0.9);
  statistics.hops_p99 = percentile(hops, 0.99);
  statistics.messages_mean = messages / static_cast<double>(samples);
  statistics.found_ratio = static_cast<double>(hops.size()) / static_cast<double>(samples);
  return statistics;
}

std::optional<std::size_t> StaticNetworkOfNodes::walk(std::size_t steps_max) {
  const auto asker = static_cast<HostIndex>(rng_.below(hosts_.size()));
  const Id target = rng_.id();
  Contact at = hosts_[rng_.below(hosts_.size())];
  if (at.key == hosts_[asker].key) return walk(steps_max);
  const Contact& goal = closest_to(target, Id{});
  for (std::size_t steps = 0; steps <= steps_max; ++steps) {
    if (at.key == goal.key) return steps;
    // A host asks itself by looking into its own table.
    const bool own = at.key == hosts_[asker].key;
    const CommandResult result =
        run(asker, NextCommand{target, own ? std::nullopt : std::optional<Contact>(at)});
    if (!result) return std::nullopt;
    const auto& next = std::get<NextResult>(*result).contact;
    if (!next) return std::nullopt;
    at = *next;
  }
  return std::nullopt;
}

}  // namespace shoal::sim
