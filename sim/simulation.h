// Simulation: one run of a scenario, from the first host to the last census: the population, the workload,
// the faults and the regular looks at all of them, over a Network and a Recorder. One per process.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "sim/faults.h"
#include "sim/population.h"
#include "sim/workload.h"

namespace shoal::sim {

class Simulation {
 public:
  // All of them must outlive it.
  Simulation(const Scenario& scenario, Network& network, Recorder& recorder);

  // Runs to the scenario's end. Every kSlice of simulated time asks `go_on`; when that is false the run ends
  // there, complete as far as it got. Returns the simulated time reached. Call once.
  Duration run(const std::function<bool(Duration)>& go_on);

  // Before run(). The observer must outlive it.
  void observe_trace(TraceObserver& observer) { population_.observe_trace(&observer); }
  const TraceHash& trace() const { return population_.trace(); }
  Population& population() { return population_; }

  static constexpr Duration kSlice = 100ms;
  static constexpr Duration kSampleEvery = 10s;
  static constexpr Duration kCensusEvery = 5min;
  static constexpr Duration kGroupsEvery = 1s;
  static constexpr Duration kFolderDisksEvery = 100ms;
  static constexpr Duration kFoldersEvery = 10s;
  static constexpr unsigned kLooksPerTrash = 30;  // of looks at folders

 private:
  void sample();
  void census();
  void look_at_groups();
  void look_at_folder_disks();
  void look_at_folders();
  void look_at_folders(bool with_trash);
  // `what` now and then every `every`, to the end of the run.
  void repeat(Duration every, void (Simulation::*what)());

  const Scenario& scenario_;
  Network& network_;
  Recorder& recorder_;
  Instant start_;
  Population population_;
  Workload workload_;
  Faults faults_;
  unsigned folder_looks_ = 0;
  std::vector<Contact> contacts_;  // reused by sample()
};

}  // namespace shoal::sim
