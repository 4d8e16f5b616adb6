// Faults: what a scenario does to its network and hosts, at its times. Those of single hosts' machines and
// disks are in host_faults.h.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "sim/host_faults.h"
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
  std::vector<std::uint8_t> deal(std::uint32_t fault, const PartitionFault& partition) const;
  // Cuts, heals and cuts again, until the last cut of the fault is healed.
  void cut(std::uint32_t fault);
  template <class Value>
  void change(Value Disturbance::*what, std::type_identity_t<Value> to);
  void begin(std::uint32_t fault, const LossFault& loss);
  void end(const LossFault& loss);
  void begin(std::uint32_t fault, const DelayFault& delay);
  void end(const DelayFault& delay);
  void begin(std::uint32_t fault, const DuplicateFault& duplicate);
  void end(const DuplicateFault& duplicate);
  void begin(std::uint32_t fault, const ReorderFault& reorder);
  void end(const ReorderFault& reorder);
  void begin(std::uint32_t fault, const KillFault& kill);
  void end(const KillFault& kill);  // hosts come back by themselves
  void begin(std::uint32_t fault, const ChangeAddressFault& change);
  void end(const ChangeAddressFault&) {}  // it has none
  template <class HostFault>
  void begin(std::uint32_t fault, const HostFault& what) {
    record(fault, HostFaults::kind(what), host_faults_.begin(fault, what));
  }
  // The kinds that happen at one instant.
  static bool is_instant(const FaultSpec& fault);
  // `what` for people; to the end of the fault, or of the run.
  void record(std::uint32_t fault, const char* kind, std::string what);
  // When the fault is over; nothing: not before the run is. A partition that flaps is over with its last cut.
  std::optional<Instant> end_of(std::uint32_t fault) const;
  Rng rng_of(std::uint32_t fault) const;

  const Scenario& scenario_;
  Network& network_;
  Population& population_;
  Recorder& recorder_;
  HostFaults host_faults_;
  Instant start_;
  Partition partition_;      // the one under way
  Disturbance disturbance_;  // those under way together
};

}  // namespace shoal::sim
