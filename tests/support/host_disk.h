// HostDisk: with what a host in memory keeps folders: a disk, an index, and workers that take their time.
// Works run and events of the disk are told one by one, as events of the network; the same seed gives the
// same run.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "node/ports/events.h"
#include "node/ports/work_pool.h"
#include "node/store/memory_folder.h"
#include "node/store/memory_index_store.h"
#include "tests/support/manual_host.h"

namespace shoal {

class HostDisk final : private WorkPool {
 public:
  HostDisk(ManualNetwork& network, CommitSink& sink, Rng rng)
      : network_(network), rng_(std::move(rng)), index_(sink) {}

  // Before a node is made over the ports.
  void mount();
  // From now on `node` is told; it begins with what the disk and the index have kept.
  void start(ManualNetwork::HostIndex host, PortEvents& node);
  // The node is gone: works vanish, and so does what the index has not settled.
  void stop();
  // While it is stopped: the power fails.
  void lose_power(MemoryDisk::CrashOrder order) { disk_.crash(rng_, order); }

  // While it is stopped: all that the machine has kept, and back to that.
  struct Snapshot {
    MemoryDisk disk;
    std::map<IndexKey, Bytes> index;
  };
  Snapshot snapshot() const { return {disk_, index_.rows()}; }
  void restore(const Snapshot& snapshot);

  // For a person; at the present time.
  MemoryDisk& disk();
  MemoryIndexStore& index() { return index_; }
  Folders& folders() { return *folders_; }
  MemoryFolders& memory_folders() { return *folders_; }
  WorkPool& pool() { return *this; }

  // Works are run in an order drawn by chance, not that of their submission.
  bool shuffles_works = false;
  Duration work_time = 1ms;
  std::size_t works_waiting() const { return works_.size(); }

 private:
  void submit(std::unique_ptr<Work> work) override;
  unsigned width() const override { return 2; }
  void run_one();
  // Unless the node is gone by then.
  void later(Duration by, std::function<void()> event);

  ManualNetwork& network_;
  Rng rng_;
  MemoryDisk disk_;
  MemoryIndexStore index_;
  std::optional<MemoryFolders> folders_;
  std::vector<std::unique_ptr<Work>> works_;
  ManualNetwork::HostIndex host_ = 0;
  PortEvents* node_ = nullptr;
  std::shared_ptr<bool> run_;  // of the node; another one after each start
};

}  // namespace shoal
