// Applier: what this host ignores, and what that keeps.

#include <algorithm>
#include <utility>

#include "node/control/folder_command.h"
#include "node/sync/applier.h"

namespace shoal::sync {

// Where it lies in the tree: on the disk, the directories above it may still have other names.
const std::string& Applier::tree_path(const NodeId& directory) {
  static const std::string kRootPath;
  if (directory == kRoot) return kRootPath;
  if (const auto known = tree_paths_.find(directory); known != tree_paths_.end()) return known->second;
  const std::optional<Shown> shown = context_.tree.shown(directory);
  std::string path = shown ? join_path(tree_path(shown->parent), shown->name) : std::string();
  return tree_paths_.emplace(directory, std::move(path)).first->second;
}

bool Applier::is_ignored(const Shown& shown) {
  if (!context_.ignores_anything()) return false;
  return context_.is_ignored(join_path(tree_path(shown.parent), shown.name),
                             shown.content.kind == NodeKind::kDirectory);
}

bool Applier::is_ignored(const DiskEntry& have) const {
  if (!context_.ignores_anything()) return false;
  return context_.is_ignored(context_.disk.path(have.id).value_or(have.name),
                             have.content.kind == NodeKind::kDirectory);
}

std::optional<Shown> Applier::desired_here(const NodeId& id) {
  std::optional<Shown> desired = context_.tree.shown(id);
  if (desired && is_ignored(*desired)) desired.reset();
  return desired;
}

// True: this host has no part in it. What is known at an ignored place and is to be elsewhere is forgotten.
bool Applier::leave_alone(const NodeId& id) {
  const std::optional<Shown> shown = context_.tree.shown(id);
  const DiskEntry* have = context_.disk.find(id);
  const bool is_to_be_ignored = shown && is_ignored(*shown);
  const bool is_at_ignored = have != nullptr && is_ignored(*have);
  const bool is_here = shown && !is_to_be_ignored;
  const bool is_left = !is_here && (is_at_ignored || (have == nullptr && is_to_be_ignored));
  const bool was_ignored = ignored_.contains(id);
  const bool is_directory = shown && shown->content.kind == NodeKind::kDirectory;
  const bool has_moved =
      is_directory && have != nullptr && (have->parent != shown->parent || have->name != shown->name);
  if (is_directory && (was_ignored != is_to_be_ignored || (has_moved && context_.ignores_anything())))
    consider_below(id);
  if (is_at_ignored && is_here) context_.disk.erase_tree(id);
  ignored_.erase(id);
  if (!is_left) return false;
  forget(id);
  ignored_.insert(id);
  return true;
}

void Applier::consider_below(const NodeId& directory) {
  for (const Shown& child : context_.tree.children(directory)) {
    to_do_.insert(child.id);
    if (child.content.kind == NodeKind::kDirectory) consider_below(child.id);
  }
}

void Applier::keep(const NodeId& directory, const std::vector<std::string>& paths) {
  constexpr std::size_t kPathsTold = 3;
  std::string some;
  for (std::size_t i = 0; i < std::min(paths.size(), kPathsTold); ++i) {
    some += (i == 0 ? "" : ", ") + shown(paths[i]);
  }
  if (paths.size() > kPathsTold) some += " and others";
  forget(directory);
  kept_.insert(directory);
  troubles_[directory] = {
      "holds_ignored", "a peer deleted this directory, and it stays for what is not synced in it (" + some +
                           "): delete that, or take its pattern out of the ignore list"};
}

// A directory that could not be removed. False: something is in it that a scan is to find.
bool Applier::keep(const InstallStep& removal) {
  std::vector<std::string> paths;
  for (const DirectoryEntry& left : removal.left) {
    paths.push_back(join_path(removal.path, left.name));
    const bool is_synced = is_valid_name(left.name) && left.stat.kind != FileKind::kOther &&
                           !context_.is_ignored(paths.back(), left.stat.kind == FileKind::kDirectory);
    if (is_synced) return false;
  }
  if (paths.empty()) return false;
  keep(removal.id, paths);
  return true;
}

}  // namespace shoal::sync
