// FlakyItemStore: an item store in memory whose disk a test can fill, mend and damage.
#pragma once

#include "node/store/memory_item_store.h"

namespace shoal {

class FlakyItemStore final : public ItemStore, private CommitSink {
 public:
  explicit FlakyItemStore(CommitSink& sink) : sink_(sink), items_(*this) {}

  // From now on every commit fails and changes nothing.
  void set_full(bool full) { full_ = full; }
  // The first bit of what is held under this name flips. False: nothing is held.
  bool damage(const ItemName& name);

  std::optional<StoredItem> find(const ItemName& name) const override { return items_.find(name); }
  std::vector<ItemHeader> list(const ItemName* after, std::size_t count_max) const override {
    return items_.list(after, count_max);
  }
  CommitId commit(ItemBatch batch) override;
  ItemTotals totals() const override { return items_.totals(); }

 private:
  void committed(CommitId, const Result<void>&) override {}  // of `items_`: the ids that count are sink_'s

  CommitSink& sink_;
  MemoryItemStore items_;
  bool full_ = false;
};

}  // namespace shoal
