// Paths below a folder's root: components joined by '/', "" the root itself. Bytes, not text: a component is
// 1 to 255 of any but '/' and NUL, and neither "." nor "..".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace shoal {

inline constexpr std::size_t kPathComponentBytesMax = 255;

bool is_path_component(std::string_view name);
bool is_relative_path(std::string_view path);

// What a symbolic link may say: 1 to 4,095 bytes without NUL.
bool is_link_target(std::string_view target);

// Of "a/b/c": "a/b" and "c"; of "c": "" and "c". Precondition: not the root.
struct SplitPath {
  std::string parent;
  std::string name;
};
SplitPath split_path(std::string_view path);
std::string join_path(std::string_view parent, std::string_view name);
// Whether `path` is `root` or lies in it.
bool is_within(std::string_view path, std::string_view root);

}  // namespace shoal
