#include "sim/host_faults.h"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "sim/deal.h"
#include "sim/units.h"

namespace shoal::sim {

Rng HostFaults::rng_of(std::uint32_t fault, const char* purpose) const {
  return Rng::keyed(scenario_.seed, fmt::format("fault-{}", fault), purpose);
}

std::vector<HostIndex> HostFaults::hosts_of(std::uint32_t fault, double share) const {
  std::vector<HostIndex> hosts(population_.size());
  std::iota(hosts.begin(), hosts.end(), HostIndex{0});
  Rng rng = rng_of(fault, "choice");
  shuffle(hosts, rng);
  hosts.resize(static_cast<std::size_t>(std::llround(share * static_cast<double>(hosts.size()))));
  return hosts;
}

// ---- CPU

std::string HostFaults::begin(std::uint32_t fault, const SlowFault& slow) {
  for (const HostIndex host : hosts_of(fault, slow.share)) network_.machine(host).set_speed(slow.cpu);
  return fmt::format("{:g} % of hosts at {:g} of the CPU", 100 * slow.share, slow.cpu);
}

void HostFaults::end(std::uint32_t fault, const SlowFault& slow) {
  for (const HostIndex host : hosts_of(fault, slow.share)) {
    network_.machine(host).set_speed(scenario_.population.cpu);
  }
}

// ---- Clocks

std::string HostFaults::begin(std::uint32_t fault, const ClockFault& clock) {
  for (const HostIndex host : hosts_of(fault, clock.share)) {
    network_.machine(host).jump_wall_clock(clock.jump);
    network_.machine(host).add_drift(network_.now(), clock.drift);
  }
  std::string what;
  if (clock.jump != Duration::zero()) {
    const bool back = clock.jump < Duration::zero();
    what = fmt::format(" {} {}", print_duration(back ? -clock.jump : clock.jump), back ? "back" : "ahead");
  }
  if (clock.drift != 0) what += fmt::format(" drifting by {:g} ppm", static_cast<double>(clock.drift) / 1000);
  return fmt::format("clocks of {:g} % of hosts{}", 100 * clock.share, what);
}

void HostFaults::end(std::uint32_t fault, const ClockFault& clock) {
  for (const HostIndex host : hosts_of(fault, clock.share)) {
    network_.machine(host).jump_wall_clock(-clock.jump);
    network_.machine(host).add_drift(network_.now(), -clock.drift);
  }
}

// ---- Disks

std::string HostFaults::begin(std::uint32_t fault, const StoreFault& store) {
  for (const HostIndex host : hosts_of(fault, store.share)) {
    population_.set_disk(host, {.full = store.full, .torn_writes = store.torn_writes});
  }
  const char* how = store.full ? (store.torn_writes ? "full, and tear writes" : "full") : "tear writes";
  return fmt::format("disks of {:g} % of hosts {}", 100 * store.share, how);
}

void HostFaults::end(std::uint32_t fault, const StoreFault& store) {
  for (const HostIndex host : hosts_of(fault, store.share)) population_.set_disk(host, {});
}

std::string HostFaults::begin(std::uint32_t fault, const BitRotFault& rot) {
  Rng rng = rng_of(fault, "bits");
  std::size_t rotten = 0;
  for (const HostIndex host : hosts_of(fault, rot.share)) rotten += population_.rot(host, rot.items, rng);
  return fmt::format("bit rot in {} values on {:g} % of hosts", rotten, 100 * rot.share);
}

}  // namespace shoal::sim
