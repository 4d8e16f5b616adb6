#include "node/store/sqlite_item_store.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <utility>

#include "node/base/check.h"
#include "node/store/sqlite_bind.h"
#include "node/store/sqlite_file.h"

namespace shoal {
namespace {

// "SELECT" the columns that header_of reads, and `rest`.
std::string select_headers(const char* rest) {
  return fmt::format("SELECT location, kind, salt, sequence, expires_ms, body_bytes{}", rest);
}

// From columns 0 to 5.
ItemHeader header_of(SQLite::Statement& row) {
  ItemHeader header;
  const ByteView location = blob_of(row.getColumn(0));
  if (location.size() != kIdBytes)
    throw SQLite::Exception("an item's location is not 32 bytes", SQLITE_CORRUPT);
  header.name.location = Id::from_bytes(location);
  header.name.kind = static_cast<ItemKind>(row.getColumn(1).getInt());
  const ByteView salt = blob_of(row.getColumn(2));
  header.name.salt.assign(salt.begin(), salt.end());
  header.sequence = static_cast<std::uint64_t>(row.getColumn(3).getInt64());
  header.expires = wall_time_of(row.getColumn(4).getInt64());
  header.body_bytes = row.getColumn(5).getUInt();
  return header;
}

}  // namespace

SqliteItemStore::SqliteItemStore(const std::filesystem::path& path, const SqliteOptions& options,
                                 SqliteWriter& writer, Warnings& warnings)
    : path_(path),
      writer_(writer),
      warnings_(warnings),
      db_(connect_database(path, options.busy_timeout)),
      find_(
          db_,
          select_headers(
              ", bytes FROM item JOIN body ON id = body_id WHERE location = ?1 AND kind = ?2 AND salt = ?3")),
      size_(db_, "SELECT body_bytes FROM item WHERE location = ?1 AND kind = ?2 AND salt = ?3"),
      list_first_(db_, select_headers(" FROM item ORDER BY location, kind, salt")),
      list_after_(
          db_, select_headers(
                   " FROM item WHERE (location, kind, salt) > (?1, ?2, ?3) ORDER BY location, kind, salt")) {
  recount();
}

template <class Read>
void SqliteItemStore::reading(Read&& read) const {
  try {
    read();
  } catch (const SQLite::Exception& error) {
    note_damage(path_, error.getErrorCode());
    warnings_.add(fmt::format("cannot read from {}: {}", path_.string(), error.what()));
  }
}

std::optional<StoredItem> SqliteItemStore::find(const ItemName& name) const {
  if (const auto pending = overlay_.find(name); pending != overlay_.end()) return pending->second.item;
  std::optional<StoredItem> found;
  reading([&] {
    find_.tryReset();
    bind_name(find_, name);
    if (!find_.executeStep()) return;
    const ByteView body = blob_of(find_.getColumn(6));
    found = StoredItem{header_of(find_), std::make_shared<const Bytes>(body.begin(), body.end())};
  });
  find_.tryReset();  // ends the read transaction, so that the log can be folded back
  return found;
}

std::vector<ItemHeader> SqliteItemStore::list(const ItemName* after, std::size_t count_max) const {
  std::vector<ItemHeader> headers;
  SQLite::Statement& rows = after == nullptr ? list_first_ : list_after_;
  auto pending = after == nullptr ? overlay_.begin() : overlay_.upper_bound(*after);
  const auto take_pending_below = [&](const ItemName* name) {
    for (; pending != overlay_.end() && headers.size() < count_max; ++pending) {
      if (name != nullptr && !(pending->first < *name)) return;
      if (pending->second.item) headers.push_back(pending->second.item->header);
    }
  };
  reading([&] {
    rows.tryReset();
    if (after != nullptr) bind_name(rows, *after);
    while (headers.size() < count_max && rows.executeStep()) {
      ItemHeader written = header_of(rows);
      take_pending_below(&written.name);
      if (headers.size() < count_max && overlay_.count(written.name) == 0)
        headers.push_back(std::move(written));
    }
  });
  rows.tryReset();
  take_pending_below(nullptr);
  return headers;
}

CommitId SqliteItemStore::commit(ItemBatch batch) {
  const CommitId id = writer_.next_commit();
  for (StoredItem& item : batch.puts) {
    check(item.body != nullptr, "an item without a body");
    item.header.body_bytes = static_cast<std::uint32_t>(item.body->size());
  }
  if (!writer_.has_room_for(batch)) {
    writer_.refuse(id);
    return id;
  }
  // The overlay first: it counts what the batch replaces, and the writer may be done at once.
  for (const ItemName& name : batch.erases) lay_over(name, Pending{id, std::nullopt});
  for (const StoredItem& item : batch.puts) lay_over(item.header.name, Pending{id, item});
  writer_.write(id, std::move(batch));
  return id;
}

void SqliteItemStore::lay_over(ItemName name, Pending pending) {
  if (const std::optional<std::uint64_t> replaced = body_bytes(name)) {
    --totals_.count;
    totals_.body_bytes -= *replaced;
  }
  if (pending.item) {
    ++totals_.count;
    totals_.body_bytes += pending.item->header.body_bytes;
  }
  unsettled_[pending.commit].push_back(name);
  overlay_.insert_or_assign(std::move(name), std::move(pending));
}

void SqliteItemStore::settle(const CommitCompletion& completion) {
  const auto names = unsettled_.find(completion.commit);
  if (names == unsettled_.end()) return;
  for (const ItemName& name : names->second) {
    const auto pending = overlay_.find(name);
    if (pending != overlay_.end() && pending->second.commit == completion.commit) overlay_.erase(pending);
  }
  unsettled_.erase(names);
  if (!completion.outcome) recount();
}

std::optional<std::uint64_t> SqliteItemStore::body_bytes(const ItemName& name) const {
  const auto pending = overlay_.find(name);
  if (pending == overlay_.end()) return written_body_bytes(name);
  if (!pending->second.item) return std::nullopt;
  return pending->second.item->header.body_bytes;
}

std::optional<std::uint64_t> SqliteItemStore::written_body_bytes(const ItemName& name) const {
  std::optional<std::uint64_t> bytes;
  reading([&] {
    size_.tryReset();
    bind_name(size_, name);
    if (size_.executeStep()) bytes = size_.getColumn(0).getUInt();
  });
  size_.tryReset();
  return bytes;
}

void SqliteItemStore::recount() {
  reading([&] {
    const SQLite::Transaction one_view(db_);  // the writer goes on meanwhile
    SQLite::Statement sums(db_, "SELECT count(*), coalesce(sum(body_bytes), 0) FROM item");
    sums.executeStep();
    totals_.count = static_cast<std::uint64_t>(sums.getColumn(0).getInt64());
    totals_.body_bytes = static_cast<std::uint64_t>(sums.getColumn(1).getInt64());
    for (const auto& [name, pending] : overlay_) {
      if (const std::optional<std::uint64_t> hidden = written_body_bytes(name)) {
        --totals_.count;
        totals_.body_bytes -= *hidden;
      }
      if (pending.item) {
        ++totals_.count;
        totals_.body_bytes += pending.item->header.body_bytes;
      }
    }
  });
}

}  // namespace shoal
