// SqliteHostStore: the HostStore of the real node. Both what it keeps are small: read once, then held.
#pragma once

#include <SQLiteCpp/Database.h>

#include <optional>
#include <vector>

#include "node/ports/host_store.h"
#include "node/store/sqlite_writer.h"
#include "node/store/warnings.h"

namespace shoal {

class SqliteHostStore final : public HostStore {
 public:
  // Throws SQLite::Exception. Failures to save the identity go to `warnings`.
  SqliteHostStore(SQLite::Database db, SqliteWriter& writer, Warnings& warnings);

  std::optional<HostIdentity> load_identity() const override { return identity_; }
  // On disk when it returns: a boot number is never used twice.
  void save_identity(const HostIdentity& identity) override;
  std::vector<KnownHost> load_hosts() const override { return hosts_; }
  void save_hosts(const std::vector<KnownHost>& hosts) override;

 private:
  SqliteWriter& writer_;
  Warnings& warnings_;
  std::optional<HostIdentity> identity_;
  std::vector<KnownHost> hosts_;
};

}  // namespace shoal
