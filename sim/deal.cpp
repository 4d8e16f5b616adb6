#include "sim/deal.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace shoal::sim {

void shuffle(std::vector<HostIndex>& hosts, Rng& rng) {
  for (std::size_t i = hosts.size(); i > 1; --i) std::swap(hosts[i - 1], hosts[rng.below(i)]);
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
