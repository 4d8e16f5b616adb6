#include "sim/deal.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "sim/split_mix.h"

namespace shoal::sim {

HostIndex pick(std::uint64_t draw, std::size_t count) {
  std::uint64_t host = 0, next = 0;
  while (next < count) {
    host = next;
    draw = draw * 2862933555777941757u + 1;
    const double share = 0x1p31 / static_cast<double>((draw >> 33) + 1);
    next = static_cast<std::uint64_t>(static_cast<double>(host + 1) * share);
  }
  return static_cast<HostIndex>(host);
}

void shuffle(std::vector<HostIndex>& hosts, Rng& rng) {
  const std::uint64_t key = rng.next();
  std::vector<std::pair<std::uint64_t, HostIndex>> places;
  places.reserve(hosts.size());
  for (const HostIndex host : hosts) places.emplace_back(SplitMix(key, host).next(), host);
  std::sort(places.begin(), places.end());
  std::transform(places.begin(), places.end(), hosts.begin(), [](const auto& place) { return place.second; });
}

std::vector<std::uint8_t> deal_groups(std::size_t count, const std::vector<double>& shares, Rng& rng) {
  std::vector<HostIndex> order(count);
  std::iota(order.begin(), order.end(), HostIndex{0});
  shuffle(order, rng);
  std::vector<std::uint8_t> groups(count);
  double share = 0;
  std::size_t next = 0;
  for (std::size_t group = 0; group < shares.size(); ++group) {
    share += shares[group];
    const bool last = group + 1 == shares.size();
    const auto end = static_cast<std::size_t>(std::llround(share * static_cast<double>(count)));
    for (; next < (last ? count : std::min(end, count)); ++next) {
      groups[order[next]] = static_cast<std::uint8_t>(group);
    }
  }
  return groups;
}

}  // namespace shoal::sim
