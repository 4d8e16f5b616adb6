// The names under which hosts draw their randomness: Rng::keyed(seed, host_name(17), "churn").
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>

#include "sim/network.h"

namespace shoal::sim {

// "host-17". The strangers that take its place later are "host-17.2", "host-17.3", …: each life has keys and
// a node's randomness of its own.
inline std::string host_name(HostIndex host, std::uint32_t life = 1) {
  return life == 1 ? fmt::format("host-{}", host) : fmt::format("host-{}.{}", host, life);
}

}  // namespace shoal::sim
