// FaultyItemStore: the disk of a simulated host, over the store in memory, in the hands of a scenario:
//
//   full          every commit fails, and nothing changes; reads go on
//   torn writes   a commit takes kWriteTime, and a crash before its end loses it: the oldest batch under way
//   is half
//                 written, its last value half zeros (what an earlier commit holds under that name stays,
//                 though), those after it not at all. What was committed stays.
//   bit rot       a bit of a value flips, and nobody is told
//
// It knows which values are damaged: nobody holds those.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <set>

#include "node/base/rng.h"
#include "node/store/memory_item_store.h"

namespace shoal::sim {

class FaultyItemStore final : public ItemStore, private CommitSink {
 public:
  static constexpr Duration kWriteTime = 10ms;  // a flush of an ordinary disk

  // `call_later` has end_write() called kWriteTime later, unless the host crashes first.
  FaultyItemStore(CommitSink& sink, BodyPool* pool, std::function<void()> call_later);

  void set_full(bool full) { full_ = full; }
  void set_torn_writes(bool torn) { torn_writes_ = torn; }
  // Flips a bit in so large a share of the values held. Returns how many those are.
  std::size_t rot(double share, Rng& rng);
  // The oldest commit under way is durable.
  void end_write();
  // The host leaves in peace: all are.
  void end_writes();
  // The host crashes: what is not written yet never will be.
  void crash();
  bool is_damaged(const ItemName& name) const { return damaged_.contains(name); }

  std::optional<StoredItem> find(const ItemName& name) const override { return items_.find(name); }
  std::vector<ItemHeader> list(const ItemName* after, std::size_t count_max) const override {
    return items_.list(after, count_max);
  }
  CommitId commit(ItemBatch batch) override;
  ItemTotals totals() const override { return items_.totals(); }

 private:
  // What a batch has changed, as it was before, in the order of the batch: erases first.
  struct Change {
    ItemName name;
    std::optional<StoredItem> before;
    bool was_damaged = false;
  };
  struct Write {
    CommitId commit;
    std::vector<Change> changes;
    Result<void> outcome;
  };
  void committed(CommitId, const Result<void>&) override {}  // of items_: the ids that count are sink_'s
  void apply(ItemBatch batch);
  std::vector<Change> changes_of(const ItemBatch& batch) const;
  void undo(const Change& change);
  void damage(const ItemName& name, const std::function<void(Bytes&)>& how);

  CommitSink& sink_;
  std::function<void()> call_later_;
  MemoryItemStore items_;
  bool full_ = false;
  bool torn_writes_ = false;
  std::deque<Write> writing_;
  std::set<ItemName> damaged_;
};

}  // namespace shoal::sim
