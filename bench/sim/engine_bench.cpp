// What the simulator's engine costs: hosts that send one datagram a second to random others, which answer.
//
//   shoal_sim_bench message|packet HOSTS SECONDS [DATAGRAMS_PER_SECOND]
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <string_view>

#include "bench/sim/datagram_node.h"
#include "node/secure/keys.h"
#include "sim/resources.h"
#include "sim/split_mix.h"

namespace shoal::sim {
namespace {

class PingNode final : public DatagramNode {
 public:
  PingNode(Network& network, HostIndex host, HostIndex hosts, Duration every)
      : network_(network),
        alarm_(network.ports(host).alarm),
        datagrams_(network.ports(host).datagrams),
        draws_(1, host),
        every_(every),
        hosts_(hosts) {}

 private:
  static constexpr std::size_t kBytes = 100;

  void on_interfaces(std::span<const Endpoint>) override {
    next_ = network_.now() + Duration(static_cast<Duration::rep>(draws_.next() % every_.count()));
    alarm_.wake_at(next_);
  }
  void on_alarm() override {
    const Bytes ping(kBytes, 1);
    datagrams_.send(network_.endpoint(static_cast<HostIndex>(draws_.next() % hosts_)), ping);
    alarm_.wake_at(next_ += every_);
  }
  void on_datagram(const Endpoint& from, ByteView datagram) override {
    if (datagram[0] == 1) datagrams_.send(from, Bytes(kBytes, 2));
  }

  Network& network_;
  Alarm& alarm_;
  Datagrams& datagrams_;
  SplitMix draws_;
  Instant next_{};
  Duration every_;
  HostIndex hosts_;
};

double resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  double pages = 0;
  statm >> pages >> pages;
  return pages * static_cast<double>(sysconf(_SC_PAGESIZE));
}

void run(Fidelity fidelity, HostIndex hosts, double seconds, double datagrams_per_s) {
  NetworkSpec spec;
  spec.fidelity = fidelity;
  spec.topology.kind = TopologySpec::Kind::kCoordinates;
  const auto network = Network::make(spec, 1);
  const double before = resident_bytes();
  for (HostIndex i = 0; i < hosts; ++i) network->add_host();
  const double placed = resident_bytes();
  std::deque<PingNode> nodes;
  for (HostIndex i = 0; i < hosts; ++i) {
    network->attach(i, nodes.emplace_back(*network, i, hosts, from_seconds(1 / datagrams_per_s)));
  }
  network->run_until(Instant(1s));  // everything warm

  const double cpu_before = cpu_seconds();
  const NetworkTotals start = network->totals();
  network->run_until(Instant(1s + from_seconds(seconds)));
  const double cpu = cpu_seconds() - cpu_before;
  const NetworkTotals end = network->totals();
  const auto events = static_cast<double>(end.events - start.events);
  const auto delivered = static_cast<double>(end.datagrams_delivered - start.datagrams_delivered);
  fmt::print(
      "{} hosts, {} simulated s: {:.2f} CPU s, {:.2f} M events/s, {:.2f} us a datagram ({:.0f} of them), "
      "{:.2f} events a datagram\n",
      hosts, seconds, cpu, events / cpu / 1e6, cpu / delivered * 1e6, delivered, events / delivered);
  fmt::print("memory: {:.0f} bytes a host when placed, {:.0f} when running (with {} of the node's own)\n",
             (placed - before) / hosts, (resident_bytes() - before) / hosts, sizeof(PingNode));
}

}  // namespace
}  // namespace shoal::sim

int main(int argc, char** argv) {
  const std::string_view fidelity = argc > 1 ? argv[1] : "";
  const long hosts = argc > 2 ? std::atol(argv[2]) : 0;
  const double seconds = argc > 3 ? std::atof(argv[3]) : 0;
  const double rate = argc > 4 ? std::atof(argv[4]) : 1;
  if ((fidelity != "message" && fidelity != "packet") || hosts < 2 || seconds <= 0 || rate <= 0) {
    fmt::print(stderr, "usage: shoal_sim_bench message|packet HOSTS SECONDS [DATAGRAMS_PER_SECOND]\n");
    return 2;
  }
  shoal::init_crypto();
  shoal::sim::run(fidelity == "message" ? shoal::sim::Fidelity::kMessage : shoal::sim::Fidelity::kPacket,
                  static_cast<shoal::sim::HostIndex>(hosts), seconds, rate);
}
