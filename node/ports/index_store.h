// IndexStore: what a host remembers of its folders: tables of bytes under keys, whose meaning is the sync
// core's (sync/index.h). One implementation in memory, one on SQLite.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "node/base/bytes.h"
#include "node/base/id.h"
#include "node/base/result.h"
#include "node/ports/item_store.h"

namespace shoal {

enum class IndexTable : std::uint8_t {
  kFolder = 1,   // what the folder is: one row under the empty key
  kEntry = 2,    // by node id
  kDisk = 3,     // what lies on the disk, by node id
  kContent = 4,  // parts of a file's content, by its root
  kPart = 5,     // where a part lies, by its hash and a content that has it
  kTrash = 6,
};

inline constexpr std::size_t kIndexKeyBytesMax = 128;

struct IndexKey {
  Id group;  // of the folder
  IndexTable table = IndexTable::kFolder;
  Bytes key;  // at most kIndexKeyBytesMax
  friend bool operator==(const IndexKey&, const IndexKey&) = default;
  // As text: where g++ 12 sees the length of one of two vectors, it warns of comparing too many bytes.
  friend std::strong_ordering operator<=>(const IndexKey& a, const IndexKey& b) {
    if (const auto order = a.group <=> b.group; order != 0) return order;
    if (const auto order = a.table <=> b.table; order != 0) return order;
    return text(a.key) <=> text(b.key);
  }
};

struct IndexRow {
  IndexKey key;
  std::optional<Bytes> value;  // nothing: the row goes
};

struct IndexBatch {
  std::vector<IndexRow> rows;  // later ones win
  std::vector<Id> forget;      // folders of which every row goes, before `rows` come
};

class IndexStore {
 public:
  virtual ~IndexStore() = default;
  // All folders that have a row in kFolder.
  virtual std::vector<Id> groups() const = 0;
  // Both see every batch that was handed to commit(), durable or not.
  virtual std::optional<Bytes> find(const IndexKey& key) const = 0;
  // Up to `count_max` rows of the key's folder and table whose keys are greater than key.key, or equal to it
  // with `or_equal`, in the order of keys (bytes).
  virtual std::vector<IndexRow> list(const IndexKey& key, bool or_equal, std::size_t count_max) const = 0;
  // All of the batch becomes durable or none of it; PortEvents::on_committed says which, later, in the order
  // of the calls; its ids are of one sequence with those of the host's ItemStore. A batch that failed is no
  // longer seen.
  virtual CommitId commit(IndexBatch batch) = 0;
};

}  // namespace shoal
