#include "node/sync/comparison.h"

#include <algorithm>
#include <utility>

namespace shoal::sync {
namespace {

FileKind kind_on_disk(NodeKind kind) {
  switch (kind) {
    case NodeKind::kDirectory:
      return FileKind::kDirectory;
    case NodeKind::kFile:
      return FileKind::kFile;
    case NodeKind::kLink:
      return FileKind::kLink;
  }
  return FileKind::kOther;
}

bool is_syncable(FileKind kind) {
  return kind == FileKind::kFile || kind == FileKind::kDirectory || kind == FileKind::kLink;
}

// A change that keeps size and mtime shows in ctime. It may be a change of the mode alone; ctime does not
// tell.
bool same_bytes(const DiskEntry& known, const FileStat& now) {
  return same_inode(known.stat, now) && known.stat.size == now.size && known.stat.mtime_ns == now.mtime_ns &&
         known.stat.ctime_ns == now.ctime_ns;
}

bool is_untouched(const DiskEntry& known, const FileStat& now) {
  return known.stat.inode == now.inode && known.stat.ctime_ns == now.ctime_ns;
}

std::optional<Difference::Kind> changed(const DiskEntry& known, const FileStat& now) {
  switch (now.kind) {
    case FileKind::kFile:
      if (!same_bytes(known, now)) return Difference::Kind::kTouched;
      break;
    case FileKind::kLink:
      // Nobody can write a link in place: another target of the same inode and ctime is damage (Verifier).
      if (known.content.target != now.link_target && !is_untouched(known, now)) {
        return Difference::Kind::kTarget;
      }
      if (!same_inode(known.stat, now)) return Difference::Kind::kMode;
      return std::nullopt;  // the mode of a link means nothing
    case FileKind::kDirectory:
      if (!same_inode(known.stat, now)) return Difference::Kind::kRemade;
      break;
    case FileKind::kOther:
    case FileKind::kNodeData:
    case FileKind::kMount:
      break;
  }
  if (known.stat.mode != now.mode) return Difference::Kind::kMode;
  return std::nullopt;
}

}  // namespace

std::vector<Difference> compare(const DiskState& disk, const Listing& listing, const IsIgnored& is_ignored) {
  std::vector<Difference> found;
  const auto vanished = [&](const DiskEntry& known) {
    const bool ignored = is_ignored(known.name, known.content.kind == NodeKind::kDirectory);
    found.push_back({ignored ? Difference::Kind::kForgotten : Difference::Kind::kVanished, known.id, {}, {}});
  };
  const auto is_new = [&](const DirectoryEntry& entry) {
    if (is_ignored(entry.name, entry.stat.kind == FileKind::kDirectory)) return;
    const bool syncable = is_syncable(entry.stat.kind) && is_valid_name(entry.name);
    found.push_back({syncable ? Difference::Kind::kNew : Difference::Kind::kUnsyncable, listing.directory,
                     entry.name, entry.stat});
  };
  const std::vector<const DiskEntry*> known = disk.children(listing.directory);
  auto before = known.begin();
  for (const DirectoryEntry& now : listing.entries) {
    while (before != known.end() && (*before)->name < now.name) vanished(**before++);
    if (before == known.end() || (*before)->name != now.name) {
      is_new(now);
      continue;
    }
    const DiskEntry& entry = **before++;
    if (now.stat.kind == FileKind::kOther || now.stat.kind == FileKind::kMount) {
      if (!is_ignored(now.name, entry.content.kind == NodeKind::kDirectory)) {
        found.push_back({Difference::Kind::kCovered, entry.id, now.name, now.stat});
      }
    } else if (kind_on_disk(entry.content.kind) != now.stat.kind) {
      vanished(entry);
      is_new(now);
    } else if (const auto kind = changed(entry, now.stat)) {
      if (!is_ignored(now.name, now.stat.kind == FileKind::kDirectory)) {
        found.push_back({*kind, entry.id, {}, now.stat});
      }
    }
  }
  while (before != known.end()) vanished(**before++);
  return found;
}

}  // namespace shoal::sync
