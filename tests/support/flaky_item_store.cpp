#include "tests/support/flaky_item_store.h"

#include <utility>

namespace shoal {

CommitId FlakyItemStore::commit(ItemBatch batch) {
  const CommitId id = sink_.next_commit();
  if (full_) {
    sink_.committed(id, fail(ErrorCode::kIo, "no space left on device"));
  } else {
    items_.commit(std::move(batch));
    sink_.committed(id, {});
  }
  return id;
}

bool FlakyItemStore::damage(const ItemName& name) {
  const auto held = items_.find(name);
  if (!held || held->body->empty()) return false;
  Bytes body = *held->body;
  body.front() ^= 0x80;
  StoredItem damaged{held->header, std::make_shared<const Bytes>(std::move(body))};
  items_.commit({{std::move(damaged)}, {}});
  return true;
}

}  // namespace shoal
