// Whom a kill takes: hosts anywhere, of one region, or those whose ids are closest to a key.
#pragma once

#include <string>
#include <vector>

#include "sim/population.h"

namespace shoal::sim {

struct Victims {
  std::vector<HostIndex> hosts;
  std::string what;  // for people: "all of region 3 killed"
};

// The hosts that a kill takes now; with `power_cut` also hosts that are away and shall not come back before
// its end: of those anywhere or in the region, the same share.
Victims choose_victims(const KillFault& kill, bool power_cut, const Scenario& scenario,
                       const Network& network, const Population& population, Rng& rng);

}  // namespace shoal::sim
