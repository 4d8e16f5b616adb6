// What of a MemoryDisk outlives a crash.
#include <set>
#include <utility>

#include "node/store/memory_disk.h"

namespace shoal {
namespace {

// Old and new bytes of a file by blocks: all old, all new, or each drawn.
enum class Mixture { kOld, kNew, kTorn };

}  // namespace

// ---- Syncing.

void MemoryDisk::sync_file(Inode inode) {
  Node& file = nodes_.at(inode);
  file.durable_data.resize(file.data.size());
  for (const std::uint64_t block : file.dirty_blocks) {
    const std::size_t from = std::min<std::size_t>(block * kBlockBytes, file.data.size());
    const std::size_t to = std::min<std::size_t>(from + kBlockBytes, file.data.size());
    std::copy(file.data.begin() + static_cast<std::ptrdiff_t>(from),
              file.data.begin() + static_cast<std::ptrdiff_t>(to),
              file.durable_data.begin() + static_cast<std::ptrdiff_t>(from));
  }
  file.dirty_blocks.clear();
  file.durable_metadata = file.metadata;
}

void MemoryDisk::make_durable(const Step& step) {
  for (const NameChange& change : step.names) {
    std::map<std::string, Inode>& entries = nodes_.at(change.directory).durable_entries;
    if (change.after == 0) {
      entries.erase(change.name);
    } else {
      entries[change.name] = change.after;
    }
  }
}

// From the last step back: those in the directory, and what they need of the steps before.
std::vector<bool> MemoryDisk::needed_by(Inode directory) const {
  std::vector<bool> needed(unsynced_.size(), false);
  std::set<Inode> directories = {directory};
  std::set<std::pair<Inode, std::string>> names;
  bool all = false;
  for (std::size_t i = unsynced_.size(); i-- > 0;) {
    const Step& step = unsynced_[i];
    bool taken = all;
    for (const NameChange& change : step.names)
      taken =
          taken || directories.contains(change.directory) || names.contains({change.directory, change.name});
    if (!taken) continue;
    needed[i] = true;
    all = all || step.moves;
    for (const NameChange& change : step.names) {
      names.emplace(change.directory, change.name);
      if (change.after == 0 && nodes_.at(change.before).kind == FileKind::kDirectory)
        directories.insert(change.before);
    }
  }
  return needed;
}

void MemoryDisk::sync_directory(Inode directory) {
  const std::vector<bool> needed = needed_by(directory);
  std::vector<Step> left;
  for (std::size_t i = 0; i < unsynced_.size(); ++i) {
    if (needed[i]) {
      make_durable(unsynced_[i]);
    } else {
      left.push_back(std::move(unsynced_[i]));
    }
  }
  unsynced_ = std::move(left);
  nodes_.at(directory).durable_metadata = nodes_.at(directory).metadata;
}

void MemoryDisk::sync_all() {
  for (const Step& step : unsynced_) make_durable(step);
  unsynced_.clear();
  for (auto& [inode, node] : nodes_) sync_file(inode);
  sweep();
}

// ---- Crashing.

void MemoryDisk::crash(Rng& rng, CrashOrder order) {
  ++boot_;
  locked_.clear();
  const std::uint64_t first = rng.below(unsynced_.size() + 1);
  for (std::size_t i = 0; i < unsynced_.size(); ++i) {
    const bool happened =
        order == CrashOrder::kJournal ? i < first : rng.below(2) == 0 && could_happen(unsynced_[i]);
    if (happened) make_durable(unsynced_[i]);
  }
  unsynced_.clear();
  for (auto& [inode, node] : nodes_) {
    node.held = 0;
    lose_bytes(node, rng);
  }
  keep_what_is_durable();
  sweep();
}

bool MemoryDisk::could_happen(const Step& step) const {
  for (const NameChange& change : step.names) {
    const std::map<std::string, Inode>& entries = nodes_.at(change.directory).durable_entries;
    const auto entry = entries.find(change.name);
    if ((entry == entries.end() ? 0 : entry->second) != change.before) return false;
    const bool removes = !step.moves && change.after == 0;
    if (removes && !nodes_.at(change.before).durable_entries.empty()) return false;
    if (step.moves && change.after != 0 && !durably_reaches(change.directory, change.after)) return false;
  }
  return true;
}

// Whether a path leads to the directory that is not through `forbidden`.
bool MemoryDisk::durably_reaches(Inode directory, Inode forbidden) const {
  std::set<Inode> seen = {kRoot};
  std::vector<Inode> waiting = {kRoot};
  while (!waiting.empty()) {
    const Inode at = waiting.back();
    waiting.pop_back();
    if (at == directory) return true;
    for (const auto& [name, inode] : nodes_.at(at).durable_entries) {
      if (inode != forbidden && seen.insert(inode).second) waiting.push_back(inode);
    }
  }
  return false;
}

void MemoryDisk::lose_bytes(Node& file, Rng& rng) {
  if (file.dirty_blocks.empty()) {
    if (rng.below(2) == 0) file.metadata = file.durable_metadata;
    return;
  }
  const auto mixture = static_cast<Mixture>(rng.below(3));
  const auto is_new = [&] {
    return mixture == Mixture::kNew || (mixture == Mixture::kTorn && rng.below(2) == 0);
  };
  bool any_new = is_new();
  Bytes kept(any_new ? file.data.size() : file.durable_data.size());
  for (std::size_t at = 0; at < kept.size(); at += kBlockBytes) {
    const bool block_is_new = file.dirty_blocks.contains(at / kBlockBytes) && is_new();
    const Bytes& source = block_is_new ? file.data : file.durable_data;
    any_new = any_new || block_is_new;
    const std::size_t end = std::min({at + kBlockBytes, kept.size(), source.size()});
    for (std::size_t i = at; i < end; ++i) kept[i] = source[i];
  }
  file.data = std::move(kept);
  file.holes.erase(file.holes.lower_bound((file.data.size() + kBlockBytes - 1) / kBlockBytes),
                   file.holes.end());
  if (!any_new) file.metadata = file.durable_metadata;
}

void MemoryDisk::keep_what_is_durable() {
  for (auto& [inode, node] : nodes_) node.parent = 0;
  for (auto& [inode, node] : nodes_) {
    node.entries = node.durable_entries;
    node.durable_metadata = node.metadata;
    node.durable_data = node.data;
    node.dirty_blocks.clear();
  }
  std::vector<Inode> waiting = {kRoot};
  used_bytes_ = 0;
  while (!waiting.empty()) {
    const Inode at = waiting.back();
    waiting.pop_back();
    used_bytes_ += room_of(nodes_.at(at));
    for (const auto& [name, inode] : nodes_.at(at).entries) {
      nodes_.at(inode).parent = at;
      waiting.push_back(inode);
    }
  }
}

// Only when nothing is unsynced, so that no step speaks of what goes.
void MemoryDisk::sweep() {
  std::erase_if(nodes_, [](const auto& entry) {
    return entry.first != kRoot && entry.second.parent == 0 && entry.second.held == 0;
  });
}

}  // namespace shoal
