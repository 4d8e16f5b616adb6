#include "node/store/sqlite_file.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace shoal {
namespace {

namespace fs = std::filesystem;

constexpr int kApplicationId = 0x53484f4c;  // "SHOL", in the file's header

// What makes version n of version n - 1, from an empty file on; never changed once it is released.
//
// Bodies lie apart, so that walking the names reads few pages. Sequence numbers are unsigned and are kept by
// their bit pattern; nothing in the database compares them. A known peer has a row for each of its endpoints.
// What a folder is made of lies by folder, table and key, so that a walk through a table of a folder reads
// its pages one after the other.
constexpr std::array<const char*, kSchemaVersion> kSteps = {R"(
CREATE TABLE body (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
CREATE TABLE item (
  location BLOB NOT NULL, kind INTEGER NOT NULL, salt BLOB NOT NULL,
  sequence INTEGER NOT NULL, expires_ms INTEGER NOT NULL, body_bytes INTEGER NOT NULL, body_id INTEGER NOT NULL,
  PRIMARY KEY (location, kind, salt)) STRICT, WITHOUT ROWID;
CREATE TABLE identity (
  id INTEGER PRIMARY KEY CHECK (id = 1), key_seed BLOB NOT NULL, created_ms INTEGER NOT NULL,
  boot_number INTEGER NOT NULL) STRICT;
CREATE TABLE known_host (
  position INTEGER PRIMARY KEY, key BLOB NOT NULL, address BLOB NOT NULL, port INTEGER NOT NULL,
  interface INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL) STRICT;
)",
                                                            R"(
CREATE TABLE index_row (
  folder BLOB NOT NULL, kind INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,
  PRIMARY KEY (folder, kind, key)) STRICT, WITHOUT ROWID;
)",
                                                            R"(
CREATE TABLE known_peer (
  position INTEGER PRIMARY KEY, group_id BLOB NOT NULL, host BLOB NOT NULL, address BLOB NOT NULL,
  port INTEGER NOT NULL, interface INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL) STRICT;
)"};

fs::path beside(const fs::path& path, const char* suffix) {
  fs::path other = path;
  other += suffix;
  return other;
}

bool is_damage(int sqlite_error) {
  const int primary = sqlite_error & 0xff;
  return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
}

// SQLite gives the files it puts beside the database the same permissions.
Result<void> create_private(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return fail(ErrorCode::kIo, fmt::format("cannot open {}: {}", path.string(), std::strerror(errno)));
  }
  ::close(fd);
  return {};
}

Result<void> set_up(SQLite::Database& db, const fs::path& path) {
  const int version = db.execAndGet("PRAGMA user_version").getInt();
  const int application = db.execAndGet("PRAGMA application_id").getInt();
  const bool empty = db.execAndGet("SELECT count(*) FROM sqlite_schema").getInt() == 0;
  if (!empty && application != kApplicationId) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{} is not a database of shoal: choose another data directory", path.string()));
  }
  if (version > kSchemaVersion) {
    return fail(
        ErrorCode::kUnsupported,
        fmt::format("{} was written by a newer shoal (schema version {}, this one knows {}): use that "
                    "version, or another data directory",
                    path.string(), version, kSchemaVersion));
  }
  if (version < kSchemaVersion) {
    SQLite::Transaction transaction(db);
    for (int step = version; step < kSchemaVersion; ++step) db.exec(kSteps[static_cast<std::size_t>(step)]);
    db.exec(fmt::format("PRAGMA application_id = {}", kApplicationId));
    db.exec(fmt::format("PRAGMA user_version = {}", kSchemaVersion));
    transaction.commit();
  }
  return {};
}

// The first complaint of SQLite's own check; empty when there is none.
std::string find_damage(SQLite::Database& db) {
  const std::string finding = db.execAndGet("PRAGMA quick_check(1)").getString();
  return finding == "ok" ? std::string() : finding;
}

// Gives the files another name, the first that is free, and says so.
Result<void> move_aside(const fs::path& path, const std::string& why, Warnings& warnings) {
  fs::path aside;
  for (int number = 1; aside.empty() || fs::exists(aside); ++number) {
    aside = beside(path, fmt::format(".damaged-{}", number).c_str());
  }
  std::error_code error;
  fs::rename(path, aside, error);
  if (error) {
    return fail(ErrorCode::kIo, fmt::format("{} is damaged ({}) and cannot be moved aside: {}", path.string(),
                                            why, error.message()));
  }
  for (const char* suffix : {"-wal", "-shm"}) {
    std::error_code none;  // they need not be there
    fs::rename(beside(path, suffix), beside(aside, suffix), none);
  }
  warnings.add(fmt::format("{} was damaged ({}): moved to {} and begun anew", path.string(), why,
                           aside.filename().string()));
  return {};
}

// The damage found, or an empty text when the database is fit for use.
Result<std::string> try_prepare(const fs::path& path, bool check_all) {
  try {
    SQLite::Database db = connect_database(path, std::chrono::seconds(5));
    if (check_all) {
      if (std::string damage = find_damage(db); !damage.empty()) return damage;
    }
    if (Result<void> ready = set_up(db, path); !ready) return tl::unexpected(std::move(ready.error()));
    return std::string();
  } catch (const SQLite::Exception& error) {
    if (is_damage(error.getErrorCode())) return std::string(error.what());
    return fail(ErrorCode::kIo, fmt::format("cannot open {}: {}", path.string(), error.what()));
  }
}

}  // namespace

Result<void> prepare_database(const fs::path& path, Warnings& warnings) {
  if (Result<void> created = create_private(path); !created) return created;
  // SQLite removes its log when the last connection closes.
  std::error_code none;
  const bool unclean = fs::exists(beside(path, "-wal"), none);
  const fs::path note = beside(path, "-check");
  Result<std::string> damage = try_prepare(path, unclean || fs::exists(note, none));
  if (damage && !damage->empty()) {
    if (Result<void> moved = move_aside(path, *damage, warnings); !moved) return moved;
    if (Result<void> created = create_private(path); !created) return created;
    damage = try_prepare(path, false);
    if (damage && !damage->empty())
      return fail(ErrorCode::kIo, fmt::format("{}: {}", path.string(), *damage));
  }
  if (!damage) return tl::unexpected(std::move(damage.error()));
  fs::remove(note, none);
  return {};
}

SQLite::Database connect_database(const fs::path& path, std::chrono::milliseconds busy_timeout) {
  SQLite::Database db(path.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX,
                      static_cast<int>(busy_timeout.count()));
  // A database is data, whoever wrote it: no function of its schema runs.
  db.exec("PRAGMA trusted_schema = OFF");
  db.exec("PRAGMA cell_size_check = ON");
  db.exec("PRAGMA journal_mode = WAL");
  db.exec("PRAGMA synchronous = FULL");  // durable before acknowledged
  db.exec("PRAGMA wal_autocheckpoint = 4000");
  db.exec("PRAGMA journal_size_limit = 67108864");
  return db;
}

bool note_damage(const fs::path& path, int sqlite_error) {
  if (!is_damage(sqlite_error)) return false;
  const int fd = ::open(beside(path, "-check").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) ::close(fd);
  return true;
}

}  // namespace shoal
