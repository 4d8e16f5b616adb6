// ContentUses: which entries have a content to come, so that nobody takes away the last copy of it. An entry
// has one at a time.
#pragma once

#include <cstddef>
#include <map>

#include "node/sync/content_tree.h"
#include "node/sync/dot.h"

namespace shoal::sync {

class ContentUses {
 public:
  // In place of what it had.
  void set(const NodeId& id, const ContentName& content) {
    clear(id);
    by_entry_.emplace(id, content);
    ++entries_[content];
  }
  void clear(const NodeId& id) {
    const auto use = by_entry_.extract(id);
    if (use.empty()) return;
    const auto entries = entries_.find(use.mapped());
    if (--entries->second == 0) entries_.erase(entries);
  }
  void clear() {
    by_entry_.clear();
    entries_.clear();
  }
  bool has_other_than(const NodeId& id, const ContentName& content) const {
    const auto entries = entries_.find(content);
    if (entries == entries_.end()) return false;
    const auto own = by_entry_.find(id);
    return entries->second > 1 || own == by_entry_.end() || own->second != content;
  }

 private:
  std::map<NodeId, ContentName> by_entry_;
  std::map<ContentName, std::size_t> entries_;  // how many; none is 0
};

}  // namespace shoal::sync
