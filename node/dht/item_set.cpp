#include "node/dht/item_set.h"

#include <algorithm>

namespace shoal {

void ItemSet::keep(const wire::Item& item, const wire::GetItem& get) {
  const auto same = [&](const wire::Item& held) { return held.kind == item.kind && held.body == item.body; };
  if (std::any_of(items_.begin(), items_.end(), same)) return;  // the signature is checked once
  const auto header = verify_item(item);
  if (!header || header->name.location != get.name.location || header->name.kind != get.name.kind) return;
  if (!get.all && header->name.salt != get.name.salt) return;
  const auto place =
      std::lower_bound(headers_.begin(), headers_.end(), header->name.salt,
                       [](const ItemHeader& h, const Bytes& salt) { return h.name.salt < salt; });
  const auto index = place - headers_.begin();
  if (place == headers_.end() || place->name.salt != header->name.salt) {
    headers_.insert(place, *header);
    items_.insert(items_.begin() + index, item);
  } else if (supersedes(*header, item.body, *place, items_[static_cast<std::size_t>(index)].body)) {
    *place = *header;
    items_[static_cast<std::size_t>(index)] = item;
  }
}

std::uint64_t ItemSet::sequence_max() const {
  std::uint64_t highest = 0;
  for (const ItemHeader& header : headers_) highest = std::max(highest, header.sequence);
  return highest;
}

}  // namespace shoal
