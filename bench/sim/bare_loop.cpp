// What a run would have cost without its nodes: passes as many datagrams, of the same sizes, between as many
// hosts, with as many timers, through the same event core and network, but with no node, codec or cipher on
// the hosts. Says how many events per second that makes, and how much more CPU time the run took.
//
//   shoal_bare_loop OUT_DIR        # the result of a run, such as out/large_100k-seed1
//
// Each host has one timer; requests go to hosts at random, and each is answered.
#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/sim/datagram_node.h"
#include "node/secure/keys.h"
#include "sim/resources.h"
#include "sim/run_reader.h"
#include "sim/split_mix.h"
#include "sim/stored_run.h"

namespace shoal::sim {
namespace {

// One kind of request, with the mean size of its messages, and how many requests are of this kind or of one
// before it.
struct Kind {
  std::size_t request_bytes = 0, response_bytes = 0;
  std::uint64_t requests_up_to = 0;
};

// What the run counted.
struct Traffic {
  NetworkSpec network;
  double duration_s = 0, cpu_s = 0;
  std::uint64_t events = 0, datagrams = 0;
  HostIndex hosts = 0;  // online at a time
  std::vector<Kind> kinds;
};

class BareNode final : public DatagramNode {
 public:
  BareNode(Network& network, const Traffic& traffic, HostIndex host)
      : network_(network),
        traffic_(traffic),
        alarm_(network.ports(host).alarm),
        datagrams_(network.ports(host).datagrams),
        draws_(1, host) {
    // What is not the arrival of a datagram was a timer: of a node, of the workload, of the population.
    const std::uint64_t timers = std::max<std::uint64_t>(traffic.events - traffic.datagrams, traffic.hosts);
    const double per_host = static_cast<double>(timers) / traffic.hosts;
    every_ = from_seconds(traffic.duration_s / per_host);
    requests_per_timer_ = static_cast<double>(traffic.datagrams) / 2 / static_cast<double>(timers);
  }

 private:
  void on_interfaces(std::span<const Endpoint>) override {
    next_ = network_.now() + Duration(static_cast<Duration::rep>(draws_.next() % every_.count()));
    due_ = static_cast<double>(draws_.next() % 1000) / 1000;
    alarm_.wake_at(next_);
  }
  void on_alarm() override {
    for (due_ += requests_per_timer_; due_ >= 1; --due_) {
      const std::uint64_t draw = draws_.next() % traffic_.kinds.back().requests_up_to;
      const auto kind = std::ranges::upper_bound(traffic_.kinds, draw, {}, &Kind::requests_up_to);
      Bytes request(kind->request_bytes, 0);
      request[1] = static_cast<std::uint8_t>(kind - traffic_.kinds.begin());
      const auto to = static_cast<HostIndex>(draws_.next() % traffic_.hosts);
      datagrams_.send(network_.endpoint(to), request);
    }
    alarm_.wake_at(next_ += every_);
  }
  void on_datagram(const Endpoint& from, ByteView datagram) override {
    if (datagram[0] != 0) return;
    Bytes response(traffic_.kinds[datagram[1]].response_bytes, 0);
    response[0] = 1;
    datagrams_.send(from, response);
  }

  Network& network_;
  const Traffic& traffic_;
  Alarm& alarm_;
  Datagrams& datagrams_;
  SplitMix draws_;
  Instant next_{};
  Duration every_{};
  double requests_per_timer_ = 0;
  double due_ = 0;  // requests, in parts
};

double fact(const RunReader& run, const std::string& key) {
  const auto value = run.fact(key);
  return value ? std::stod(*value) : 0;
}

std::vector<Kind> read_kinds(const RunReader& run) {
  std::vector<Kind> kinds;
  std::uint64_t requests = 0;
  SQLite::Statement row = run.select(
      "SELECT requests, request_bytes / requests, response_bytes / max(responses, 1) FROM traffic "
      "WHERE requests > 0");
  while (row.executeStep()) {
    const auto bytes = [&row](int column) {
      return static_cast<std::size_t>(std::clamp<std::int64_t>(row.getColumn(column).getInt64(), 2, 1232));
    };
    requests += static_cast<std::uint64_t>(row.getColumn(0).getInt64());
    kinds.push_back({bytes(1), bytes(2), requests});
  }
  return kinds;
}

Result<Traffic> read_traffic(const std::filesystem::path& directory) {
  const Result<StoredRun> stored = load_run(directory);
  if (!stored) return tl::unexpected(stored.error());
  const ScenarioOrErrors read = parse_stored(*stored);
  if (!read.errors.empty()) return fail(ErrorCode::kIo, read.errors.front().to_string());
  SQLite::Database database((directory / "run.sqlite").string());
  const RunReader run(database);
  Traffic traffic;
  traffic.network = read.scenario.network;
  traffic.network.nat = {};  // what a NAT would keep out counts as sent
  traffic.duration_s = fact(run, "sim.duration_s");
  traffic.cpu_s = fact(run, "sim.cpu_s");
  traffic.events = static_cast<std::uint64_t>(fact(run, "sim.events"));
  traffic.datagrams = static_cast<std::uint64_t>(fact(run, "sim.datagrams_sent"));
  traffic.hosts = static_cast<HostIndex>(std::lround(fact(run, "population.online.mean")));
  traffic.kinds = read_kinds(run);
  if (traffic.datagrams == 0 || traffic.hosts < 2 || traffic.cpu_s <= 0 || traffic.kinds.empty()) {
    return fail(ErrorCode::kIo, fmt::format("{}: the run has counted no traffic", directory.string()));
  }
  return traffic;
}

void pass(const Traffic& traffic) {
  const auto network = Network::make(traffic.network, 1);
  for (HostIndex i = 0; i < traffic.hosts; ++i) network->add_host();
  std::deque<BareNode> nodes;
  for (HostIndex i = 0; i < traffic.hosts; ++i) {
    network->attach(i, nodes.emplace_back(*network, traffic, i));
  }
  const double started = cpu_seconds();
  network->run_until(Instant(from_seconds(traffic.duration_s)));
  const double cpu = cpu_seconds() - started;
  const NetworkTotals& totals = network->totals();
  const auto line = [](const char* what, double events, double datagrams, double seconds) {
    fmt::print("{:<10} {:>14.0f} events {:>14.0f} datagrams {:>10.2f} CPU s {:>12.0f} events/s\n", what,
               events, datagrams, seconds, events / seconds);
  };
  line("the run", static_cast<double>(traffic.events), static_cast<double>(traffic.datagrams), traffic.cpu_s);
  line("bare loop", static_cast<double>(totals.events), static_cast<double>(totals.datagrams_sent), cpu);
  fmt::print("ratio of CPU time: {:.2f}\n", traffic.cpu_s / cpu);
}

}  // namespace
}  // namespace shoal::sim

int main(int argc, char** argv) {
  if (argc != 2 || std::string_view(argv[1]).starts_with("-")) {
    fmt::print(stderr, "usage: shoal_bare_loop OUT_DIR, the result of a run such as out/large_100k-seed1\n");
    return 2;
  }
  shoal::init_crypto();
  const auto traffic = shoal::sim::read_traffic(argv[1]);
  if (!traffic) {
    fmt::print(stderr, "{}\n", traffic.error().message);
    return 2;
  }
  shoal::sim::pass(*traffic);
}
