// SqliteWriter: the thread that writes. Everything handed over while it was busy goes into one transaction,
// so that many commits share one flush of the disk (group commit).
#pragma once

#include <SQLiteCpp/Database.h>

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <variant>
#include <vector>

#include "node/ports/host_store.h"
#include "node/ports/item_store.h"
#include "node/store/sqlite_stores.h"

namespace shoal {

class SqliteWriter {
 public:
  // Bytes of bodies that may wait to be written; a batch beyond it completes with kBusy.
  static constexpr std::size_t kWaitingBytesMax = 64u << 20;

  // Throws SQLite::Exception. `wake` is called on the writer's thread when completions() has something new.
  SqliteWriter(const std::filesystem::path& path, const SqliteOptions& options, std::function<void()> wake);
  // Writes all that waits, then ends the thread.
  ~SqliteWriter();

  // Does too much wait to take this batch too? It is then to be refused.
  bool is_full_for(const ItemBatch& batch);
  void write_items(CommitId commit, ItemBatch batch);
  // Its completion, with kBusy, comes in its turn.
  void refuse_items(CommitId commit);
  void write_hosts(std::vector<KnownHost> hosts);
  // Returns when it is on disk. Errors kIo, kBusy.
  Result<void> write_identity(const HostIdentity& identity);

  // What has completed since the last call, in the order of write_items.
  std::vector<CommitCompletion> completions();

 private:
  struct Items {
    CommitId commit;
    ItemBatch batch;
    std::size_t bytes = 0;
    bool refused = false;
  };
  using Work = std::variant<Items, std::vector<KnownHost>, HostIdentity>;
  class Statements;

  void add(Work work);
  void run();
  std::vector<Work> next_group(std::unique_lock<std::mutex>& lock);
  void write(std::span<const Work> group);
  Result<void> write_transaction(std::span<const Work> group);
  void report(std::span<const Work> works, const Result<void>& outcome);

  const std::filesystem::path path_;
  SQLite::Database db_;
  std::unique_ptr<Statements> statements_;
  std::function<void()> wake_;

  std::mutex mutex_;  // guards all below
  std::condition_variable work_added_;
  std::condition_variable identity_written_;
  std::deque<Work> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::vector<CommitCompletion> completed_;
  std::optional<Result<void>> identity_outcome_;
  bool stopping_ = false;

  std::thread thread_;  // last: it uses all the others
};

}  // namespace shoal
