#include "node/base/relative_path.h"

namespace shoal {

bool is_path_component(std::string_view name) {
  return !name.empty() && name.size() <= kPathComponentBytesMax && name != "." && name != ".." &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

bool is_relative_path(std::string_view path) {
  if (path.empty()) return true;
  for (;;) {
    const std::size_t slash = path.find('/');
    if (!is_path_component(path.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

bool is_link_target(std::string_view target) {
  return !target.empty() && target.size() < 4096 && target.find('\0') == std::string_view::npos;
}

SplitPath split_path(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {std::string(), std::string(path)};
  return {std::string(path.substr(0, slash)), std::string(path.substr(slash + 1))};
}

std::string join_path(std::string_view parent, std::string_view name) {
  std::string path(parent);
  if (!path.empty()) path += '/';
  return path += name;
}

bool is_within(std::string_view path, std::string_view root) {
  if (root.empty() || path == root) return true;
  return path.size() > root.size() && path.starts_with(root) && path[root.size()] == '/';
}

}  // namespace shoal
