// SqliteWriter: the thread that writes. Everything handed over while it was busy goes into one transaction,
// so that many commits share one flush of the disk (group commit).
#pragma once

#include <SQLiteCpp/Database.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
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
#include "node/ports/index_store.h"
#include "node/ports/item_store.h"
#include "node/store/sqlite_stores.h"

namespace shoal {

// Shared with the overlay of the store that handed it over.
using SharedIndexBatch = std::shared_ptr<const IndexBatch>;

// They replace what is there.
struct KnownHosts {
  std::vector<KnownHost> hosts;
};
struct KnownPeers {
  Id group;
  std::vector<KnownPeer> peers;
};

class SqliteWriter {
 public:
  // Bytes of bodies and rows that may wait to be written; a batch beyond it completes with kBusy, unless it
  // is the only one: a batch may be larger than that by itself (a folder of a million files).
  static constexpr std::size_t kWaitingBytesMax = 64u << 20;

  // Throws SQLite::Exception. `wake` is called on the writer's thread when completions() has something new.
  SqliteWriter(const std::filesystem::path& path, const SqliteOptions& options, std::function<void()> wake);
  // Writes all that waits, then ends the thread.
  ~SqliteWriter();

  // One sequence for all stores. For the loop's thread.
  CommitId next_commit() { return CommitId{++commits_}; }
  // If too much waits to take this batch too, it is to be refused.
  bool has_room_for(const ItemBatch& batch);
  bool has_room_for(const IndexBatch& batch);
  void write(CommitId commit, ItemBatch batch);
  void write(CommitId commit, SharedIndexBatch batch);
  // Its completion, with kBusy, comes in its turn.
  void refuse(CommitId commit);
  void write(KnownHosts hosts);
  void write(KnownPeers peers);
  // Returns when it is on disk. Errors kIo, kBusy.
  Result<void> write_identity(const HostIdentity& identity);

  // What has completed since the last call, in the order of write() and refuse().
  std::vector<CommitCompletion> completions();

 private:
  struct Refused {};
  struct Commit {
    CommitId id;
    std::variant<Refused, ItemBatch, SharedIndexBatch> batch;
    std::size_t bytes = 0;
  };
  using Work = std::variant<Commit, KnownHosts, KnownPeers, HostIdentity>;
  class Statements;

  bool has_room_for_bytes(std::size_t bytes);
  void add(Work work);
  void run();
  std::vector<Work> next_group(std::unique_lock<std::mutex>& lock);
  void write_group(std::span<const Work> group);
  Result<void> write_transaction(std::span<const Work> group);
  void report(std::span<const Work> works, const Result<void>& outcome);

  const std::filesystem::path path_;
  SQLite::Database db_;
  std::unique_ptr<Statements> statements_;
  std::function<void()> wake_;
  std::uint64_t commits_ = 0;

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
