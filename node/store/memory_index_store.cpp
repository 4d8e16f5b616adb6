#include "node/store/memory_index_store.h"

#include <utility>

#include "node/base/check.h"

namespace shoal {
namespace {

constexpr IndexTable kTableLast{0xff};

}  // namespace

std::vector<Id> MemoryIndexStore::groups() const {
  std::vector<Id> groups;
  for (auto row = rows_.begin(); row != rows_.end();) {
    const Id group = row->first.group;
    row = rows_.lower_bound({group, IndexTable::kFolder, {}});
    if (row != rows_.end() && row->first.group == group && row->first.table == IndexTable::kFolder) {
      groups.push_back(group);
    }
    row = rows_.upper_bound({group, kTableLast, Bytes(kIndexKeyBytesMax, 0xff)});
  }
  return groups;
}

std::optional<Bytes> MemoryIndexStore::find(const IndexKey& key) const {
  const auto found = rows_.find(key);
  if (found == rows_.end()) return std::nullopt;
  return found->second;
}

std::vector<IndexRow> MemoryIndexStore::list(const IndexKey& key, bool or_equal,
                                             std::size_t count_max) const {
  std::vector<IndexRow> listed;
  auto row = or_equal ? rows_.lower_bound(key) : rows_.upper_bound(key);
  for (; row != rows_.end() && listed.size() < count_max; ++row) {
    if (row->first.group != key.group || row->first.table != key.table) break;
    listed.push_back({row->first, row->second});
  }
  return listed;
}

CommitId MemoryIndexStore::commit(IndexBatch batch) {
  const CommitId id = sink_.next_commit();
  for (const IndexRow& row : batch.rows) check(row.key.key.size() <= kIndexKeyBytesMax, "a key is too long");
  std::vector<Change>& changes = writing_[id];
  if (!full_) {
    for (const Id& group : batch.forget) forget(group, changes);
    for (IndexRow& row : batch.rows) {
      std::optional<Bytes> before = put(row.key, std::move(row.value));
      changes.push_back({std::move(row.key), std::move(before)});
    }
  }
  sink_.committed(id, full_ ? Result<void>(fail(ErrorCode::kIo, "no space left on device")) : Result<void>());
  return id;
}

void MemoryIndexStore::forget(const Id& group, std::vector<Change>& changes) {
  auto row = rows_.lower_bound({group, IndexTable{}, {}});
  while (row != rows_.end() && row->first.group == group) {
    auto gone = rows_.extract(row++);
    changes.push_back({std::move(gone.key()), std::move(gone.mapped())});
  }
}

std::optional<Bytes> MemoryIndexStore::put(IndexKey key, std::optional<Bytes> value) {
  const auto found = rows_.find(key);
  if (found == rows_.end()) {
    if (value) rows_.emplace(std::move(key), std::move(*value));
    return std::nullopt;
  }
  std::optional<Bytes> before = std::move(found->second);
  if (value) {
    found->second = std::move(*value);
  } else {
    rows_.erase(found);
  }
  return before;
}

void MemoryIndexStore::settle(CommitId commit) {
  if (writing_.empty()) return;
  const auto oldest = writing_.begin();
  check(commit <= oldest->first, "a commit is told before an older one");
  if (commit == oldest->first) writing_.erase(oldest);
}

void MemoryIndexStore::crash() {
  for (auto write = writing_.rbegin(); write != writing_.rend(); ++write) {
    for (auto change = write->second.rbegin(); change != write->second.rend(); ++change) {
      put(std::move(change->key), std::move(change->before));
    }
  }
  writing_.clear();
}

}  // namespace shoal
