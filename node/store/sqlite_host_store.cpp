#include "node/store/sqlite_host_store.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <algorithm>
#include <map>
#include <utility>

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

// From three columns on.
bool copy_endpoint(SQLite::Statement& row, int column, Endpoint& out) {
  out.port = static_cast<std::uint16_t>(row.getColumn(column + 1).getInt());
  out.interface = row.getColumn(column + 2).getUInt();
  return copy_blob(row.getColumn(column), out.address);
}

std::vector<KnownHost> read_hosts(const SQLite::Database& db) {
  SQLite::Statement rows(
      db, "SELECT key, address, port, interface, last_seen_ms FROM known_host ORDER BY position");
  std::vector<KnownHost> hosts;
  while (rows.executeStep()) {
    KnownHost host;
    if (!copy_blob(rows.getColumn(0), host.contact.key.bytes)) continue;
    if (!copy_endpoint(rows, 1, host.contact.endpoint)) continue;
    host.last_seen = wall_time_of(rows.getColumn(4).getInt64());
    hosts.push_back(host);
  }
  return hosts;
}

std::map<Id, std::vector<KnownPeer>> read_peers(const SQLite::Database& db) {
  SQLite::Statement rows(
      db, "SELECT group_id, host, address, port, interface, last_seen_ms FROM known_peer ORDER BY position");
  std::map<Id, std::vector<KnownPeer>> peers;
  while (rows.executeStep()) {
    Id group;
    KnownPeer peer;
    Endpoint endpoint;
    if (!copy_blob(rows.getColumn(0), group.bytes)) continue;
    if (!copy_blob(rows.getColumn(1), peer.host.bytes)) continue;
    if (!copy_endpoint(rows, 2, endpoint)) continue;
    peer.last_seen = wall_time_of(rows.getColumn(5).getInt64());
    std::vector<KnownPeer>& of_group = peers[group];
    if (of_group.empty() || of_group.back().host != peer.host) of_group.push_back(std::move(peer));
    of_group.back().endpoints.push_back(endpoint);
  }
  return peers;
}

}  // namespace

SqliteHostStore::SqliteHostStore(SQLite::Database db, SqliteWriter& writer, Warnings& warnings)
    : writer_(writer), warnings_(warnings) {
  if (const auto identity = read_identity(db)) held_.save_identity(*identity);
  held_.save_hosts(read_hosts(db));
  for (const auto& [group, peers] : read_peers(db)) held_.save_peers(group, peers);
}

void SqliteHostStore::save_identity(const HostIdentity& identity) {
  held_.save_identity(identity);
  if (const Result<void> written = writer_.write_identity(identity); !written) {
    warnings_.add(written.error().message);
  }
}

void SqliteHostStore::save_hosts(const std::vector<KnownHost>& hosts) {
  held_.save_hosts(hosts);
  writer_.write(KnownHosts{held_.load_hosts()});
}

void SqliteHostStore::save_peers(const Id& group, const std::vector<KnownPeer>& peers) {
  held_.save_peers(group, peers);
  writer_.write(KnownPeers{group, peers});
}

}  // namespace shoal
