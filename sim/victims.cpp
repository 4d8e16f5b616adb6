#include "sim/victims.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "node/dht/item.h"
#include "sim/deal.h"
#include "sim/workload.h"

namespace shoal::sim {
namespace {

// Hosts of the population that a kill may take, and how many are online where it looks.
struct Candidates {
  std::vector<HostIndex> online, away;
  std::size_t online_there = 0;  // those spared included
};

std::uint32_t random_region(const Network& network, std::size_t hosts, Rng& rng) {
  std::set<std::uint32_t> regions;
  for (HostIndex host = 0; host < hosts; ++host) regions.insert(network.region(host));
  return *std::next(regions.begin(), static_cast<std::ptrdiff_t>(rng.below(regions.size())));
}

Id key_of(const KillFault& kill, const Scenario& scenario, Rng& rng) {
  if (kill.key) return *kill.key;
  return kill.item ? hash_item_location(item_value(scenario, *kill.item)) : rng.id();
}

std::size_t rounded(double share, std::size_t of) {
  return static_cast<std::size_t>(std::llround(share * static_cast<double>(of)));
}

}  // namespace

Victims choose_victims(const KillFault& kill, bool power_cut, const Scenario& scenario,
                       const Network& network, const Population& population, Rng& rng) {
  using Where = KillFault::Where;
  std::string place = "of hosts";
  std::optional<std::uint32_t> region;
  if (kill.where == Where::kRegion) {
    region = kill.region ? *kill.region : random_region(network, population.size(), rng);
    place = fmt::format("of region {}", *region);
  }
  Candidates candidates;
  for (HostIndex host = 0; host < population.size(); ++host) {
    if (region && network.region(host) != *region) continue;
    const bool online = population.is_online(host);
    candidates.online_there += online ? 1 : 0;
    if (kill.spare_bootstrap && host < scenario.population.bootstrap_hosts) continue;
    (online ? candidates.online : candidates.away).push_back(host);
  }
  if (kill.where == Where::kClosest) {
    const Id key = key_of(kill, scenario, rng);
    std::ranges::sort(candidates.online, [&](HostIndex a, HostIndex b) {
      return closer(key, population.id(a), population.id(b));
    });
    place = fmt::format("of hosts, those closest to {},", key.short_hex());
  } else {
    shuffle(candidates.online, rng);
  }
  Victims victims{std::move(candidates.online), {}};
  const std::size_t count = kill.count.value_or(rounded(kill.share, candidates.online_there));
  victims.hosts.resize(std::min(victims.hosts.size(), count));
  victims.what = kill.count ? fmt::format("{} {} killed", *kill.count, place)
                            : fmt::format("{:g} % {} killed", 100 * kill.share, place);
  if (power_cut && !kill.count && kill.where != Where::kClosest) {
    shuffle(candidates.away, rng);
    candidates.away.resize(rounded(kill.share, candidates.away.size()));
    victims.hosts.insert(victims.hosts.end(), candidates.away.begin(), candidates.away.end());
  }
  return victims;
}

}  // namespace shoal::sim
