// FaultSpec: what a scenario does to its network and hosts, and when, as plain values (`faults:` in the
// scenario language). A new kind is a struct here, an alternative of `what`, a line in read_faults.cpp and
// its doing in faults.cpp.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "node/base/instant.h"

namespace shoal::sim {

// Hosts of different groups do not hear each other.
struct PartitionFault {
  std::vector<double> groups = {0.5, 0.5};  // shares of all hosts, which add up to 1; 2 to 256
};

// On top of the network's own.
struct LossFault {
  double share = 0;  // of every datagram
};

// Hosts crash. Those of a fault with an end come back after it, as they were.
struct KillFault {
  double share = 0.1;  // of the hosts online, bootstrap hosts spared
};

struct FaultSpec {
  Duration at{};
  std::optional<Duration> lasts;  // nothing: to the end of the run
  std::variant<PartitionFault, LossFault, KillFault> what;
};

}  // namespace shoal::sim
