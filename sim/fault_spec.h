// FaultSpec: what a scenario does to its network and hosts, and when, as plain values (`faults:` in the
// scenario language). A new kind is a struct here, an alternative of `what`, a line in read_faults.cpp and
// its doing in faults.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "node/base/id.h"
#include "node/base/instant.h"
#include "sim/network_spec.h"

namespace shoal::sim {

// Hosts of different groups do not hear each other.
struct PartitionFault {
  std::vector<double> groups = {0.5, 0.5};  // shares of all hosts, which add up to 1; 2 to 256
  bool by_region = false;  // whole regions are dealt to the groups, and shares are of the regions
  // Only what a group sends to those after it is lost; what they send to it arrives.
  bool one_way = false;
  // Cut for `down`, healed for `up`, and again, beginning with a cut. While the fault lasts.
  struct Flap {
    Duration up{}, down{};
  };
  std::optional<Flap> flap;
};

// Each of these is on top of what the network does always (Disturbance in network_spec.h).
struct LossFault {
  double share = 0;  // of every datagram
};
struct DelayFault {
  Distribution more = Distribution::fixed(0);  // seconds, drawn for every datagram
};
struct DuplicateFault {
  double share = 0;  // of every datagram
};
struct ReorderFault {
  ReorderSpec reorder;
};

// Which of the hosts online a fault hits.
struct VictimSpec {
  enum class Where : std::uint8_t { kAnywhere, kRegion, kClosest, kGroup, kPrimary };

  Where where = Where::kAnywhere;
  std::optional<std::uint32_t> region;  // nothing: one of them at random
  // Closest to this id, or to where this item of the workload lies; neither: to a random key.
  std::optional<Id> key;
  std::optional<std::uint32_t> item;
  std::uint32_t group = 0;             // of the workload: its members
  double share = 0.1;                  // of the hosts online there
  std::optional<std::uint32_t> count;  // of hosts, instead of the share
  bool spare_bootstrap = true;
};

// Hosts crash. Those of a fault with an end come back after it, as they were, and the same share of the hosts
// that are away does not come back before: a power cut, say.
struct KillFault {
  VictimSpec whom;
  Duration return_over{};  // they come back at instants uniform in this period
};

// At once: hosts, or the NATs before them, get another address, as from a provider or a LAN's router.
struct ChangeAddressFault {
  VictimSpec whom;
};

// The CPUs of so many hosts are this much slower than the one of the cost table (sim/job_costs.inc).
struct SlowFault {
  double share = 0.1;  // of all hosts
  double cpu = 0.1;    // speed: 1 is that of the table
};

// The clocks of so many hosts go wrong; with an end, they are set right there.
struct ClockFault {
  double share = 0.1;      // of all hosts
  Duration jump{};         // of the wall clock, either way
  std::int64_t drift = 0;  // of both clocks, in billionths
};

// The disks of so many hosts fail as FaultyItemStore says.
struct StoreFault {
  double share = 0.1;  // of all hosts
  bool full = false;
  bool torn_writes = false;
};

// At once: bits flip in so many of the values that so many hosts hold.
struct BitRotFault {
  double share = 0.1;  // of all hosts
  double items = 0.1;  // of the values each holds
};

struct FaultSpec {
  Duration at{};
  std::optional<Duration> lasts;  // nothing: to the end of the run
  std::variant<PartitionFault, LossFault, DelayFault, DuplicateFault, ReorderFault, KillFault,
               ChangeAddressFault, SlowFault, ClockFault, StoreFault, BitRotFault>
      what;
};

}  // namespace shoal::sim
