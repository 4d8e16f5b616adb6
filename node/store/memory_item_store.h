// MemoryItemStore: an ItemStore in memory, for simulated hosts and tests. It belongs to the host, not to the
// node: it stands for a disk, so it survives the node's crash. An empty one costs about 100 bytes.
#pragma once

#include <map>

#include "node/ports/item_store.h"
#include "node/store/body_pool.h"
#include "node/store/commit_sink.h"

namespace shoal {

class MemoryItemStore final : public ItemStore {
 public:
  // Equal bodies are shared with every other store over the same pool, if there is one.
  explicit MemoryItemStore(CommitSink& sink, BodyPool* pool = nullptr) : sink_(sink), pool_(pool) {}

  std::optional<StoredItem> find(const ItemName& name) const override;
  std::vector<ItemHeader> list(const ItemName* after, std::size_t count_max) const override;
  CommitId commit(ItemBatch batch) override;
  ItemTotals totals() const override { return {items_.size(), body_bytes_}; }

 private:
  struct Entry {
    std::uint64_t sequence = 0;
    WallTime expires{};
    std::shared_ptr<const Bytes> body;
  };
  void put(StoredItem item);
  void erase(const ItemName& name);

  CommitSink& sink_;
  BodyPool* pool_;
  std::map<ItemName, Entry> items_;
  std::uint64_t body_bytes_ = 0;
};

}  // namespace shoal
