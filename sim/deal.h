// Random choices, orders and groups of hosts, in which each host stands by itself: one more host takes its
// share and leaves the others, but for those at a border, where they were.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "node/base/rng.h"
#include "sim/network.h"

namespace shoal::sim {

// One of `count` hosts, all alike; for the same draw and one more host, the same or that one ("A Fast,
// Minimal Memory, Consistent Hash Algorithm", Lamping and Veach 2014). Precondition: count > 0.
HostIndex pick(std::uint64_t draw, std::size_t count);

// By a number that each host draws for itself, keyed by one draw of `rng`.
void shuffle(std::vector<HostIndex>& hosts, Rng& rng);

// Deals `count` hosts to groups of these shares, at random; every group has its share to within one host.
std::vector<std::uint8_t> deal_groups(std::size_t count, const std::vector<double>& shares, Rng& rng);

}  // namespace shoal::sim
