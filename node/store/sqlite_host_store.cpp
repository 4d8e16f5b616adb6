#include "node/store/sqlite_host_store.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <algorithm>
#include <utility>

#include "node/store/memory_host_store.h"
#include "node/store/sqlite_bind.h"

namespace shoal {
namespace {

// A row whose blob is of another size is somebody's mistake, not a host.
template <std::size_t N>
bool copy_blob(const SQLite::Column& column, std::array<std::uint8_t, N>& out) {
  const ByteView bytes = blob_of(column);
  if (bytes.size() != N) return false;
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return true;
}

std::optional<HostIdentity> read_identity(const SQLite::Database& db) {
  SQLite::Statement row(db, "SELECT key_seed, created_ms, boot_number FROM identity");
  HostIdentity identity;
  if (!row.executeStep() || !copy_blob(row.getColumn(0), identity.key_seed)) return std::nullopt;
  identity.created = wall_time_of(row.getColumn(1).getInt64());
  identity.boot_number = static_cast<std::uint64_t>(row.getColumn(2).getInt64());
  return identity;
}

std::vector<KnownHost> read_hosts(const SQLite::Database& db) {
  SQLite::Statement rows(
      db, "SELECT key, address, port, interface, last_seen_ms FROM known_host ORDER BY position");
  std::vector<KnownHost> hosts;
  while (rows.executeStep()) {
    KnownHost host;
    Endpoint& endpoint = host.contact.endpoint;
    if (!copy_blob(rows.getColumn(0), host.contact.key.bytes)) continue;
    if (!copy_blob(rows.getColumn(1), endpoint.address)) continue;
    endpoint.port = static_cast<std::uint16_t>(rows.getColumn(2).getInt());
    endpoint.interface = rows.getColumn(3).getUInt();
    host.last_seen = wall_time_of(rows.getColumn(4).getInt64());
    hosts.push_back(host);
  }
  return most_recent(std::move(hosts), kKnownHostsMax);
}

}  // namespace

SqliteHostStore::SqliteHostStore(SQLite::Database db, SqliteWriter& writer, Warnings& warnings)
    : writer_(writer), warnings_(warnings), identity_(read_identity(db)), hosts_(read_hosts(db)) {}

void SqliteHostStore::save_identity(const HostIdentity& identity) {
  identity_ = identity;
  if (const Result<void> written = writer_.write_identity(identity); !written) {
    warnings_.add(written.error().message);
  }
}

void SqliteHostStore::save_hosts(const std::vector<KnownHost>& hosts) {
  hosts_ = most_recent(hosts, kKnownHostsMax);
  writer_.write_hosts(hosts_);
}

}  // namespace shoal
