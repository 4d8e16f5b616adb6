// The routing table: its answers and its changes, in the shape that it has in networks of 10^3 to 10^6 nodes,
// for one table whose memory is warm (a real node) and for 2,000 in turn (a simulation).
#include <benchmark/benchmark.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "bench/counted.h"
#include "node/base/rng.h"
#include "node/dht/routing_table.h"

namespace shoal {
namespace {

constexpr Instant kNow = Instant(1h);
constexpr std::size_t kTargets = 4096;

// An id that shares exactly `shared` leading bits with self.
Id id_at_depth(const Id& self, std::size_t shared, Rng& rng) {
  Id id = rng.id();
  for (std::size_t bit = 0; bit <= shared; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80 >> bit % 8);
    const std::uint8_t wanted = (self.bytes[bit / 8] ^ (bit == shared ? mask : 0)) & mask;
    id.bytes[bit / 8] = static_cast<std::uint8_t>((id.bytes[bit / 8] & ~mask) | wanted);
  }
  return id;
}

std::size_t capacity(const TableConfig& config, std::size_t depth) {
  return depth < config.first_buckets.size() ? config.first_buckets[depth] : config.k;
}

// What a host of that network meets, in random order: of the half of the nodes that remains at each depth, as
// many as its bucket and cache hold.
std::vector<Contact> contacts_met(const Id& self, std::size_t nodes, const TableConfig& config, Rng& rng) {
  std::vector<Contact> met;
  std::size_t depth = 0;
  for (std::size_t remaining = nodes - 1; remaining > 0; ++depth) {
    std::size_t here = 0;
    if (remaining > 64) {
      here = remaining / 2;
    } else {
      for (std::size_t i = 0; i < remaining; ++i) here += rng.below(2);
    }
    remaining -= here;
    here = std::min(here, capacity(config, depth) + config.replacements_max);
    for (std::size_t i = 0; i < here; ++i) {
      const auto address = static_cast<std::uint32_t>(rng.next());
      met.push_back({id_at_depth(self, depth, rng), Endpoint::v4(address, 4000)});
    }
  }
  for (std::size_t i = met.size(); i > 1; --i) std::swap(met[i - 1], met[rng.below(i)]);
  return met;
}

struct Tables {
  Tables(std::size_t count, std::size_t nodes) {
    Rng rng = Rng::keyed(nodes, "bench", "tables");
    for (std::size_t i = 0; i < count; ++i) {
      const Id self = rng.id();
      tables.push_back(std::make_unique<RoutingTable>(self, book, config));
      for (const Contact& contact : contacts_met(self, nodes, config, rng)) {
        tables.back()->add(contact, kNow, 20ms);
      }
    }
    for (std::size_t i = 0; i < kTargets; ++i) targets.push_back(rng.id());
  }

  TableConfig config;
  ContactBook book;
  std::vector<std::unique_ptr<RoutingTable>> tables;
  std::vector<Id> targets;
};

void shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"nodes", "tables"});
  for (const std::int64_t nodes : {1000, 10'000, 100'000, 1'000'000}) benchmark->Args({nodes, 1});
  benchmark->Args({1'000'000, 2000});
}

void BM_table_closest(benchmark::State& state) {
  const Tables all(static_cast<std::size_t>(state.range(1)), static_cast<std::size_t>(state.range(0)));
  std::vector<Contact> out;
  std::size_t i = 0;
  for (auto _ : state) {
    all.tables[i % all.tables.size()]->closest(all.targets[i % kTargets], 20, out);
    benchmark::DoNotOptimize(out.data());
    ++i;
  }
  state.counters["contacts"] = static_cast<double>(all.tables.front()->size());
  state.counters["table_bytes"] = static_cast<double>(all.tables.front()->memory_bytes());
}
BENCHMARK(BM_table_closest)->Apply(shapes)->Apply(counted);

void BM_table_next(benchmark::State& state) {
  const Tables all(static_cast<std::size_t>(state.range(1)), static_cast<std::size_t>(state.range(0)));
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(all.tables[i % all.tables.size()]->next(all.targets[i % kTargets]));
    ++i;
  }
}
BENCHMARK(BM_table_next)->Args({1'000'000, 1})->ArgNames({"nodes", "tables"})->Apply(counted);

// A table from nothing to its full shape and gone again; the time of one contact.
void BM_table_add(benchmark::State& state) {
  Rng rng = Rng::keyed(1, "bench", "add");
  const Id self = rng.id();
  const TableConfig config;
  const std::vector<Contact> met = contacts_met(self, static_cast<std::size_t>(state.range(0)), config, rng);
  ContactBook book;
  for (auto _ : state) {
    RoutingTable table(self, book, config);
    for (const Contact& contact : met) benchmark::DoNotOptimize(table.add(contact, kNow, 20ms));
  }
  const auto added = static_cast<double>(state.iterations()) * static_cast<double>(met.size());
  state.counters["s_per_add"] =
      benchmark::Counter(added, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_table_add)->ArgName("nodes")->RangeMultiplier(10)->Range(1000, 1'000'000)->Apply(counted);

// The commonest change: a contact that is there has answered again.
void BM_table_refresh(benchmark::State& state) {
  const Tables all(static_cast<std::size_t>(state.range(1)), static_cast<std::size_t>(state.range(0)));
  std::vector<std::vector<RoutingTable::Row>> rows;
  for (const auto& table : all.tables) rows.push_back(table->rows());
  Instant now = kNow;
  std::size_t i = 0;
  for (auto _ : state) {
    const std::vector<RoutingTable::Row>& contacts = rows[i % rows.size()];
    benchmark::DoNotOptimize(
        all.tables[i % rows.size()]->add(contacts[i * 31 % contacts.size()].contact, now += 1ms, 20ms));
    ++i;
  }
}
BENCHMARK(BM_table_refresh)->Apply(shapes)->Apply(counted);

void BM_id_closer(benchmark::State& state) {
  Rng rng = Rng::keyed(2, "bench", "closer");
  std::vector<Id> ids;
  for (std::size_t i = 0; i < kTargets; ++i) ids.push_back(rng.id());
  std::size_t i = 0;
  for (auto _ : state) {
    const Id& target = ids[i % kTargets];
    benchmark::DoNotOptimize(closer(target, ids[(i + 1) % kTargets], ids[(i + 2) % kTargets]));
    ++i;
  }
}
BENCHMARK(BM_id_closer);

}  // namespace
}  // namespace shoal
