#include "node/store/sqlite_index_store.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "node/base/check.h"
#include "node/store/sqlite_bind.h"
#include "node/store/sqlite_file.h"

namespace shoal {
namespace {

Bytes copy_of(ByteView bytes) {
  return {bytes.begin(), bytes.end()};
}

bool is_of_one_table(const IndexKey& a, const IndexKey& b) {
  return a.table == b.table && a.group == b.group;
}

}  // namespace

SqliteIndexStore::SqliteIndexStore(const std::filesystem::path& path, const SqliteOptions& options,
                                   SqliteWriter& writer, Warnings& warnings)
    : path_(path),
      writer_(writer),
      warnings_(warnings),
      db_(connect_database(path, options.busy_timeout)),
      find_(db_, "SELECT value FROM index_row WHERE folder = ?1 AND kind = ?2 AND key = ?3"),
      list_from_(
          db_, "SELECT key, value FROM index_row WHERE folder = ?1 AND kind = ?2 AND key >= ?3 ORDER BY key"),
      list_after_(
          db_, "SELECT key, value FROM index_row WHERE folder = ?1 AND kind = ?2 AND key > ?3 ORDER BY key"),
      // Each asks for the next, so that it leaps over the rows of a folder.
      next_folder_(db_, "SELECT folder FROM index_row WHERE folder > ?1 ORDER BY folder LIMIT 1") {}

template <class Read>
void SqliteIndexStore::reading(Read&& read) const {
  try {
    read();
  } catch (const SQLite::Exception& error) {
    note_damage(path_, error.getErrorCode());
    warnings_.add(fmt::format("cannot read from {}: {}", path_.string(), error.what()));
  }
}

std::vector<Id> SqliteIndexStore::groups() const {
  std::vector<Id> groups;
  reading([&] {
    Bytes last;
    for (;;) {
      next_folder_.tryReset();
      bind_blob(next_folder_, 1, last);
      if (!next_folder_.executeStep()) break;
      last = copy_of(blob_of(next_folder_.getColumn(0)));
      if (last.size() != kIdBytes) throw SQLite::Exception("a folder's id is not 32 bytes", SQLITE_CORRUPT);
      groups.push_back(Id::from_bytes(last));
    }
  });
  next_folder_.tryReset();
  for (const Pending& pending : overlay_) {
    if (groups.empty() || groups.back() != pending.row->key.group) groups.push_back(pending.row->key.group);
  }
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  std::erase_if(groups, [this](const Id& group) {
    return list({group, IndexTable::kFolder, {}}, true, 1).empty();
  });
  return groups;
}

std::optional<Bytes> SqliteIndexStore::find(const IndexKey& key) const {
  if (const auto pending = overlay_.find(key); pending != overlay_.end()) return pending->row->value;
  std::optional<Bytes> found;
  if (forgotten_.contains(key.group)) return found;
  reading([&] {
    find_.tryReset();
    bind_key(find_, key);
    if (find_.executeStep()) found = copy_of(blob_of(find_.getColumn(0)));
  });
  find_.tryReset();  // ends the read transaction, so that the log can be folded back
  return found;
}

std::vector<IndexRow> SqliteIndexStore::list(const IndexKey& key, bool or_equal,
                                             std::size_t count_max) const {
  std::vector<IndexRow> listed;
  auto pending = or_equal ? overlay_.lower_bound(key) : overlay_.upper_bound(key);
  // Those that come before `written`, and the one that hides it; true if there is one.
  const auto take_pending_to = [&](const IndexKey* written) {
    for (; listed.size() < count_max && pending != overlay_.end(); ++pending) {
      const IndexRow& row = *pending->row;
      if (!is_of_one_table(row.key, key) || (written != nullptr && *written < row.key)) return false;
      if (row.value) listed.push_back(row);
      if (written == nullptr || row.key != *written) continue;
      ++pending;
      return true;
    }
    return false;
  };
  SQLite::Statement& rows = or_equal ? list_from_ : list_after_;
  reading([&] {
    if (forgotten_.contains(key.group)) return;
    rows.tryReset();
    bind_key(rows, key);
    while (listed.size() < count_max && rows.executeStep()) {
      IndexRow written{{key.group, key.table, copy_of(blob_of(rows.getColumn(0)))}, {}};
      if (take_pending_to(&written.key) || listed.size() == count_max) continue;
      written.value = copy_of(blob_of(rows.getColumn(1)));
      listed.push_back(std::move(written));
    }
  });
  rows.tryReset();
  take_pending_to(nullptr);
  return listed;
}

CommitId SqliteIndexStore::commit(IndexBatch batch) {
  const CommitId id = writer_.next_commit();
  for (const IndexRow& row : batch.rows) check(row.key.key.size() <= kIndexKeyBytesMax, "a key is too long");
  if (!writer_.has_room_for(batch)) {
    writer_.refuse(id);
    return id;
  }
  const auto shared = std::make_shared<const IndexBatch>(std::move(batch));
  for (const Id& group : shared->forget) forget(group, id);
  for (const IndexRow& row : shared->rows) lay_over(row, id);
  unsettled_.emplace(id, shared);
  writer_.write(id, shared);
  return id;
}

void SqliteIndexStore::forget(const Id& group, CommitId commit) {
  const auto first = overlay_.lower_bound(IndexKey{group, IndexTable{}, {}});
  auto last = first;
  while (last != overlay_.end() && last->row->key.group == group) ++last;
  overlay_.erase(first, last);
  forgotten_[group] = commit;
}

void SqliteIndexStore::lay_over(const IndexRow& row, CommitId commit) {
  const auto [at, is_new] = overlay_.insert({&row, commit});
  if (is_new) return;
  const auto next = overlay_.erase(at);  // its key lies in a batch that may go earlier
  overlay_.insert(next, {&row, commit});
}

// Whatever the outcome, the database now says what this commit, or its failure, has made of the rows.
void SqliteIndexStore::settle(const CommitCompletion& completion) {
  const auto batch = unsettled_.find(completion.commit);
  if (batch == unsettled_.end()) return;
  for (const IndexRow& row : batch->second->rows) {
    const auto pending = overlay_.find(row.key);
    if (pending != overlay_.end() && pending->commit == completion.commit) overlay_.erase(pending);
  }
  for (const Id& group : batch->second->forget) {
    const auto forgotten = forgotten_.find(group);
    if (forgotten != forgotten_.end() && forgotten->second == completion.commit) forgotten_.erase(forgotten);
  }
  unsettled_.erase(batch);
}

}  // namespace shoal
