// A node's metrics in Prometheus' text format (exposition format 0.0.4): counters end in _total, units are
// bytes and seconds, what is counted by kind has a label.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "node/control/command.h"
#include "node/control/folder_command.h"
#include "node/control/load.h"

namespace shoal {

// Of the process that the node runs in, by the names that Prometheus' client libraries give them.
struct ProcessUsage {
  double cpu_s = 0;         // user and system
  double started_at_s = 0;  // since the Unix epoch
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t open_descriptors = 0;
  std::uint64_t descriptors_max = 0;
  std::uint64_t threads = 0;
};

struct MetricsInput {
  std::string version;
  StatusResult status;
  std::size_t jobs_queued = 0;
  std::size_t requests_in_flight = 0;
  ProcessUsage process;
  std::vector<Load> loads;
  std::vector<FolderStatus> folders;
};

std::string metrics_text(const MetricsInput& input);

}  // namespace shoal
