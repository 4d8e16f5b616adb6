// ItemStore: the DHT values a host holds for others. One implementation in memory, one on SQLite.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "node/base/bytes.h"
#include "node/base/id.h"
#include "node/base/instant.h"

namespace shoal {

enum class ItemKind : std::uint8_t { kHash = 1, kPublish = 2, kConnection = 3 };

struct ItemName {
  Id location;  // where it lies in the id space
  ItemKind kind = ItemKind::kHash;
  Bytes salt;  // publish items only; at most kSaltBytesMax
  friend auto operator<=>(const ItemName&, const ItemName&) = default;
};

// All but the value.
struct ItemHeader {
  ItemName name;
  std::uint64_t sequence = 0;  // 0 for hash items
  WallTime expires{};
  std::uint32_t body_bytes = 0;
};

struct StoredItem {
  ItemHeader header;
  // Exactly what came over the wire (dht/item.h), shared so that a simulation keeps equal bodies once.
  std::shared_ptr<const Bytes> body;
};

struct ItemBatch {
  std::vector<StoredItem> puts;  // each replaces what is held under its name
  std::vector<ItemName> erases;  // done before the puts
};

struct CommitId {
  std::uint64_t value = 0;
  friend auto operator<=>(const CommitId&, const CommitId&) = default;
};

struct ItemTotals {
  std::uint64_t count = 0;
  std::uint64_t body_bytes = 0;
};

class ItemStore {
 public:
  virtual ~ItemStore() = default;
  // Sees every batch that was handed to commit(), durable or not.
  virtual std::optional<StoredItem> find(const ItemName& name) const = 0;
  // Up to `count_max` headers of names greater than `after` (nullptr: from the first), in the order of names.
  virtual std::vector<ItemHeader> list(const ItemName* after, std::size_t count_max) const = 0;
  // All of the batch becomes durable or none of it; PortEvents::on_committed says which, later, in the order
  // of the calls. A batch that failed is no longer seen by find() and list().
  virtual CommitId commit(ItemBatch batch) = 0;
  virtual ItemTotals totals() const = 0;
};

}  // namespace shoal
