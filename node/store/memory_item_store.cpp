#include "node/store/memory_item_store.h"

#include <utility>

#include "node/base/check.h"

namespace shoal {
namespace {

template <class Entry>
ItemHeader header_of(const ItemName& name, const Entry& entry) {
  return {name, entry.sequence, entry.expires, static_cast<std::uint32_t>(entry.body->size())};
}

}  // namespace

std::optional<StoredItem> MemoryItemStore::find(const ItemName& name) const {
  const auto found = items_.find(name);
  if (found == items_.end()) return std::nullopt;
  return StoredItem{header_of(name, found->second), found->second.body};
}

std::vector<ItemHeader> MemoryItemStore::list(const ItemName* after, std::size_t count_max) const {
  std::vector<ItemHeader> headers;
  auto at = after == nullptr ? items_.begin() : items_.upper_bound(*after);
  for (; at != items_.end() && headers.size() < count_max; ++at) {
    headers.push_back(header_of(at->first, at->second));
  }
  return headers;
}

CommitId MemoryItemStore::commit(ItemBatch batch) {
  for (const ItemName& name : batch.erases) erase(name);
  for (StoredItem& item : batch.puts) put(std::move(item));
  const CommitId id = sink_.next_commit();
  sink_.committed(id, {});
  return id;
}

void MemoryItemStore::put(StoredItem item) {
  check(item.body != nullptr, "an item without a body");
  if (pool_ != nullptr) item.body = pool_->share(std::move(item.body));
  Entry& entry = items_[std::move(item.header.name)];
  if (entry.body != nullptr) body_bytes_ -= entry.body->size();
  body_bytes_ += item.body->size();
  entry = Entry{item.header.sequence, item.header.expires, std::move(item.body)};
}

void MemoryItemStore::erase(const ItemName& name) {
  const auto found = items_.find(name);
  if (found == items_.end()) return;
  body_bytes_ -= found->second.body->size();
  items_.erase(found);
}

}  // namespace shoal
