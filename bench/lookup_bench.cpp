// Whole iterative lookups over a network of routing tables in this process: the lookup's own work and that of
// closest() on the hosts asked, without packets and without a simulator. The counters say how many hosts each
// lookup asked.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "bench/counted.h"
#include "node/dht/lookup.h"
#include "node/dht/routing_table.h"
#include "node/secure/keys.h"

namespace shoal {
namespace {

constexpr std::size_t kLookups = 64;

// Every bucket of every host is filled, as far as there are hosts for it, by hosts drawn at random. A table
// is made when it is first asked for: of a million hosts few lookups ask few.
class StaticNetwork {
 public:
  StaticNetwork(std::size_t size, std::size_t k) : tables_(size) {
    init_crypto();
    config_.k = k;
    config_.first_buckets.clear();
    Rng rng = Rng::keyed(1, "bench", "static network");
    for (std::size_t i = 0; i < size; ++i) {
      contacts_.push_back({rng.id(), Endpoint::v4(static_cast<std::uint32_t>(0x05000000 + (i << 8)), 4000)});
    }
    std::sort(contacts_.begin(), contacts_.end());
  }

  std::size_t size() const { return contacts_.size(); }
  const RoutingTable& table(const Id& key) {
    const auto at = std::ranges::lower_bound(contacts_, key, {}, &Contact::key);
    return table(static_cast<std::size_t>(at - contacts_.begin()));
  }
  const RoutingTable& table(std::size_t host) {
    if (tables_[host] == nullptr) {
      tables_[host] = std::make_unique<RoutingTable>(contacts_[host].key, book_, config_);
      fill(*tables_[host], Rng::keyed(host, "bench", "table"));
    }
    return *tables_[host];
  }

 private:
  // The hosts that share `depth` leading bits with `id` and differ in the next are a range of the sorted ids.
  void fill(RoutingTable& table, Rng rng) {
    const std::size_t met = 2 * config_.k;
    auto first = contacts_.begin();
    auto last = contacts_.end();
    for (std::size_t depth = 0; last - first > 1; ++depth) {
      const auto bit_is_set = [depth](const Contact& c) {
        return (c.key.bytes[depth / 8] >> (7 - depth % 8) & 1) != 0;
      };
      const auto middle = std::partition_point(first, last, [&](const Contact& c) { return !bit_is_set(c); });
      const bool ours_set = (table.self().bytes[depth / 8] >> (7 - depth % 8) & 1) != 0;
      const auto sibling_first = ours_set ? first : middle;
      const auto sibling_size = static_cast<std::uint64_t>((ours_set ? middle : last) - sibling_first);
      for (std::size_t i = 0; i < met && sibling_size > 0; ++i) {
        const auto pick =
            static_cast<std::ptrdiff_t>(sibling_size <= met ? i % sibling_size : rng.below(sibling_size));
        table.add(*(sibling_first + pick), Instant{}, 50ms);
      }
      (ours_set ? first : last) = middle;
    }
  }

  TableConfig config_;
  ContactBook book_;
  std::vector<Contact> contacts_;  // in the order of ids
  std::vector<std::unique_ptr<RoutingTable>> tables_;
};

// One for all repetitions: that of a million hosts takes seconds to make.
StaticNetwork& network_of(std::size_t size, std::size_t k) {
  static std::map<std::pair<std::size_t, std::size_t>, StaticNetwork> networks;
  return networks.try_emplace({size, k}, size, k).first->second;
}

// How many hosts it asked.
std::size_t look_up(StaticNetwork& network, const RoutingTable& origin, const Id& target,
                    const LookupConfig& config) {
  std::vector<Contact> told;
  Lookup lookup(origin.self(), target, config, Instant{});
  origin.closest(target, config.wanted, told);
  lookup.add_known(told);
  while (const auto next = lookup.next_to_ask(Instant{})) {
    network.table(lookup.contact(*next).key).closest(target, config.wanted, told);
    lookup.on_answer(*next, told, Instant{});
  }
  benchmark::DoNotOptimize(lookup.closest_answered());
  return lookup.requests();
}

// Hosts in the network, k, alpha.
void BM_lookup(benchmark::State& state) {
  LookupConfig config;
  config.wanted = static_cast<std::size_t>(state.range(1));
  config.alpha = static_cast<std::size_t>(state.range(2));
  StaticNetwork& network = network_of(static_cast<std::size_t>(state.range(0)), config.wanted);
  Rng rng = Rng::keyed(2, "bench", "lookups");
  std::vector<std::pair<std::size_t, Id>> lookups;
  std::size_t asked = 0;
  for (std::size_t i = 0; i < kLookups; ++i) {
    const auto& [origin, target] = lookups.emplace_back(rng.below(network.size()), rng.id());
    asked += look_up(network, network.table(origin), target, config);  // makes the tables it needs
  }
  std::size_t i = 0;
  for (auto _ : state) {
    const auto& [origin, target] = lookups[i++ % kLookups];
    benchmark::DoNotOptimize(look_up(network, network.table(origin), target, config));
  }
  state.SetComplexityN(state.range(0));
  state.counters["asked"] = static_cast<double>(asked) / kLookups;
}
BENCHMARK(BM_lookup)
    ->ArgNames({"hosts", "k", "alpha"})
    ->ArgsProduct({{1'000, 10'000, 100'000, 1'000'000}, {20}, {3}})
    ->Complexity(benchmark::oLogN)
    ->Apply(counted);
BENCHMARK(BM_lookup)
    ->Name("BM_lookup_by_parameters")
    ->ArgNames({"hosts", "k", "alpha"})
    ->ArgsProduct({{10'000}, {8, 20}, {1, 3, 8}});

}  // namespace
}  // namespace shoal
