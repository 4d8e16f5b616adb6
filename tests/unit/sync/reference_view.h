// The view of a tree (the rules stand in tree.h), reckoned from all entries at once: what node/sync/view.h,
// which follows changes, is held against.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/sync/tree.h"

namespace shoal::sync {

struct ReferenceView {
  std::map<NodeId, Shown> shown;
  std::map<NodeId, std::map<std::string, NodeId, std::less<>>> children;  // by name
  std::map<NodeId, NodeId> shown_as;                                      // of entries
  std::map<NodeId, Members> members;                                      // of what is shown
  std::map<NodeId, NodeId> conflict_origin;                               // of copies that are no entries
};

ReferenceView reference_view_of(const std::map<NodeId, Entry>& entries);

}  // namespace shoal::sync
