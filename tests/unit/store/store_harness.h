// What the tests of the stores share: one harness for each implementation, and made-up items.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "node/base/result.h"
#include "node/base/rng.h"
#include "node/store/memory_host_store.h"
#include "node/store/memory_index_store.h"
#include "node/store/memory_item_store.h"
#include "node/store/sqlite_stores.h"
#include "node/wire/messages.h"

namespace shoal {

// A harness owns the stores; wait(n) returns the next n completions.
class MemoryHarness {
 public:
  ItemStore& items() { return items_; }
  MemoryIndexStore& index() { return index_; }
  HostStore& hosts() { return hosts_; }
  std::vector<CommitCompletion> wait(std::size_t) {
    std::vector<CommitCompletion> done = commits_.take();
    for (const CommitCompletion& completion : done) index_.settle(completion.commit);
    return done;
  }

 private:
  CommitQueue commits_;
  BodyPool pool_;
  MemoryItemStore items_{commits_, &pool_};
  MemoryIndexStore index_{commits_};
  MemoryHostStore hosts_;
};

// Number `which` names the item; the body depends on both arguments.
inline StoredItem item(int which, std::size_t body_bytes = 100) {
  Rng rng = Rng::keyed(static_cast<std::uint64_t>(which), "test", "item");
  StoredItem made;
  made.header.name.location = rng.id();
  made.header.sequence = static_cast<std::uint64_t>(which);
  made.header.expires = WallTime(std::chrono::milliseconds(1'700'000'000'000 + which));
  made.header.body_bytes = static_cast<std::uint32_t>(body_bytes);
  Bytes body(body_bytes);
  rng.fill(body);
  made.body = std::make_shared<const Bytes>(std::move(body));
  return made;
}

inline void expect_same_header(const ItemHeader& actual, const ItemHeader& expected) {
  EXPECT_EQ(actual.name, expected.name);
  EXPECT_EQ(actual.sequence, expected.sequence);
  EXPECT_EQ(actual.expires, expected.expires);
  EXPECT_EQ(actual.body_bytes, expected.body_bytes);
}

inline void expect_same(const std::optional<StoredItem>& actual, const StoredItem& expected) {
  ASSERT_TRUE(actual.has_value());
  expect_same_header(actual->header, expected.header);
  EXPECT_EQ(*actual->body, *expected.body);
}

}  // namespace shoal
