// Whole iterative lookups over a network of routing tables in this process: the lookup's own work and that of
// closest() on the hosts asked, without packets and without a simulator. Items are lookups; the counters say
// how many hosts each asked.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <memory>
#include <unordered_map>
#include <vector>

#include "node/dht/lookup.h"
#include "node/dht/routing_table.h"
#include "node/secure/keys.h"

namespace shoal {
namespace {

// Every bucket of every host is filled, as far as there are hosts for it, by hosts drawn at random.
class StaticNetwork {
 public:
  StaticNetwork(std::size_t size, std::size_t k) : rng_(Rng::keyed(1, "bench", "static network")) {
    init_crypto();
    for (std::size_t i = 0; i < size; ++i) {
      contacts_.push_back({rng_.id(), Endpoint::v4(static_cast<std::uint32_t>(0x05000000 + (i << 8)), 4000)});
    }
    std::sort(contacts_.begin(), contacts_.end());
    TableConfig config;
    config.k = k;
    config.first_buckets.clear();
    for (std::size_t i = 0; i < size; ++i) {
      index_.emplace(contacts_[i].key, i);
      tables_.push_back(std::make_unique<RoutingTable>(contacts_[i].key, book_, config));
      fill(*tables_.back(), k);
    }
  }

  Rng& rng() { return rng_; }
  const RoutingTable& table(std::size_t host) const { return *tables_[host]; }
  const RoutingTable& table(const Id& key) const { return *tables_[index_.at(key)]; }
  std::size_t size() const { return contacts_.size(); }

 private:
  // The hosts that share `depth` leading bits with `id` and differ in the next are a range of the sorted ids.
  void fill(RoutingTable& table, std::size_t k) {
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
      for (std::size_t i = 0; i < 2 * k && sibling_size > 0; ++i) {
        const auto pick =
            static_cast<std::ptrdiff_t>(sibling_size <= 2 * k ? i % sibling_size : rng_.below(sibling_size));
        table.add(*(sibling_first + pick), Instant{}, 50ms);
      }
      (ours_set ? first : last) = middle;
    }
  }

  Rng rng_;
  ContactBook book_;
  std::vector<Contact> contacts_;
  std::unordered_map<Id, std::size_t> index_;
  std::vector<std::unique_ptr<RoutingTable>> tables_;
};

void BM_lookup(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  LookupConfig config;
  config.wanted = static_cast<std::size_t>(state.range(1));
  config.alpha = static_cast<std::size_t>(state.range(2));
  StaticNetwork network(size, config.wanted);
  std::size_t asked = 0;
  std::vector<Contact> told;
  for (auto _ : state) {
    const RoutingTable& origin = network.table(network.rng().below(size));
    const Id target = network.rng().id();
    Lookup lookup(origin.self(), target, config, Instant{});
    origin.closest(target, config.wanted, told);
    lookup.add_known(told);
    while (const auto next = lookup.next_to_ask(Instant{})) {
      network.table(lookup.contact(*next).key).closest(target, config.wanted, told);
      lookup.on_answer(*next, told, Instant{});
    }
    asked += lookup.requests();
    benchmark::DoNotOptimize(lookup.closest_answered());
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["asked"] =
      benchmark::Counter(static_cast<double>(asked), benchmark::Counter::kAvgIterations);
}
// Hosts in the network, k, alpha.
BENCHMARK(BM_lookup)
    ->Args({1'000, 20, 3})
    ->Args({10'000, 8, 3})
    ->Args({10'000, 20, 1})
    ->Args({10'000, 20, 3})
    ->Args({10'000, 20, 8});

}  // namespace
}  // namespace shoal
