// ItemSet: what a get has gathered: verified items that answer it, for each salt the one that supersedes all
// others (item.h), sorted by salt.
#pragma once

#include <cstdint>
#include <vector>

#include "node/dht/item.h"
#include "node/wire/messages.h"

namespace shoal {

class ItemSet {
 public:
  // Keeps the item if it verifies, answers `get` and supersedes what is there.
  void keep(const wire::Item& item, const wire::GetItem& get);

  bool empty() const { return items_.empty(); }
  const std::vector<wire::Item>& items() const { return items_; }
  const std::vector<ItemHeader>& headers() const { return headers_; }
  // The highest sequence number; 0 when empty.
  std::uint64_t sequence_max() const;

 private:
  std::vector<wire::Item> items_;
  std::vector<ItemHeader> headers_;  // of items_
};

}  // namespace shoal
