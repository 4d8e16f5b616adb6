// HostFaults: what a scenario does to the machines and disks of single hosts. Each fault hits a share of all
// hosts, the bootstrap hosts included, drawn by its place in the file: whichever node runs there meanwhile
// has to live with it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/population.h"

namespace shoal::sim {

class HostFaults {
 public:
  HostFaults(const Scenario& scenario, Network& network, Population& population)
      : scenario_(scenario), network_(network), population_(population) {}

  // The kind's name, as the recorder has it.
  static const char* kind(const SlowFault&) { return "slow"; }
  static const char* kind(const ClockFault&) { return "clock"; }
  static const char* kind(const StoreFault&) { return "store"; }
  static const char* kind(const BitRotFault&) { return "bit_rot"; }

  // `fault` is its place in the scenario. Each returns what it does, for people.
  std::string begin(std::uint32_t fault, const SlowFault& slow);
  std::string begin(std::uint32_t fault, const ClockFault& clock);
  std::string begin(std::uint32_t fault, const StoreFault& store);
  std::string begin(std::uint32_t fault, const BitRotFault& rot);
  void end(std::uint32_t fault, const SlowFault& slow);
  void end(std::uint32_t fault, const ClockFault& clock);
  void end(std::uint32_t fault, const StoreFault& store);
  void end(std::uint32_t, const BitRotFault&) {}  // what has rotted stays so

 private:
  Rng rng_of(std::uint32_t fault, const char* purpose) const;
  // The same for a fault each time.
  std::vector<HostIndex> hosts_of(std::uint32_t fault, double share) const;

  const Scenario& scenario_;
  Network& network_;
  Population& population_;
};

}  // namespace shoal::sim
