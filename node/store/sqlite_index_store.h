// SqliteIndexStore: the IndexStore of the real node. Like SqliteItemStore it reads on the loop's thread, with
// a connection of its own, and what the writer has not written yet lies over the database: rows, and folders
// that are forgotten, of which nothing in the database counts.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "node/ports/index_store.h"
#include "node/store/sqlite_writer.h"
#include "node/store/warnings.h"

namespace shoal {

class SqliteIndexStore final : public IndexStore {
 public:
  // Throws SQLite::Exception. Reading errors go to `warnings`; what was not read then counts as not there.
  SqliteIndexStore(const std::filesystem::path& path, const SqliteOptions& options, SqliteWriter& writer,
                   Warnings& warnings);

  std::vector<Id> groups() const override;
  std::optional<Bytes> find(const IndexKey& key) const override;
  std::vector<IndexRow> list(const IndexKey& key, bool or_equal, std::size_t count_max) const override;
  CommitId commit(IndexBatch batch) override;

  // To be called for each completion of the writer, in order.
  void settle(const CommitCompletion& completion);

 private:
  // Rows stay where they are: in the batch, which the overlay and the writer share.
  struct Pending {
    const IndexRow* row;
    CommitId commit;  // the last that touched the key
  };
  struct ByKey {
    using is_transparent = void;
    static const IndexKey& key_of(const Pending& pending) { return pending.row->key; }
    static const IndexKey& key_of(const IndexKey& key) { return key; }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return key_of(a) < key_of(b);
    }
  };
  using Overlay = std::set<Pending, ByKey>;

  void forget(const Id& group, CommitId commit);
  void lay_over(const IndexRow& row, CommitId commit);
  template <class Read>
  void reading(Read&& read) const;

  const std::filesystem::path path_;
  SqliteWriter& writer_;
  Warnings& warnings_;
  SQLite::Database db_;
  mutable SQLite::Statement find_;
  mutable SQLite::Statement list_from_;
  mutable SQLite::Statement list_after_;
  mutable SQLite::Statement next_folder_;
  std::map<CommitId, SharedIndexBatch> unsettled_;
  Overlay overlay_;  // points into unsettled_
  std::map<Id, CommitId> forgotten_;
};

}  // namespace shoal
