// The small folder that the tests of folder sync in the simulator run with: as folders_small, with a crash
// and a partition, in four minutes.
#pragma once

#include <fmt/format.h>

#include "tests/sim/sabotaged_run.h"

namespace shoal::sim {

// `edits_s`: seconds between edits, on average.
inline Plan folder_plan(std::uint64_t seed = 1, unsigned hosts = 4, double edits_s = 3) {
  Plan plan;
  plan.scenario = fmt::format(R"(name: x
seed: {}
duration: 12min
network: {{fidelity: message, topology: {{kind: lan, lans: 2}}}}
crypto: modelled
population: {{size: {}, bootstrap_hosts: 1, arrival: {{over: 2s}}}}
workload:
  folders: {{groups: 1, hosts_per_group: {}, files: 8, size: [100B, 16KiB], edits_every: {}ms, quiet: 8min}}
faults:
  - {{at: 60s, for: 20s, kill: {{where: {{group: 0}}, count: 1}}}}
  - {{at: 110s, for: 40s, partition: {{groups: [50%, 50%]}}}}
  - {{at: 170s, for: 15s, kill: {{where: {{group: 0}}, count: 2}}}}
)",
                              seed, hosts + 1, hosts, static_cast<int>(edits_s * 1000));
  return plan;
}

}  // namespace shoal::sim
