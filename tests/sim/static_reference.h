// What iterative lookups cost in a network at rest, by direct Monte-Carlo: no messages, no time, only ids and
// complete random buckets. The simulated node's static scenarios are held against it, so it shares no code
// with the node.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace shoal::sim {

struct StaticNetwork {
  std::size_t nodes = 1000;
  // Each bucket holds this many of the nodes in its range, drawn uniformly, or all if there are fewer.
  std::size_t bucket_size = 20;
  std::vector<std::size_t> first_buckets = {};  // sizes of the farthest buckets instead
  // A lookup keeps asking the nearest it knows, alpha at a time, until its k nearest have all answered, each
  // with the `returned` contacts of its own nearest to the target.
  std::size_t k = 20;
  std::size_t alpha = 3;
  std::size_t returned = 20;
};

struct HopStatistics {
  // To the node nearest to the target, along the shortest chain of who told of whom: 1 when it stood in the
  // origin's own table. Over the lookups that found it.
  double hops_mean = 0;
  double hops_p50 = 0, hops_p90 = 0, hops_p99 = 0;
  double messages_mean = 0;  // nodes asked in a lookup
  double found_ratio = 0;    // lookups that found it
};

// `samples` lookups of random ids from random nodes; those whose origin is itself the nearest do not count.
HopStatistics simulate_static_lookups(const StaticNetwork& network, std::size_t samples, std::uint64_t seed);

}  // namespace shoal::sim
