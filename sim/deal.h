// Random orders and groups of hosts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "node/base/rng.h"
#include "sim/network.h"

namespace shoal::sim {

// Fisher and Yates.
void shuffle(std::vector<HostIndex>& hosts, Rng& rng);

// Deals `count` hosts to groups of these shares, at random; every group has its share to within one host.
std::vector<std::uint8_t> deal_groups(std::size_t count, const std::vector<double>& shares, Rng& rng);

}  // namespace shoal::sim
