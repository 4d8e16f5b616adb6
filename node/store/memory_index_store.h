// MemoryIndexStore: an IndexStore in memory, for simulated hosts and tests. Like MemoryItemStore it belongs
// to the host and stands for a disk: a batch is on it once its completion has been told to the node, and a
// crash before that loses it and all that came after it. An empty one costs about 120 bytes.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "node/ports/index_store.h"
#include "node/store/commit_sink.h"

namespace shoal {

class MemoryIndexStore final : public IndexStore {
 public:
  explicit MemoryIndexStore(CommitSink& sink) : sink_(sink) {}

  std::vector<Id> groups() const override;
  std::optional<Bytes> find(const IndexKey& key) const override;
  std::vector<IndexRow> list(const IndexKey& key, bool or_equal, std::size_t count_max) const override;
  CommitId commit(IndexBatch batch) override;

  // For the host: the completion is being told to the node. Call it for each, in order; those of other stores
  // change nothing.
  void settle(CommitId commit);
  // The host crashes: batches that are not settled never were.
  void crash();
  // Full: every commit fails, and nothing changes; reads go on.
  void set_full(bool full) { full_ = full; }
  // All that is stored, of a host that is down; and back to it, as when its machine is rolled back to a
  // snapshot.
  std::map<IndexKey, Bytes> rows() const { return rows_; }
  void restore(std::map<IndexKey, Bytes> rows) { rows_ = std::move(rows); }
  // Batches that a crash would lose.
  std::size_t unsettled() const { return writing_.size(); }

 private:
  using Rows = std::map<IndexKey, Bytes>;
  // What a batch has changed, as it was before, in the order of the batch.
  struct Change {
    IndexKey key;
    std::optional<Bytes> before;
  };
  void forget(const Id& group, std::vector<Change>& changes);
  // Returns what was there.
  std::optional<Bytes> put(IndexKey key, std::optional<Bytes> value);

  CommitSink& sink_;
  Rows rows_;
  std::map<CommitId, std::vector<Change>> writing_;
  bool full_ = false;
};

}  // namespace shoal
