// StaticNetworkOfNodes: the hosts of a static_*.yaml scenario, whole nodes over the message fidelity, joined
// and at rest; and what lookups and walks by `next` among them come to. One per process, as the engine
// demands.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "node/control/command.h"
#include "sim/population.h"
#include "sim/scenario.h"
#include "tests/sim/static_reference.h"

namespace shoal::sim {

class StaticNetworkOfNodes final : private CommandListener {
 public:
  // Runs the scenario up to the end of its warm-up.
  explicit StaticNetworkOfNodes(const std::string& scenario_file);
  ~StaticNetworkOfNodes() override;

  // Lookups of random ids from random hosts, in the terms of the reference.
  HopStatistics look_up(std::size_t samples);
  // Steps from a random host to the one closest to a random id, each step asked by get_next_connection;
  // nothing when the walk does not end there within `steps_max`.
  std::optional<std::size_t> walk(std::size_t steps_max);

  const Scenario& scenario() const { return scenario_; }

 private:
  void on_command_result(HostIndex host, CommandId command, const CommandResult& result) override;
  void on_host_gone(HostIndex) override {}

  CommandResult run(HostIndex host, Command command);
  const Contact& closest_to(const Id& target, const Id& except) const;

  Scenario scenario_;
  Oracle oracle_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<Population> population_;
  std::vector<Contact> hosts_;
  Rng rng_;
  std::uint64_t commands_ = 0;
  std::optional<CommandResult> result_;
};

}  // namespace shoal::sim
