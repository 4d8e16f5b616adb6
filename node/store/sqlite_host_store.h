// SqliteHostStore: the HostStore of the real node. What it keeps is small: read once, then held.
#pragma once

#include <SQLiteCpp/Database.h>

#include <optional>
#include <vector>

#include "node/store/memory_host_store.h"
#include "node/store/sqlite_writer.h"
#include "node/store/warnings.h"

namespace shoal {

class SqliteHostStore final : public HostStore {
 public:
  // Throws SQLite::Exception. Failures to save the identity go to `warnings`.
  SqliteHostStore(SQLite::Database db, SqliteWriter& writer, Warnings& warnings);

  std::optional<HostIdentity> load_identity() const override { return held_.load_identity(); }
  // On disk when it returns: a boot number is never used twice.
  void save_identity(const HostIdentity& identity) override;
  std::vector<KnownHost> load_hosts() const override { return held_.load_hosts(); }
  void save_hosts(const std::vector<KnownHost>& hosts) override;
  std::vector<KnownPeer> load_peers(const Id& group) const override { return held_.load_peers(group); }
  void save_peers(const Id& group, const std::vector<KnownPeer>& peers) override;

 private:
  SqliteWriter& writer_;
  Warnings& warnings_;
  MemoryHostStore held_;
};

}  // namespace shoal
