#include "node/store/sqlite_writer.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "node/store/sqlite_bind.h"
#include "node/store/sqlite_file.h"

namespace shoal {
namespace {

// Of bodies and rows in one transaction: bounds the wait of its first.
constexpr std::size_t kGroupBytesMax = 16u << 20;

std::size_t bytes_of(const ItemBatch& batch) {
  std::size_t bytes = 0;
  for (const StoredItem& item : batch.puts) bytes += item.body->size();
  return bytes;
}

// What a row takes while it waits, or about that.
std::size_t bytes_of(const IndexBatch& batch) {
  std::size_t bytes = batch.rows.size() * sizeof(IndexRow);
  for (const IndexRow& row : batch.rows) bytes += row.key.key.size() + (row.value ? row.value->size() : 0);
  return bytes;
}

// By key, so that neighbours are written to the same page while it is at hand; of equal keys, later ones
// last.
std::vector<const IndexRow*> in_order(const std::vector<IndexRow>& rows) {
  std::vector<const IndexRow*> sorted;
  sorted.reserve(rows.size());
  for (const IndexRow& row : rows) sorted.push_back(&row);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const IndexRow* a, const IndexRow* b) { return a->key < b->key; });
  return sorted;
}

}  // namespace

class SqliteWriter::Statements {
 public:
  explicit Statements(const SQLite::Database& db)
      : erase_body_(
            db,
            "DELETE FROM body WHERE id = (SELECT body_id FROM item WHERE location = ?1 AND kind = ?2 AND "
            "salt = ?3)"),
        erase_item_(db, "DELETE FROM item WHERE location = ?1 AND kind = ?2 AND salt = ?3"),
        put_body_(db, "INSERT INTO body (bytes) VALUES (?1)"),
        put_item_(
            db,
            "INSERT OR REPLACE INTO item (location, kind, salt, sequence, expires_ms, body_bytes, body_id) "
            "VALUES (?1, ?2, ?3, ?4, ?5, ?6, last_insert_rowid())"),
        erase_hosts_(db, "DELETE FROM known_host"),
        put_host_(db,
                  "INSERT INTO known_host (key, address, port, interface, last_seen_ms) VALUES (?1, ?2, ?3, "
                  "?4, ?5)"),
        erase_peers_(db, "DELETE FROM known_peer WHERE group_id = ?1"),
        put_peer_(db,
                  "INSERT INTO known_peer (group_id, host, address, port, interface, last_seen_ms) VALUES "
                  "(?1, ?2, ?3, ?4, ?5, ?6)"),
        erase_folder_(db, "DELETE FROM index_row WHERE folder = ?1"),
        erase_row_(db, "DELETE FROM index_row WHERE folder = ?1 AND kind = ?2 AND key = ?3"),
        put_row_(db, "INSERT OR REPLACE INTO index_row (folder, kind, key, value) VALUES (?1, ?2, ?3, ?4)"),
        put_identity_(
            db,
            "INSERT OR REPLACE INTO identity (id, key_seed, created_ms, boot_number) VALUES (1, ?1, ?2, "
            "?3)") {}

  void apply(const Commit& commit) {
    std::visit([this](const auto& batch) { apply(batch); }, commit.batch);
  }

  void apply(const KnownHosts& known) {
    erase_hosts_.tryReset();
    erase_hosts_.exec();
    for (const KnownHost& host : known.hosts) {
      put_host_.tryReset();
      bind_blob(put_host_, 1, host.contact.key.bytes);
      bind_endpoint(put_host_, 2, host.contact.endpoint);
      put_host_.bind(5, milliseconds_of(host.last_seen));
      put_host_.exec();
    }
  }

  void apply(const KnownPeers& known) {
    erase_peers_.tryReset();
    bind_blob(erase_peers_, 1, known.group.bytes);
    erase_peers_.exec();
    for (const KnownPeer& peer : known.peers) {
      for (const Endpoint& endpoint : peer.endpoints) {
        put_peer_.tryReset();
        bind_blob(put_peer_, 1, known.group.bytes);
        bind_blob(put_peer_, 2, peer.host.bytes);
        bind_endpoint(put_peer_, 3, endpoint);
        put_peer_.bind(6, milliseconds_of(peer.last_seen));
        put_peer_.exec();
      }
    }
  }

  void apply(const HostIdentity& identity) {
    put_identity_.tryReset();
    bind_blob(put_identity_, 1, identity.key_seed);
    put_identity_.bind(2, milliseconds_of(identity.created));
    put_identity_.bind(3, static_cast<std::int64_t>(identity.boot_number));
    put_identity_.exec();
  }

 private:
  void apply(const Refused&) {}

  void apply(const ItemBatch& batch) {
    for (const ItemName& name : batch.erases) {
      erase_body(name);
      erase_item_.tryReset();
      bind_name(erase_item_, name);
      erase_item_.exec();
    }
    for (const StoredItem& item : batch.puts) put(item);
  }

  void apply(const SharedIndexBatch& batch) {
    for (const Id& folder : batch->forget) {
      erase_folder_.tryReset();
      bind_blob(erase_folder_, 1, folder.bytes);
      erase_folder_.exec();
    }
    for (const IndexRow* row : in_order(batch->rows)) {
      SQLite::Statement& statement = row->value ? put_row_ : erase_row_;
      statement.tryReset();
      bind_key(statement, row->key);
      if (row->value) bind_blob(statement, 4, *row->value);
      statement.exec();
    }
  }

  void erase_body(const ItemName& name) {
    erase_body_.tryReset();
    bind_name(erase_body_, name);
    erase_body_.exec();
  }

  void put(const StoredItem& item) {
    erase_body(item.header.name);
    put_body_.tryReset();
    bind_blob(put_body_, 1, *item.body);
    put_body_.exec();
    put_item_.tryReset();
    bind_name(put_item_, item.header.name);
    put_item_.bind(4, static_cast<std::int64_t>(item.header.sequence));
    put_item_.bind(5, milliseconds_of(item.header.expires));
    put_item_.bind(6, static_cast<std::int64_t>(item.body->size()));
    put_item_.exec();
  }

  SQLite::Statement erase_body_;
  SQLite::Statement erase_item_;
  SQLite::Statement put_body_;
  SQLite::Statement put_item_;
  SQLite::Statement erase_hosts_;
  SQLite::Statement put_host_;
  SQLite::Statement erase_peers_;
  SQLite::Statement put_peer_;
  SQLite::Statement erase_folder_;
  SQLite::Statement erase_row_;
  SQLite::Statement put_row_;
  SQLite::Statement put_identity_;
};

SqliteWriter::SqliteWriter(const std::filesystem::path& path, const SqliteOptions& options,
                           std::function<void()> wake)
    : path_(path),
      db_(connect_database(path, options.busy_timeout)),
      statements_(std::make_unique<Statements>(db_)),
      wake_(std::move(wake)),
      thread_([this] { run(); }) {}

SqliteWriter::~SqliteWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_added_.notify_one();
  thread_.join();
}

bool SqliteWriter::has_room_for(const ItemBatch& batch) {
  return has_room_for_bytes(bytes_of(batch));
}
bool SqliteWriter::has_room_for(const IndexBatch& batch) {
  return has_room_for_bytes(bytes_of(batch));
}

bool SqliteWriter::has_room_for_bytes(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  return waiting_bytes_ == 0 || waiting_bytes_ + bytes <= kWaitingBytesMax;
}

void SqliteWriter::write(CommitId commit, ItemBatch batch) {
  const std::size_t bytes = bytes_of(batch);
  add(Commit{commit, std::move(batch), bytes});
}
void SqliteWriter::write(CommitId commit, SharedIndexBatch batch) {
  const std::size_t bytes = bytes_of(*batch);
  add(Commit{commit, std::move(batch), bytes});
}

void SqliteWriter::refuse(CommitId commit) {
  add(Commit{commit, Refused{}});
}

void SqliteWriter::write(KnownHosts hosts) {
  add(std::move(hosts));
}
void SqliteWriter::write(KnownPeers peers) {
  add(std::move(peers));
}

Result<void> SqliteWriter::write_identity(const HostIdentity& identity) {
  add(identity);
  std::unique_lock lock(mutex_);
  identity_written_.wait(lock, [this] { return identity_outcome_.has_value(); });
  return *std::exchange(identity_outcome_, std::nullopt);
}

std::vector<CommitCompletion> SqliteWriter::completions() {
  const std::lock_guard lock(mutex_);
  return std::exchange(completed_, {});
}

void SqliteWriter::add(Work work) {
  {
    const std::lock_guard lock(mutex_);
    if (const Commit* commit = std::get_if<Commit>(&work)) waiting_bytes_ += commit->bytes;
    waiting_.push_back(std::move(work));
  }
  work_added_.notify_one();
}

void SqliteWriter::run() {
  for (;;) {
    std::vector<Work> group;
    {
      std::unique_lock lock(mutex_);
      group = next_group(lock);
    }
    if (group.empty()) return;
    write_group(group);
  }
}

// Waits for work; empty when it is time to end.
std::vector<SqliteWriter::Work> SqliteWriter::next_group(std::unique_lock<std::mutex>& lock) {
  work_added_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
  std::vector<Work> group;
  std::size_t bytes = 0;
  while (!waiting_.empty() && bytes < kGroupBytesMax) {
    if (const Commit* commit = std::get_if<Commit>(&waiting_.front())) bytes += commit->bytes;
    group.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  waiting_bytes_ -= bytes;
  return group;
}

// One work that cannot be written must not fail the others of its group; but while the file is locked nothing
// can be, and each try waits.
void SqliteWriter::write_group(std::span<const Work> group) {
  const Result<void> outcome = write_transaction(group);
  if (outcome || group.size() == 1 || outcome.error().code == ErrorCode::kBusy) {
    report(group, outcome);
    return;
  }
  for (std::size_t i = 0; i < group.size(); ++i) {
    const std::span<const Work> one = group.subspan(i, 1);
    report(one, write_transaction(one));
  }
}

Result<void> SqliteWriter::write_transaction(std::span<const Work> group) {
  try {
    SQLite::Transaction transaction(db_, SQLite::TransactionBehavior::IMMEDIATE);
    for (const Work& work : group) {
      std::visit([this](const auto& what) { statements_->apply(what); }, work);
    }
    transaction.commit();
    return {};
  } catch (const SQLite::Exception& error) {
    note_damage(path_, error.getErrorCode());
    const bool locked = error.getErrorCode() == SQLITE_BUSY;
    return fail(locked ? ErrorCode::kBusy : ErrorCode::kIo,
                fmt::format("cannot write to {}: {}", path_.string(), error.what()));
  }
}

void SqliteWriter::report(std::span<const Work> works, const Result<void>& outcome) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    for (const Work& work : works) {
      if (const Commit* commit = std::get_if<Commit>(&work)) {
        wake = wake || completed_.empty();
        completed_.push_back(
            {commit->id, std::holds_alternative<Refused>(commit->batch)
                             ? Result<void>(fail(ErrorCode::kBusy, "too much waits to be written"))
                             : outcome});
      } else if (std::holds_alternative<HostIdentity>(work)) {
        identity_outcome_ = outcome;
      }
    }
  }
  identity_written_.notify_one();
  if (wake) wake_();
}

}  // namespace shoal
