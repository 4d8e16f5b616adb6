// Whom a fault hits: hosts anywhere, of one region, those whose ids are closest to a key, members of a group,
// or primaries.
#pragma once

#include <string>
#include <vector>

#include "sim/population.h"

namespace shoal::sim {

struct Victims {
  std::vector<HostIndex> hosts;
  std::string what;  // for people: "30 % of region 3"
};

// The hosts that a fault hits now; with `power_cut` also hosts that are away and shall not come back before
// its end: of those anywhere, in the region or in the group, the same share.
Victims choose_victims(const VictimSpec& whom, bool power_cut, const Scenario& scenario,
                       const Network& network, const Population& population, Rng& rng);

}  // namespace shoal::sim
