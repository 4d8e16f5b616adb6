// View: what entries look like as a directory tree (the rules stand in tree.h), reckoned from all of them at
// once.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/sync/tree.h"

namespace shoal::sync {

struct View {
  std::map<NodeId, Shown> shown;
  std::map<NodeId, std::map<std::string, NodeId, std::less<>>> children;  // by name
  std::map<NodeId, NodeId> shown_as;                                      // of entries
  std::map<NodeId, Members> members;                                      // of what is shown
  std::map<NodeId, NodeId> conflict_origin;                               // of copies that are no entries
};

View view_of(const std::map<NodeId, Entry>& entries);

}  // namespace shoal::sync
