// Faults: the partitions, losses and killings of a scenario, at their times.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/population.h"

namespace shoal::sim {

class Faults {
 public:
  Faults(const Scenario& scenario, Network& network, Population& population, Recorder& recorder);

  // Schedules everything. Before the first event of the run.
  void start();

 private:
  void begin(std::uint32_t fault);
  void end(std::uint32_t fault);
  void begin(std::uint32_t fault, const PartitionFault& partition);
  void end(const PartitionFault& partition);
  void begin(std::uint32_t fault, const LossFault& loss);
  void end(const LossFault& loss);
  void begin(std::uint32_t fault, const KillFault& kill);
  void end(const KillFault&) {}  // each host comes back by itself
  // `what` for people; to the end of the fault, or of the run.
  void record(std::uint32_t fault, const char* kind, std::string what);
  Rng rng_of(std::uint32_t fault) const;

  const Scenario& scenario_;
  Network& network_;
  Population& population_;
  Recorder& recorder_;
  Instant start_;
  std::vector<std::uint8_t> groups_;  // of the partition under way
};

}  // namespace shoal::sim
