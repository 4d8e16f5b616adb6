#include "sim/faulty_item_store.h"

#include <algorithm>
#include <utility>

namespace shoal::sim {

FaultyItemStore::FaultyItemStore(CommitSink& sink, BodyPool* pool, std::function<void()> call_later)
    : sink_(sink), call_later_(std::move(call_later)), items_(*this, pool) {}

CommitId FaultyItemStore::commit(ItemBatch batch) {
  const CommitId id = sink_.next_commit();
  const bool later = torn_writes_ || !writing_.empty();
  Write write{id, {}, {}};
  if (full_) {
    write.outcome = fail(ErrorCode::kIo, "no space left on device");
  } else {
    if (later) write.changes = changes_of(batch);
    apply(std::move(batch));
  }
  if (later) {
    writing_.push_back(std::move(write));
    call_later_();
  } else {
    sink_.committed(id, write.outcome);
  }
  return id;
}

void FaultyItemStore::apply(ItemBatch batch) {
  for (const ItemName& name : batch.erases) damaged_.erase(name);
  for (const StoredItem& item : batch.puts) damaged_.erase(item.header.name);
  items_.commit(std::move(batch));
}

void FaultyItemStore::end_write() {
  if (writing_.empty()) return;
  const Write write = std::move(writing_.front());
  writing_.pop_front();
  sink_.committed(write.commit, write.outcome);
}

void FaultyItemStore::end_writes() {
  while (!writing_.empty()) end_write();
}

// ---- Crashes

std::vector<FaultyItemStore::Change> FaultyItemStore::changes_of(const ItemBatch& batch) const {
  std::vector<Change> changes;
  const auto note = [&](const ItemName& name) {
    changes.push_back({name, items_.find(name), damaged_.contains(name)});
  };
  for (const ItemName& name : batch.erases) note(name);
  for (const StoredItem& item : batch.puts) note(item.header.name);
  return changes;
}

void FaultyItemStore::undo(const Change& change) {
  ItemBatch back;
  if (change.before) {
    back.puts.push_back(*change.before);
  } else {
    back.erases.push_back(change.name);
  }
  apply(std::move(back));
  if (change.was_damaged) damaged_.insert(change.name);
}

void FaultyItemStore::crash() {
  while (writing_.size() > 1) {
    const std::vector<Change>& changes = writing_.back().changes;
    for (auto change = changes.rbegin(); change != changes.rend(); ++change) undo(*change);
    writing_.pop_back();
  }
  if (writing_.empty()) return;
  const std::vector<Change> changes = std::move(writing_.front().changes);
  writing_.clear();
  const std::size_t written = (changes.size() + 1) / 2;
  for (std::size_t i = changes.size(); i > written; --i) undo(changes[i - 1]);
  if (written == 0) return;
  const Change& torn = changes[written - 1];
  if (torn.before) {
    undo(torn);
  } else {
    damage(torn.name, [](Bytes& body) {
      std::fill(body.begin() + static_cast<std::ptrdiff_t>(body.size() / 2), body.end(), std::uint8_t{0});
    });
  }
}

// ---- Bit rot

std::size_t FaultyItemStore::rot(double share, Rng& rng) {
  std::size_t rotten = 0;
  for (const ItemHeader& header : items_.list(nullptr, items_.totals().count)) {
    if (rng.unit() >= share || header.body_bytes == 0) continue;
    const std::uint64_t bit = rng.below(8 * std::uint64_t{header.body_bytes});
    damage(header.name, [bit](Bytes& body) { body[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8)); });
    ++rotten;
  }
  return rotten;
}

void FaultyItemStore::damage(const ItemName& name, const std::function<void(Bytes&)>& how) {
  const std::optional<StoredItem> item = items_.find(name);
  if (!item) return;
  Bytes body = *item->body;
  how(body);
  if (body == *item->body) return;
  items_.commit({{StoredItem{item->header, std::make_shared<const Bytes>(std::move(body))}}, {}});
  damaged_.insert(name);
}

}  // namespace shoal::sim
