// FolderContext: what every part of a folder's synchronisation needs, held once by its SyncPathManager.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "node/jobs/node_context.h"
#include "node/ports/folder.h"
#include "node/ports/index_store.h"
#include "node/ports/work_pool.h"
#include "node/rpc/rpc.h"
#include "node/sync/disk_state.h"
#include "node/sync/folder_work.h"
#include "node/sync/ignore.h"
#include "node/sync/lineage.h"
#include "node/sync/tree.h"

namespace shoal::sync {

// What a folder has done since the start; for status, metrics and tests.
struct FolderCounters {
  std::uint64_t scans_started = 0;
  std::uint64_t scans_complete = 0;
  std::uint64_t scans_aborted = 0;
  std::uint64_t files_hashed = 0;
  std::uint64_t bytes_hashed = 0;
  std::uint64_t restored_indexes = 0;  // that were older than the folder
  std::uint64_t forks = 0;             // replicas that two hosts, or one at two times, have written as
  std::uint64_t pages_fetched = 0;     // of content trees
  std::uint64_t parts_fetched = 0;
  std::uint64_t part_bytes_fetched = 0;
  std::uint64_t parts_copied = 0;  // from files that were here
  std::uint64_t part_bytes_copied = 0;
  std::uint64_t parts_resumed = 0;  // found in staging
  std::uint64_t wrong_parts = 0;
  std::uint64_t parts_served = 0;
  std::uint64_t part_bytes_served = 0;
  std::uint64_t files_placed = 0;
  std::uint64_t refused_pages = 0;    // changes of a peer that break a rule
  std::uint64_t entries_refused = 0;  // of a peer, that would pass a bound (bounds.h)
  std::uint64_t fingerprint_mismatches = 0;
  std::uint64_t range_requests = 0;    // asked of peers to find what differs
  std::uint64_t damage_found = 0;      // files whose bytes were no longer what was written
  std::uint64_t damage_repaired = 0;   // of them
  std::uint64_t entries_repaired = 0;  // were missing or damaged, and came from a peer that knew no more
};

struct FolderContext {
  Id group;
  std::string root;
  std::shared_ptr<Folder> folder;
  IndexStore& index;
  WorkPool& pool;
  NodeContext* node;  // another one when the host key changes
  Tree tree{};
  Lineages lineages{};  // of the replicas whose changes the tree has
  DiskState disk{};
  std::set<NodeId> covered{};  // by something that is mounted there, or by a device
  Ignore ignore{};
  // Directories in which a node keeps its keys and its database: no peer sees or changes anything in them.
  std::set<std::string> node_data{};
  TrashClock trash_clock{};
  FolderCounters counters{};
  std::uint16_t ordinal = 0;  // of the folder in its node
  std::uint32_t requests_begun = 0;
  std::uint64_t works_begun = 0;
  std::size_t works_under_way = 0;

  Instant now() const { return node->now(); }
  const NodeConfig& config() const { return node->config; }
  std::int64_t wall_ns() const {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(node->clock.wall_time().time_since_epoch())
        .count();
  }
  // Its number.
  std::uint64_t submit(std::unique_ptr<FolderWork> work) {
    work->group = group;
    work->number = ++works_begun;
    ++works_under_way;
    const std::uint64_t number = work->number;
    pool.submit(std::move(work));
    return number;
  }
  // Who of the folder waits for an answer.
  enum class Asker : std::uint32_t { kState = 1, kParts = 2 };
  // Of a new request: `slot` is its number, `generation` the asker.
  Completion next_request(Asker asker) {
    return {Completion::Owner::kSync, ordinal, Guid{++requests_begun, static_cast<std::uint32_t>(asker)}};
  }
  // To a peer of the folder, by the session in which it has proved to be one; without a body.
  OutRequest request_to(const Contact& peer, Guid connection, Asker asker) {
    OutRequest out;
    out.to = peer;
    out.by_session = true;
    out.connection = connection;
    out.purpose = Purpose::kSync;
    out.completion = next_request(asker);
    return out;
  }
  // Is it out of sight, as all below what is covered?
  bool is_covered(const NodeId& id) const {
    if (covered.empty()) return false;
    for (NodeId at = id; at != kRoot;) {
      const DiskEntry* entry = disk.find(at);
      if (entry == nullptr) return false;
      if (covered.contains(at)) return true;
      at = entry->parent;
    }
    return false;
  }
  bool is_ignored(const std::string& path, bool is_directory) const {
    return path == kPrivateDirectory || is_node_data(path) || ignore.ignored(path, is_directory);
  }
  // False: no path that an entry can have is.
  bool ignores_anything() const { return !node_data.empty() || !ignore.empty(); }
  // In some directory below this one.
  bool holds_node_data(const std::string& directory) const {
    const auto below = node_data.lower_bound(directory + "/");
    return below != node_data.end() && below->starts_with(directory + "/");
  }
  bool is_node_data(std::string_view path) const {
    if (node_data.empty()) return false;
    for (std::size_t end = path.find('/');; end = path.find('/', end + 1)) {
      if (node_data.contains(std::string(path.substr(0, end)))) return true;
      if (end == std::string_view::npos) return false;
    }
  }
};

}  // namespace shoal::sync
