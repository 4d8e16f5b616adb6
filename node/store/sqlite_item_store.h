// SqliteItemStore: the ItemStore of the real node. Reads on the loop's thread, with a connection of its own;
// what the writer has not written yet lies over the database as an overlay, so that reads see it at once.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <map>
#include <optional>
#include <vector>

#include "node/ports/item_store.h"
#include "node/store/sqlite_writer.h"
#include "node/store/warnings.h"

namespace shoal {

class SqliteItemStore final : public ItemStore {
 public:
  // Throws SQLite::Exception. Reading errors go to `warnings`; the item then counts as not held.
  SqliteItemStore(const std::filesystem::path& path, const SqliteOptions& options, SqliteWriter& writer,
                  Warnings& warnings);

  std::optional<StoredItem> find(const ItemName& name) const override;
  std::vector<ItemHeader> list(const ItemName* after, std::size_t count_max) const override;
  CommitId commit(ItemBatch batch) override;
  ItemTotals totals() const override { return totals_; }

  // To be called for each completion of the writer, in order.
  void settle(const CommitCompletion& completion);

 private:
  struct Pending {
    CommitId commit;                 // the last that touched the name
    std::optional<StoredItem> item;  // nothing: erased
  };
  void lay_over(ItemName name, Pending pending);
  // The size of the body that the database and the overlay hold under this name.
  std::optional<std::uint64_t> body_bytes(const ItemName& name) const;
  std::optional<std::uint64_t> written_body_bytes(const ItemName& name) const;
  void recount();
  template <class Read>
  void reading(Read&& read) const;

  const std::filesystem::path path_;
  SqliteWriter& writer_;
  Warnings& warnings_;
  SQLite::Database db_;
  mutable SQLite::Statement find_;
  mutable SQLite::Statement size_;
  mutable SQLite::Statement list_first_;
  mutable SQLite::Statement list_after_;
  std::map<ItemName, Pending> overlay_;
  // By commit, the names it laid over; the oldest first.
  std::map<CommitId, std::vector<ItemName>> unsettled_;
  ItemTotals totals_;
};

}  // namespace shoal
