#include "tests/sim/sabotaged_run.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <sstream>

#include "node/secure/keys.h"
#include "tests/sim/network_decorator.h"

namespace shoal::sim {
namespace {

class SilencedHost final : public Alarm, public Datagrams {
 public:
  SilencedHost(HostPorts inner, const Network& network, Instant from, bool sends)
      : inner_(inner), network_(network), from_(from), sends_(sends) {}
  HostPorts ports() { return {inner_.clock, *this, *this, inner_.streams}; }

  void wake_at(Instant when) override {
    if (when < from_) inner_.alarm.wake_at(when);
  }
  bool send(const Endpoint& to, ByteView datagram) override {
    return (!sends_ && network_.now() >= from_) || inner_.datagrams.send(to, datagram);
  }
  Result<void> join(const Endpoint& group) override { return inner_.datagrams.join(group); }
  void leave(const Endpoint& group) override { inner_.datagrams.leave(group); }

 private:
  HostPorts inner_;
  const Network& network_;
  Instant from_;
  bool sends_;
};

class SabotagedNetwork final : public NetworkDecorator {
 public:
  SabotagedNetwork(std::unique_ptr<Network> inner, std::optional<Silence> silence)
      : NetworkDecorator(std::move(inner)), silence_(silence) {}
  HostPorts ports(HostIndex host) override {
    const HostPorts ports = NetworkDecorator::ports(host);
    if (!silence_ || host != silence_->host) return ports;
    silenced_ = std::make_unique<SilencedHost>(ports, *this, Instant{} + silence_->from, silence_->sends);
    return silenced_->ports();
  }

 private:
  std::optional<Silence> silence_;
  std::unique_ptr<SilencedHost> silenced_;
};

std::string act(const Plan& plan) {
  init_crypto();
  const ScenarioOrErrors read = parse_scenario(plan.scenario, "x.yaml");
  if (!read.errors.empty()) return read.errors.front().to_string();
  const Scenario& scenario = read.scenario;
  OracleConfig config = oracle_config_for(scenario.population.node);
  plan.config(config);
  Oracle oracle(config);
  RunInfo info;
  info.duration = scenario.duration;
  Recorder recorder(info, oracle);
  SabotagedNetwork network(Network::make(scenario.network, scenario.seed), plan.silence);
  Simulation simulation(scenario, network, recorder);
  Stage stage{network, recorder, simulation, scenario, nullptr};
  // The population's hosts are the network's first: the act begins when they are there.
  network.at(network.now(), [&] { plan.sabotage(stage); });
  simulation.run([](Duration) { return true; });
  stage.props.reset();
  std::string text;
  for (std::size_t i = 0; i < kRules; ++i) {
    const auto rule = static_cast<Rule>(i);
    text += fmt::format("{} {} {}\n", to_string(rule), oracle.checks(rule), oracle.violations(rule));
  }
  return text;
}

}  // namespace

Seen perform(const Plan& plan) {
  std::array<int, 2> ends{};
  Seen seen;
  if (pipe(ends.data()) != 0) return seen;
  const pid_t child = fork();
  if (child == 0) {
    const std::string text = act(plan);
    const bool written = write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
    _exit(written ? 0 : 1);
  }
  close(ends[1]);
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; (n = read(ends[0], buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0) << "the run broke off";
  std::istringstream lines(text);
  std::string rule;
  std::size_t rules = 0;
  for (std::uint64_t checks = 0, violations = 0; lines >> rule >> checks >> violations; ++rules) {
    if (checks > 0) seen.checks[rule] = checks;
    if (violations > 0) seen.violations[rule] = violations;
  }
  EXPECT_EQ(rules, kRules) << text;
  return seen;
}

std::string with_node(std::string scenario, const std::string& node) {
  const std::string population = "population: {";
  return scenario.replace(scenario.find(population), population.size(),
                          population + "node: {" + node + "}, ");
}

}  // namespace shoal::sim
