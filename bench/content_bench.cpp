// What it costs to name the bytes of a file: cutting them into parts, hashing the parts, and both.
#include <benchmark/benchmark.h>

#include "bench/counted.h"
#include "node/base/rng.h"
#include "node/secure/keys.h"
#include "node/sync/chunker.h"
#include "node/sync/content_tree.h"

namespace shoal::sync {
namespace {

constexpr std::size_t kFileBytes = 64 << 20;
constexpr std::size_t kReadBytes = 1 << 20;

Bytes random_file() {
  init_crypto();
  Bytes bytes(kFileBytes);
  Rng rng = Rng::keyed(1, "bench", "content");
  rng.fill(bytes);
  return bytes;
}

void report_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

void cut_into_parts(benchmark::State& state) {
  const Bytes file = random_file();
  std::size_t parts = 0;
  for (auto _ : state) {
    parts = 0;
    for (ByteView rest = file; !rest.empty(); ++parts) rest = rest.subspan(next_cut(rest, true));
    benchmark::DoNotOptimize(parts);
  }
  report_bytes(state, file.size());
  state.counters["part_bytes_mean"] = static_cast<double>(file.size()) / static_cast<double>(parts);
}
BENCHMARK(cut_into_parts)->Apply(counted);

void hash_parts(benchmark::State& state) {
  const Bytes file = random_file();
  for (auto _ : state) {
    for (ByteView rest = file; !rest.empty(); rest = rest.subspan(kPartBytesMean)) {
      benchmark::DoNotOptimize(sha256(rest.first(kPartBytesMean)));
    }
  }
  report_bytes(state, file.size());
}
BENCHMARK(hash_parts);

// As a scan does it, by reads of 1 MiB.
void name_content(benchmark::State& state) {
  const Bytes file = random_file();
  for (auto _ : state) {
    ContentHasher hasher;
    for (ByteView rest = file; !rest.empty(); rest = rest.subspan(kReadBytes)) {
      hasher.add(rest.first(kReadBytes));
    }
    benchmark::DoNotOptimize(hasher.finish());
  }
  report_bytes(state, file.size());
}
BENCHMARK(name_content)->Apply(counted);

// The tree above the parts of a file of 1 GiB.
void build_tree_of_1GiB(benchmark::State& state) {
  Rng rng = Rng::keyed(1, "bench", "tree");
  std::vector<PartRef> parts((1 << 30) / kPartBytesMean);
  for (PartRef& part : parts) part = {rng.id(), kPartBytesMean};
  for (auto _ : state) benchmark::DoNotOptimize(build_tree(parts, nullptr));
}
BENCHMARK(build_tree_of_1GiB);

}  // namespace
}  // namespace shoal::sync
