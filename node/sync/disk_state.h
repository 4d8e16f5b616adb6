// DiskState: what lies in the folder on this host's disk, as last seen or written by us: the base that the
// disk and the tree are both held against. A row of the index each; losing the newest rows costs a rehash, no
// more, since a file that is as the tree wants it is recognised.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "node/base/result.h"
#include "node/ports/folder.h"
#include "node/ports/index_store.h"
#include "node/sync/content_tree.h"
#include "node/sync/tree.h"

namespace shoal::sync {

struct DiskEntry {
  NodeId id;
  NodeId parent;
  std::string name;     // on the disk
  Content content;      // that the file has
  Dot content_dot;      // the write that it is
  Dot place_dot;        // the write of its place that the disk shows
  FileStat stat;        // when it was last looked at
  bool rehash = false;  // it was written so shortly before that the stat may not tell of a later write
  // The disk gives other bytes than `content` although nobody has written any (Verifier): the root of what it
  // gives, zero when it cannot be read. Such a file is neither served nor told as an edit.
  std::optional<Id> damage;
  friend bool operator==(const DiskEntry&, const DiskEntry&) = default;
};

Bytes encode_disk_entry(const DiskEntry& entry);
Result<DiskEntry> decode_disk_entry(const NodeId& id, ByteView bytes);

inline ContentName name_of(const Content& content) {
  return {content.root, content.depth, content.size};
}

inline std::string join_path(const std::string& directory, std::string_view name) {
  return directory.empty() ? std::string(name) : directory + "/" + std::string(name);
}
// "a/b" of "a/b/c"; "" of "c".
std::string parent_of(const std::string& path);

class DiskState {
 public:
  DiskState() = default;
  DiskState(DiskState&&) = default;
  DiskState& operator=(DiskState&&) = default;

  const DiskEntry* find(const NodeId& id) const;
  const DiskEntry* child(const NodeId& parent, std::string_view name) const;
  // In the order of names.
  std::vector<const DiskEntry*> children(const NodeId& parent) const;
  // kRoot is a directory at "". Nothing for an id that is not on the disk.
  std::optional<std::string> path(const NodeId& id) const;
  std::optional<NodeId> at(std::string_view path) const;
  bool is_directory(const NodeId& id) const;
  // Files with these bytes, in the order of ids; no damaged ones.
  std::vector<NodeId> with_content(const ContentName& content) const;
  // A damaged file that should have these bytes.
  std::optional<NodeId> damaged_with_content(const ContentName& content) const;
  const std::set<NodeId>& damaged() const { return damaged_; }
  // The first entry behind this id, in the order of ids; nullptr: there is none.
  const DiskEntry* after(const NodeId& id) const;
  // A file or directory that had this inode number.
  std::optional<NodeId> with_inode(std::uint64_t inode) const;
  std::vector<NodeId> ids() const;
  std::size_t size() const { return entries_.size(); }
  std::uint64_t files() const { return files_; }
  std::uint64_t bytes() const { return bytes_; }

  // Replaces what is there under its id; its place must be free, or its own.
  void put(DiskEntry entry);
  void erase(const NodeId& id);
  // With all below it.
  void erase_tree(const NodeId& id);

  // The ids that were put or erased since last taken.
  bool is_dirty() const { return !dirty_.empty(); }
  std::vector<NodeId> take_dirty();
  // Contents of files that no file has any longer, since last taken.
  std::vector<ContentName> take_released();

 private:
  struct ByName {
    using is_transparent = void;
    bool operator()(const DiskEntry* a, const DiskEntry* b) const { return a->name < b->name; }
    bool operator()(const DiskEntry* a, std::string_view b) const { return a->name < b; }
    bool operator()(std::string_view a, const DiskEntry* b) const { return a < b->name; }
  };
  struct ByContent {
    using is_transparent = void;
    bool operator()(const DiskEntry* a, const DiskEntry* b) const;
    bool operator()(const DiskEntry* a, const ContentName& b) const { return name_of(a->content) < b; }
    bool operator()(const ContentName& a, const DiskEntry* b) const { return a < name_of(b->content); }
  };

  void link(const DiskEntry& entry);
  void unlink(const DiskEntry& entry);

  std::map<NodeId, DiskEntry> entries_;
  // These point into entries_: an entry is unlinked before it changes or goes.
  // lint-allow(pointer-order): ordered by their names
  std::map<NodeId, std::set<const DiskEntry*, ByName>> children_;
  // lint-allow(pointer-order): files, ordered by their contents and ids
  std::set<const DiskEntry*, ByContent> by_content_;
  std::map<std::uint64_t, const DiskEntry*> by_inode_;
  std::set<NodeId> damaged_;
  std::set<NodeId> dirty_;
  std::set<ContentName> released_;
  std::uint64_t files_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace shoal::sync
