// The pure merge of folder sync: entries that a replica hears of are joined into its tree.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <malloc.h>

#include <optional>
#include <vector>

#include "bench/counted.h"
#include "node/base/rng.h"
#include "node/secure/keys.h"
#include "node/sync/local_changes.h"
#include "node/sync/tree.h"

namespace shoal::sync {
namespace {

constexpr std::size_t kFilesInDirectory = 100;

// Files of one replica in directories of a hundred.
std::vector<Entry> folder_of(std::size_t files) {
  init_crypto();
  Rng rng = Rng::keyed(1, "bench", "folder");
  Stamp stamp;
  stamp.replica.bytes.fill(1);
  std::vector<Entry> entries;
  NodeId directory;
  for (std::size_t i = 0; i < files; ++i) {
    if (i % kFilesInDirectory == 0) {
      entries.push_back(created(stamp, kRoot, fmt::format("d{:05}", i / kFilesInDirectory), {}, {0755}));
      directory = entries.back().id;
    }
    Content content;
    content.kind = NodeKind::kFile;
    content.root = rng.id();
    content.size = 1 + rng.below(16'384);
    entries.push_back(created(stamp, directory, fmt::format("f{:07}", i), content, {0644}));
  }
  return entries;
}

// A whole folder into an empty tree, until it knows what to show; the time of one entry.
void BM_tree_join(benchmark::State& state) {
  const std::vector<Entry> entries = folder_of(static_cast<std::size_t>(state.range(0)));
  std::size_t bytes = 0;
  for (auto _ : state) {
    const std::size_t before = mallinfo2().uordblks;
    std::optional<Tree> tree(std::in_place);
    for (const Entry& entry : entries) tree->join(entry);
    benchmark::DoNotOptimize(tree->take_changed());
    bytes = mallinfo2().uordblks - before;
    tree.reset();
  }
  const auto joined = static_cast<double>(state.iterations()) * static_cast<double>(entries.size());
  state.counters["s_per_entry"] =
      benchmark::Counter(joined, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["bytes_per_entry"] = static_cast<double>(bytes) / static_cast<double>(entries.size());
}
BENCHMARK(BM_tree_join)->ArgName("files")->Arg(1'000)->Arg(10'000)->Apply(counted);

// Edits of files that another replica has edited as well: conflicts.
void BM_tree_join_concurrent(benchmark::State& state) {
  const std::vector<Entry> entries = folder_of(static_cast<std::size_t>(state.range(0)));
  Tree common;
  for (const Entry& entry : entries) common.join(entry);
  std::vector<Entry> edits;
  for (const std::uint8_t replica : {std::uint8_t{2}, std::uint8_t{3}}) {
    Stamp stamp;
    stamp.replica.bytes.fill(replica);
    stamp.lamport = common.lamport() + 1;
    for (const Entry& entry : entries) {
      Content content = entry.content.winner().value;
      if (content.kind != NodeKind::kFile) continue;
      content.root.bytes.fill(replica);
      for (Entry& edit : edited(common, stamp, entry.id, entry.content.winner().dot, content)) {
        edits.push_back(std::move(edit));
      }
    }
  }
  for (auto _ : state) {
    Tree tree;
    for (const Entry& entry : entries) tree.join(entry);
    for (const Entry& edit : edits) tree.join(edit);
    benchmark::DoNotOptimize(tree.take_changed());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(entries.size() + edits.size()));
}
BENCHMARK(BM_tree_join_concurrent)->ArgName("files")->Arg(1'000)->Apply(counted);

}  // namespace
}  // namespace shoal::sync
