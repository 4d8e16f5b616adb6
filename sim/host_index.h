// HostIndex: the n-th simulated host, counted from 0.
#pragma once

#include <cstdint>

namespace shoal::sim {

using HostIndex = std::uint32_t;

}  // namespace shoal::sim
