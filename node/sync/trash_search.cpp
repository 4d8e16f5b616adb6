#include "node/sync/trash_search.h"

#include <algorithm>

namespace shoal::sync {
namespace {

// Of directories in each other: more than any path has.
constexpr std::size_t kDepthOfTrashMax = 4096;

}  // namespace

void TrashSearchWork::run() {
  look_in(kTrashDirectory, 0);
  look_in_staging();
}

void TrashSearchWork::look_in(const std::string& directory, std::size_t depth) {
  const auto entries = folder().list(directory, ListMode::kOnce);
  if (!entries) return;
  for (const DirectoryEntry& entry : *entries) {
    if (found.size() == wanted_.size()) return;
    const std::string path = directory + "/" + entry.name;
    if (entry.stat.kind == FileKind::kDirectory && depth < kDepthOfTrashMax) look_in(path, depth + 1);
    if (entry.stat.kind == FileKind::kFile) look_at(path, entry.stat.size);
  }
}

// What could not be moved to the trash stays there until the next start.
void TrashSearchWork::look_in_staging() {
  const auto entries = folder().list(kStagingDirectory, ListMode::kOnce);
  if (!entries) return;
  for (const DirectoryEntry& entry : *entries) {
    if (entry.stat.kind != FileKind::kFile || !entry.name.starts_with(kDisplacedName)) continue;
    look_at(kStagingDirectory + "/" + entry.name, entry.stat.size);
  }
}

void TrashSearchWork::look_at(const std::string& path, std::uint64_t size) {
  if (std::ranges::none_of(wanted_, [&](const ContentName& content) { return content.size == size; })) return;
  auto named = name_content(folder(), path);
  if (!named || !wanted_.contains(named->content)) return;
  found.try_emplace(named->content, Found{path, std::move(named->parts)});
}

}  // namespace shoal::sync
