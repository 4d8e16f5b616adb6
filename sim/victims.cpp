#include "sim/victims.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "node/dht/item.h"
#include "sim/deal.h"
#include "sim/workload.h"

namespace shoal::sim {
namespace {

// Hosts of the population that a fault may hit, and how many are online where it looks.
struct Candidates {
  std::vector<HostIndex> online, away;
  std::size_t online_there = 0;  // those spared included
};

std::uint32_t random_region(const Network& network, std::size_t hosts, Rng& rng) {
  std::set<std::uint32_t> regions;
  for (HostIndex host = 0; host < hosts; ++host) regions.insert(network.region(host));
  return *std::next(regions.begin(), static_cast<std::ptrdiff_t>(rng.below(regions.size())));
}

Id key_of(const VictimSpec& whom, const Scenario& scenario, Rng& rng) {
  if (whom.key) return *whom.key;
  return whom.item ? hash_item_location(item_value(scenario, *whom.item)) : rng.id();
}

// In the order of hosts.
std::vector<HostIndex> primaries(const Population& population) {
  std::set<HostIndex> hosts;
  for (std::uint32_t group = 0; group < population.groups().size(); ++group) {
    for (const GroupPicture::Member& member : population.online_members(group)) {
      if (member.primary == member.id) hosts.insert(member.host);
    }
  }
  return {hosts.begin(), hosts.end()};
}

std::vector<HostIndex> all_hosts(const Population& population) {
  std::vector<HostIndex> hosts(population.size());
  std::iota(hosts.begin(), hosts.end(), HostIndex{0});
  return hosts;
}

struct Place {
  std::vector<HostIndex> hosts;
  std::string name;  // for people
};

Place place_of(const VictimSpec& whom, const Network& network, const Population& population, Rng& rng) {
  using Where = VictimSpec::Where;
  if (whom.where == Where::kPrimary) return {primaries(population), "of the primaries"};
  if (whom.where == Where::kGroup) {
    const auto members = population.groups().members(whom.group);
    return {{members.begin(), members.end()}, fmt::format("of group {}", whom.group)};
  }
  Place place{all_hosts(population), "of hosts"};
  if (whom.where != Where::kRegion) return place;
  const std::uint32_t region = whom.region ? *whom.region : random_region(network, population.size(), rng);
  std::erase_if(place.hosts, [&](HostIndex host) { return network.region(host) != region; });
  place.name = fmt::format("of region {}", region);
  return place;
}

std::size_t rounded(double share, std::size_t of) {
  return static_cast<std::size_t>(std::llround(share * static_cast<double>(of)));
}

}  // namespace

Victims choose_victims(const VictimSpec& whom, bool power_cut, const Scenario& scenario,
                       const Network& network, const Population& population, Rng& rng) {
  using Where = VictimSpec::Where;
  Place place = place_of(whom, network, population, rng);
  Candidates candidates;
  for (const HostIndex host : place.hosts) {
    const bool online = population.is_online(host);
    candidates.online_there += online ? 1 : 0;
    if (whom.spare_bootstrap && host < scenario.population.bootstrap_hosts) continue;
    (online ? candidates.online : candidates.away).push_back(host);
  }
  if (whom.where == Where::kClosest) {
    const Id key = key_of(whom, scenario, rng);
    std::ranges::sort(candidates.online, [&](HostIndex a, HostIndex b) {
      return closer(key, population.id(a), population.id(b));
    });
    place.name = fmt::format("of the hosts closest to {}", key.short_hex());
  } else {
    shuffle(candidates.online, rng);
  }
  Victims victims{std::move(candidates.online), {}};
  const std::size_t count = whom.count.value_or(rounded(whom.share, candidates.online_there));
  victims.hosts.resize(std::min(victims.hosts.size(), count));
  victims.what = whom.count ? fmt::format("{} {}", *whom.count, place.name)
                            : fmt::format("{:g} % {}", 100 * whom.share, place.name);
  if (power_cut && !whom.count && whom.where != Where::kClosest) {
    shuffle(candidates.away, rng);
    candidates.away.resize(rounded(whom.share, candidates.away.size()));
    victims.hosts.insert(victims.hosts.end(), candidates.away.begin(), candidates.away.end());
  }
  return victims;
}

}  // namespace shoal::sim
