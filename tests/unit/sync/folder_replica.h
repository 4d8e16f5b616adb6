// FolderReplica: one replica of a folder without a disk or a network: a tree, what its disk holds of it, and
// what a person does there, told to the tree as the engine does.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "node/base/big_endian.h"
#include "node/secure/keys.h"
#include "node/sync/local_changes.h"
#include "node/sync/tree.h"

namespace shoal::sync {

inline Content file_of(std::uint64_t number) {
  Content content;
  content.kind = NodeKind::kFile;
  content.size = 1 + number;
  Bytes name;
  append_u64(number, name);
  content.root = sha256(name);
  return content;
}

inline Content directory() {
  return {};
}

inline ReplicaId replica_id(std::uint8_t number) {
  ReplicaId id;
  id.bytes.fill(number);
  return id;
}

// What a disk holds of something that was shown.
struct Held {
  Shown shown;
  Dot place_dot;
};

class FolderReplica {
 public:
  explicit FolderReplica(std::uint8_t number) : id_(replica_id(number)) {}

  Tree& tree() { return tree_; }
  const Tree& tree() const { return tree_; }
  const std::map<NodeId, Held>& disk() const { return disk_; }
  const Knowledge& knowledge() const { return knowledge_; }

  // Of the changes from now on; 0: there is no clock, and they are ordered by what they have seen.
  void set_clock(std::uint64_t ms) { clock_ms_ = ms; }

  // The disk becomes as the tree shows it.
  void apply() {
    disk_.clear();
    for (const NodeId& id : tree_.ids()) apply(id);
  }
  void apply(const NodeId& id) {
    const auto shown = tree_.shown(id);
    if (!shown) {
      disk_.erase(id);
      return;
    }
    const Entry* entry = tree_.find(id);
    disk_[id] = {*shown, entry == nullptr ? Dot{} : entry->place.winner().dot};
  }

  // Only where it lies.
  void apply_place(const NodeId& id) {
    const auto held = disk_.find(id);
    const auto shown = tree_.shown(id);
    if (held == disk_.end() || !shown) return;
    held->second.shown.parent = shown->parent;
    held->second.shown.name = shown->name;
    if (const Entry* entry = tree_.find(id)) held->second.place_dot = entry->place.winner().dot;
  }

  NodeId create(const NodeId& parent, const std::string& name, const Content& content) {
    Stamp stamp = next();
    const NodeId id{stamp.replica, stamp.counter};
    take({created(stamp, parent, name, content, Metadata{0644})});
    return id;
  }
  // Of what the disk holds and the tree shows.
  void edit(const NodeId& id, const Content& content) {
    Stamp stamp = next();
    take(edited(tree_, stamp, id, disk_.at(id).shown.content_dot, content));
  }
  void set_mode(const NodeId& id, std::uint32_t mode) {
    Stamp stamp = next();
    take(mode_changed(tree_, stamp, id, Metadata{mode}));
  }
  void move(const NodeId& id, const NodeId& parent, const std::string& name) {
    Stamp stamp = next();
    take(moved(tree_, stamp, id, disk_.at(id).shown.content_dot, parent, name));
  }
  void remove(const NodeId& id) {
    Stamp stamp = next();
    const Held held = disk_.at(id);
    const auto has_own = [this](const NodeId& member) { return disk_.contains(member); };
    take(deleted(tree_, stamp, id, held.shown.content_dot, held.place_dot, has_own));
  }

  // All pages of what the other knows: how many.
  std::size_t pull(const FolderReplica& other, std::size_t bytes_max = 48'000) {
    std::vector<ChangesPage> pages(1);
    pages.front().knowledge = knowledge_;
    do {
      Knowledge known = knowledge_;
      known.add(pages.back().knowledge);
      pages.push_back(other.tree_.changes_since(known, other.knowledge_, bytes_max));
    } while (pages.back().more);
    for (const ChangesPage& page : pages) {
      for (const Entry& entry : page.entries) join(entry);
    }
    knowledge_.add(pages.back().knowledge);
    return pages.size() - 1;
  }
  // All that this replica has joined, in its order.
  const std::vector<Entry>& joined() const { return joined_; }

 private:
  Stamp next() const { return {id_, knowledge_.of(id_) + 1, tree_.lamport() + 1, clock_ms_, clock_ms_}; }
  void join(const Entry& entry) {
    joined_.push_back(entry);
    tree_.join(entry);
  }
  void take(const std::vector<Entry>& entries) {
    std::vector<NodeId> ids;
    for (const Entry& entry : entries) {
      ids.push_back(entry.id);
      for (const Dot& dot : entry.dots()) {
        if (dot.replica == id_) knowledge_.add(dot);
      }
      join(entry);
    }
    // What the person did is on the disk already.
    for (const NodeId& id : ids) apply(id);
  }

  ReplicaId id_;
  std::uint64_t clock_ms_ = 0;
  Tree tree_;
  Knowledge knowledge_;
  std::map<NodeId, Held> disk_;
  std::vector<Entry> joined_;
};

inline std::vector<FolderReplica> some_replicas(std::uint8_t count) {
  std::vector<FolderReplica> replicas;
  for (std::uint8_t i = 1; i <= count; ++i) replicas.emplace_back(i);
  return replicas;
}

// All pull from all until nobody has anything new.
inline void exchange_all(std::vector<FolderReplica>& replicas, std::size_t bytes_max = 48'000) {
  for (int round = 0; round < 2; ++round) {
    for (FolderReplica& to : replicas) {
      for (const FolderReplica& from : replicas) {
        if (&to != &from) to.pull(from, bytes_max);
      }
    }
  }
  for (FolderReplica& replica : replicas) replica.apply();
}

// By the path at which it is shown; directories end in '/'.
inline std::map<std::string, Shown> shown_paths(const Tree& tree, const NodeId& from = kRoot,
                                                const std::string& before = "") {
  std::map<std::string, Shown> paths;
  for (const Shown& shown : tree.children(from)) {
    const bool is_directory = shown.content.kind == NodeKind::kDirectory;
    paths.emplace(before + shown.name + (is_directory ? "/" : ""), shown);
    if (is_directory) paths.merge(shown_paths(tree, shown.id, before + shown.name + "/"));
  }
  return paths;
}

}  // namespace shoal::sync
