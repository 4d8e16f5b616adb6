// NodeCluster: a few whole nodes on a ManualNetwork, with their stores, for tests that read as a story.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "node/node.h"
#include "node/store/memory_host_store.h"
#include "tests/support/flaky_item_store.h"
#include "tests/support/host_disk.h"
#include "tests/support/manual_host.h"

namespace shoal {

// Sees every job of every node begin, and when a node has none left for now.
class JobWatcher : public Tracer {
 public:
  virtual void on_jobs_done() = 0;
};

class NodeCluster {
 public:
  explicit NodeCluster(std::uint64_t seed = 1, JobWatcher* watcher = nullptr);
  ~NodeCluster();

  // A host whose node starts at once; its bootstrap list is the endpoints of `via`.
  std::size_t add(std::vector<std::size_t> via = {}, NodeConfig config = {},
                  CipherKind cipher = CipherKind::kReal);
  // `count` hosts that join through the first.
  void add_many(std::size_t count, const NodeConfig& config = {});
  // From now on, and after each restart.
  void set_groups(std::size_t host, std::vector<GroupKey> groups);
  // Hosts that are added from now on have disks, and may keep folders.
  void give_disks() { has_disks_ = true; }
  HostDisk& disk(std::size_t host);
  // What nodes have told without being asked since the last call.
  std::vector<std::pair<std::size_t, NodeEvent>> take_events();
  // The node is gone without a word; its stores stay.
  void crash(std::size_t host);
  // The host loses power; so it has a disk.
  void lose_power(std::size_t host, MemoryDisk::CrashOrder order = MemoryDisk::CrashOrder::kAny);
  // The node is made anew from its stores, at the same endpoint or another.
  void restart(std::size_t host, std::optional<Endpoint> endpoint = {});

  // The host's place, its address and configuration, are another's from now on, with a key and stores of its
  // own.
  void replace(std::size_t host);

  Node& node(std::size_t host);
  bool running(std::size_t host) const;
  Contact contact(std::size_t host) const;
  const KeyPair& keys(std::size_t host) const;
  MemoryHostStore& host_store(std::size_t host);
  FlakyItemStore& item_store(std::size_t host);
  ManualNetwork& network() { return network_; }
  ManualNetwork::HostIndex index(std::size_t host) const;

  // Gives a command whose result nobody waits for.
  void begin(std::size_t host, Command command);
  // Gives a command and lets time pass until its result is there.
  CommandResult run(std::size_t host, Command command, Duration at_most = 60s);
  // The same where the result must be a T.
  template <class T>
  T expect(std::size_t host, Command command, Duration at_most = 60s) {
    CommandResult result = run(host, std::move(command), at_most);
    if (!result) throw std::runtime_error(result.error().message);
    return std::get<T>(std::move(*result));
  }
  void advance(Duration by) { network_.advance(by); }

 private:
  class Host;
  ManualNetwork network_;
  ContactBook book_;
  std::uint64_t seed_;
  JobWatcher* watcher_;
  bool has_disks_ = false;
  std::uint64_t commands_ = 0;
  std::uint64_t replacements_ = 0;
  std::vector<std::unique_ptr<Host>> hosts_;
};

}  // namespace shoal
