// The item stores: how fast values go in and out, and what sharing one flush among many commits gains. The
// index stores: how fast the rows of a folder do.
#include <benchmark/benchmark.h>

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "bench/counted.h"
#include "node/base/check.h"
#include "node/base/rng.h"
#include "node/store/memory_index_store.h"
#include "node/store/memory_item_store.h"
#include "node/store/sqlite_stores.h"

namespace shoal {
namespace {

constexpr std::size_t kItemsHeld = 2000;  // a multiple of 100

// Item number `i`; a body of its own for each, since equal ones would be shared.
StoredItem make_item(std::uint64_t i, std::size_t body_bytes) {
  Rng rng = Rng::keyed(i, "bench", "item");
  StoredItem item;
  item.header.name.location = rng.id();
  item.header.body_bytes = static_cast<std::uint32_t>(body_bytes);
  Bytes body(body_bytes);
  rng.fill(body);
  item.body = std::make_shared<const Bytes>(std::move(body));
  return item;
}

std::vector<StoredItem> make_items(std::size_t body_bytes) {
  std::vector<StoredItem> items;
  for (std::uint64_t i = 0; i < kItemsHeld; ++i) items.push_back(make_item(i, body_bytes));
  return items;
}

class MemoryStore {
 public:
  ItemStore& items() { return items_; }
  IndexStore& index() { return index_; }
  void wait(std::size_t) {
    for (const CommitCompletion& done : commits_.take()) index_.settle(done.commit);
  }

 private:
  CommitQueue commits_;
  BodyPool pool_;
  MemoryItemStore items_{commits_, &pool_};
  MemoryIndexStore index_{commits_};
};

// In a directory of its own below TMPDIR, which should be on the disk to be measured.
class SqliteStore {
 public:
  SqliteStore() {
    std::string pattern = (std::filesystem::temp_directory_path() / "shoal-bench-XXXXXX").string();
    check(::mkdtemp(pattern.data()) != nullptr, "no temporary directory");
    directory_ = pattern;
    auto opened = SqliteStores::open(directory_, [this] {
      const std::lock_guard lock(mutex_);
      is_woken_ = true;
      woken_.notify_one();
    });
    check(opened.has_value(), "the store does not open");
    stores_ = std::move(*opened);
  }
  ~SqliteStore() {
    stores_.reset();
    std::filesystem::remove_all(directory_);
  }

  ItemStore& items() { return stores_->items(); }
  IndexStore& index() { return stores_->index(); }

  void wait(std::size_t count) {
    while (count > 0) {
      std::unique_lock lock(mutex_);
      woken_.wait(lock, [this] { return is_woken_; });
      is_woken_ = false;
      lock.unlock();
      for (const CommitCompletion& done : stores_->drain_completions()) {
        check(done.outcome.has_value(), "a commit failed");
        --count;
      }
    }
  }

 private:
  std::filesystem::path directory_;
  std::mutex mutex_;
  std::condition_variable woken_;
  bool is_woken_ = false;
  std::unique_ptr<SqliteStores> stores_;
};

// Each value is a commit of its own; `in_flight` of them are handed over before the first is waited for.
template <class Store>
void put(benchmark::State& state) {
  const auto items = make_items(static_cast<std::size_t>(state.range(0)));
  const auto in_flight = static_cast<std::size_t>(state.range(1));
  Store store;
  std::size_t next = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < in_flight; ++i) {
      store.items().commit({{items[next]}, {}});
      next = (next + 1) % items.size();
    }
    store.wait(in_flight);
  }
  state.SetItemsProcessed(state.iterations() * state.range(1));
  state.SetBytesProcessed(state.iterations() * state.range(1) * state.range(0));
}

template <class Store>
void get(benchmark::State& state) {
  const auto items = make_items(static_cast<std::size_t>(state.range(0)));
  Store store;
  for (std::size_t i = 0; i < items.size(); i += 100) {
    const auto first = items.begin() + static_cast<std::ptrdiff_t>(i);
    store.items().commit({{first, first + 100}, {}});
    store.wait(1);
  }
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(store.items().find(items[next].header.name));
    next = (next + 1) % items.size();
  }
  state.SetItemsProcessed(state.iterations());
}

// As a folder's rows are: a key of 24 bytes, in no order, and a value of 50.
IndexBatch make_rows(std::int64_t count) {
  IndexBatch batch;
  for (std::int64_t i = 0; i < count; ++i) {
    Rng rng = Rng::keyed(static_cast<std::uint64_t>(i), "bench", "row");
    IndexRow row{{Id{}, IndexTable::kEntry, Bytes(24)}, Bytes(50)};
    rng.fill(row.key.key);
    rng.fill(*row.value);
    batch.rows.push_back(std::move(row));
  }
  return batch;
}

// All rows in one batch, until it is durable. The folder was forgotten before.
template <class Store>
void put_rows(benchmark::State& state) {
  const IndexBatch rows = make_rows(state.range(0));
  Store store;
  for (auto _ : state) {
    state.PauseTiming();
    store.index().commit({{}, {Id{}}});
    store.wait(1);
    IndexBatch batch = rows;
    state.ResumeTiming();
    store.index().commit(std::move(batch));
    store.wait(1);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

template <class Store>
void list_rows(benchmark::State& state) {
  Store store;
  store.index().commit(make_rows(state.range(0)));
  store.wait(1);
  for (auto _ : state) {
    const auto listed = store.index().list({Id{}, IndexTable::kEntry, {}}, true, SIZE_MAX);
    check(listed.size() == static_cast<std::size_t>(state.range(0)), "rows are missing");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

template <class Store>
void find_row(benchmark::State& state) {
  const IndexBatch rows = make_rows(state.range(0));
  Store store;
  store.index().commit(rows);
  store.wait(1);
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(store.index().find(rows.rows[next].key));
    next = (next + 1) % rows.rows.size();
  }
  state.SetItemsProcessed(state.iterations());
}

void put_sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"bytes", "in_flight"})->UseRealTime();
  for (const std::int64_t bytes : {100, 65'536}) {
    for (const std::int64_t in_flight : {1, 16, 256}) bench->Args({bytes, in_flight});
  }
}

BENCHMARK(put<MemoryStore>)->Name("store_put/memory")->Apply(put_sizes);
BENCHMARK(put<SqliteStore>)->Name("store_put/sqlite")->Apply(put_sizes);
BENCHMARK(get<MemoryStore>)
    ->Name("store_get/memory")
    ->ArgName("bytes")
    ->Arg(100)
    ->Arg(65'536)
    ->Apply(counted);
BENCHMARK(get<SqliteStore>)->Name("store_get/sqlite")->ArgName("bytes")->Arg(100)->Arg(65'536);
BENCHMARK(put_rows<MemoryStore>)->Name("index_put/memory")->ArgName("rows")->Arg(32'000)->UseRealTime();
BENCHMARK(put_rows<SqliteStore>)->Name("index_put/sqlite")->ArgName("rows")->Arg(32'000)->UseRealTime();
BENCHMARK(list_rows<MemoryStore>)->Name("index_list/memory")->ArgName("rows")->Arg(10'000);
BENCHMARK(list_rows<SqliteStore>)->Name("index_list/sqlite")->ArgName("rows")->Arg(10'000);
BENCHMARK(find_row<MemoryStore>)->Name("index_find/memory")->ArgName("rows")->Arg(10'000);
BENCHMARK(find_row<SqliteStore>)->Name("index_find/sqlite")->ArgName("rows")->Arg(10'000);

}  // namespace
}  // namespace shoal
