// A whole run of real nodes in which a test breaks a node, its disk or the network on purpose, and what the
// oracle saw of it. Each run has a process of its own, as the engine demands.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/scenario_reader.h"
#include "sim/simulation.h"

namespace shoal::sim {

// A host whose alarm clock and, if told so, whose mouth fall silent for good.
struct Silence {
  HostIndex host = 0;
  Duration from{};
  bool sends = true;
};

// A node like any other, on a host that the simulation did not put there.
class Stranger final : public HostedNode, private NodeListener {
 public:
  Stranger(Network& network, const NodeConfig& config, const Endpoint& bootstrap)
      : network_(network), host_(network.add_host()), ports_(network.ports(host_)), items_(commits_) {
    NodeConfig own = config;
    own.bootstrap = {bootstrap};
    const KeyPair keys = KeyPair::from_seed(Rng::keyed(1, "stranger", "key").seed());
    node_ = std::make_unique<Node>(own, keys, 1, CipherKind::kModelled, Rng::keyed(1, "stranger", "node"),
                                   NodePorts{ports_.clock, ports_.alarm, ports_.datagrams, ports_.streams,
                                             items_, hosts_, contacts_, *this, nullptr});
    node_->start();
    network.attach(host_, *this);
  }
  ~Stranger() override { network_.detach(host_); }

  HostIndex host() const { return host_; }
  const Id& id() const { return node_->id(); }
  // Takes up these groups at its next event.
  void join(std::vector<GroupKey> keys) { node_->on_groups(std::move(keys)); }

 private:
  PortEvents& events() override { return *node_; }
  bool run_jobs() override {
    for (const CommitCompletion& done : commits_.take()) node_->on_committed(done.commit, done.outcome);
    return node_->run_jobs(256);
  }
  void on_command_result(CommandId, const CommandResult&) override {}
  void on_stopped() override {}

  Network& network_;
  HostIndex host_;
  HostPorts ports_;
  CommitQueue commits_;
  MemoryItemStore items_;
  MemoryHostStore hosts_;
  ContactBook contacts_;
  std::unique_ptr<Node> node_;
};

// A run about to begin.
struct Stage {
  Network& network;
  Recorder& recorder;
  Simulation& simulation;
  const Scenario& scenario;
  std::shared_ptr<void> props;  // lives as long as the run

  void at(Duration when, std::function<void()> act) { network.at(Instant{} + when, std::move(act)); }
  // On every disk of the population, in the order of hosts.
  void on_disks(const std::function<void(HostIndex, ItemStore&)>& act) {
    for (HostIndex host = 0; host < simulation.population().size(); ++host) {
      if (ItemStore* store = simulation.population().store(host)) act(host, *store);
    }
  }
};

struct Plan {
  std::string scenario;
  std::function<void(OracleConfig&)> config = [](OracleConfig&) {};
  std::optional<Silence> silence = std::nullopt;
  std::function<void(Stage&)> sabotage = [](Stage&) {};
};

struct Seen {
  std::map<std::string, std::uint64_t> checks, violations;  // by rule; none of zero
  std::vector<std::string> fired() const {
    std::vector<std::string> rules;
    for (const auto& entry : violations) rules.push_back(entry.first);
    return rules;
  }
};

Seen perform(const Plan& plan);

// The scenario with more of a node's configuration.
std::string with_node(std::string scenario, const std::string& node);

}  // namespace shoal::sim
