// SqliteStores: a node's ItemStore, IndexStore and HostStore in one database file, shoal.sqlite, of its data
// directory. What is acknowledged is on disk (WAL, synchronous = FULL). All calls come from the loop's
// thread; writing happens on a thread of its own.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "node/base/result.h"
#include "node/ports/host_store.h"
#include "node/ports/index_store.h"
#include "node/ports/item_store.h"
#include "node/store/commit_sink.h"

namespace shoal {

struct SqliteOptions {
  // How long to wait for another program that has the file locked.
  std::chrono::milliseconds busy_timeout = std::chrono::seconds(5);
};

class SqliteStores {
 public:
  // `wake_loop` is called from the writer's thread when completions wait: it must only get the loop to call
  // drain_completions() soon, and be callable until the destructor has returned. The directory must be ours
  // alone (DataDirectory). Errors: kUnsupported, a database of a newer version or of another program; kIo. A
  // damaged database is moved aside.
  static Result<std::unique_ptr<SqliteStores>> open(const std::filesystem::path& directory,
                                                    std::function<void()> wake_loop,
                                                    const SqliteOptions& options = {});
  // Writes all that waits; nothing is lost, but nobody is told.
  ~SqliteStores();

  ItemStore& items();
  IndexStore& index();
  HostStore& hosts();
  // To be told to the node, in this order.
  std::vector<CommitCompletion> drain_completions();
  // For the log: what open() had to repair, and failures that no commit reports. Each once.
  std::vector<std::string> take_warnings();

 private:
  struct Impl;
  explicit SqliteStores(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace shoal
