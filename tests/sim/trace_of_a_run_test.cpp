// A whole run reacts to one flipped byte on the wire. The flip is made between node and network, by a Network
// that wraps the real one; each run has a process of its own, as the engine demands.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "node/secure/keys.h"
#include "sim/scenario_reader.h"
#include "sim/simulation.h"
#include "tests/sim/network_decorator.h"

namespace shoal::sim {
namespace {

constexpr const char* kScenario = R"(name: x
duration: 30s
network: {fidelity: message}
population: {size: 8, arrival: {over: 2s}}
workload: {lookups: {every: 5s}}
)";

struct Flip {
  std::uint32_t datagram = 0;  // of host 1, counted from its first
  std::size_t byte = 0;
};

class FlippingDatagrams final : public Datagrams {
 public:
  FlippingDatagrams(Datagrams& inner, std::optional<Flip> flip) : inner_(inner), flip_(flip) {}
  bool send(const Endpoint& to, ByteView datagram) override {
    Bytes copy(datagram.begin(), datagram.end());
    if (flip_ && sent_++ == flip_->datagram) copy.at(flip_->byte) ^= 1;
    return inner_.send(to, copy);
  }
  Result<void> join(const Endpoint& group) override { return inner_.join(group); }
  void leave(const Endpoint& group) override { inner_.leave(group); }

 private:
  Datagrams& inner_;
  std::optional<Flip> flip_;
  std::uint32_t sent_ = 0;
};

class FlippingNetwork final : public NetworkDecorator {
 public:
  FlippingNetwork(std::unique_ptr<Network> inner, std::optional<Flip> flip)
      : NetworkDecorator(std::move(inner)), flip_(flip) {}
  HostPorts ports(HostIndex host) override {
    HostPorts ports = NetworkDecorator::ports(host);
    if (host != 1) return ports;
    flipping_ = std::make_unique<FlippingDatagrams>(ports.datagrams, flip_);
    return {ports.clock, ports.alarm, *flipping_, ports.streams};
  }

 private:
  std::optional<Flip> flip_;
  std::unique_ptr<FlippingDatagrams> flipping_;
};

struct Trace {
  std::uint64_t hash = 0;
  std::uint64_t jobs = 0;
  friend bool operator==(const Trace&, const Trace&) = default;
};

Trace simulate(std::optional<Flip> flip) {
  init_crypto();
  const Scenario scenario = parse_scenario(kScenario, "x.yaml").scenario;
  Oracle oracle;
  RunInfo info;
  info.duration = scenario.duration;
  Recorder recorder(info, oracle);
  FlippingNetwork network(Network::make(scenario.network, scenario.seed), flip);
  Simulation simulation(scenario, network, recorder);
  simulation.run([](Duration) { return true; });
  return {simulation.trace().value(), simulation.trace().jobs()};
}

Trace simulate_in_a_process(std::optional<Flip> flip) {
  std::array<int, 2> pipe_ends{};
  if (pipe(pipe_ends.data()) != 0) return {};
  const pid_t child = fork();
  if (child == 0) {
    const Trace trace = simulate(flip);
    const bool written = write(pipe_ends[1], &trace, sizeof trace) == sizeof trace;
    _exit(written ? 0 : 1);
  }
  close(pipe_ends[1]);
  Trace trace;
  if (read(pipe_ends[0], &trace, sizeof trace) != sizeof trace) trace = {};
  close(pipe_ends[0]);
  waitpid(child, nullptr, 0);
  return trace;
}

TEST(TraceOfARun, ChangesWithOneByteOfOneDatagram) {
  const Trace plain = simulate_in_a_process(std::nullopt);
  ASSERT_GT(plain.jobs, 1000u);
  EXPECT_EQ(simulate_in_a_process(std::nullopt), plain);
  EXPECT_NE(simulate_in_a_process(Flip{10, 0}).hash, plain.hash);
  EXPECT_NE(simulate_in_a_process(Flip{10, 60}).hash, plain.hash);
  EXPECT_NE(simulate_in_a_process(Flip{20, 33}).hash, plain.hash);
  // Host 1 never sends so many.
  EXPECT_EQ(simulate_in_a_process(Flip{1'000'000, 33}), plain);
}

}  // namespace
}  // namespace shoal::sim
