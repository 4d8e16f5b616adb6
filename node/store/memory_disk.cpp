#include "node/store/memory_disk.h"

#include <fmt/format.h>

#include "node/base/relative_path.h"
#include "node/sync/tree.h"

namespace shoal {
namespace {

tl::unexpected<Error> refuse(ErrorCode code, const char* doing, const std::string& path, const char* reason) {
  return fail(code, fmt::format("cannot {} {}: {}", doing, path.empty() ? "the folder" : path, reason));
}

}  // namespace

MemoryDisk::MemoryDisk() {
  Node& root = nodes_[kRoot];
  root.kind = FileKind::kDirectory;
  root.number = kRoot;
  root.birth_ns = now_ns;
  root.metadata = root.durable_metadata = {0755, now_ns, now_ns};
}

void MemoryDisk::before_call(std::uint64_t n, std::function<void()> act) {
  acting_call_ = calls_ + n;
  act_ = std::move(act);
}

Result<void> MemoryDisk::begin_call(std::uint64_t boot) {
  ++calls_;
  if (calls_ == acting_call_) std::exchange(act_, nullptr)();
  if (boot != boot_) return fail(ErrorCode::kIo, "the machine has crashed since this was opened");
  if (calls_ == failing_call_) return fail(ErrorCode::kIo, "Input/output error");
  return {};
}

// ---- Finding.

Result<MemoryDisk::Inode> MemoryDisk::find(Inode root, const std::string& path, const char* doing) const {
  if (path.empty() && !linked(root))
    return refuse(ErrorCode::kNotFound, doing, path, "No such file or directory");
  if (path.empty()) return root;
  const Result<Place> found = place(root, path, doing);
  if (!found) return tl::unexpected(found.error());
  if (found->inode == 0) return refuse(ErrorCode::kNotFound, doing, path, "No such file or directory");
  return found->inode;
}

std::map<std::string, MemoryDisk::Inode>::const_iterator MemoryDisk::entry_of(const Node& directory,
                                                                              const std::string& name) const {
  const auto found = directory.entries.find(name);
  if (found != directory.entries.end() || !folds_names) return found;
  const std::string folded = sync::fold_name(name);
  return std::ranges::find_if(directory.entries,
                              [&](const auto& entry) { return sync::fold_name(entry.first) == folded; });
}

Result<MemoryDisk::Place> MemoryDisk::place(Inode root, const std::string& path, const char* doing) const {
  if (path.empty()) return refuse(ErrorCode::kInvalidArgument, doing, path, "it is the root");
  if (!is_relative_path(path))
    return refuse(ErrorCode::kInvalidArgument, doing, path, "it is no path within the folder");
  Place at;
  at.inode = root;
  for (std::size_t from = 0; from <= path.size();) {
    if (at.inode == 0) return refuse(ErrorCode::kNotFound, doing, path, "No such file or directory");
    const Node& directory = nodes_.at(at.inode);
    if (directory.is_covered)
      return refuse(ErrorCode::kInvalidArgument, doing, path, "it crosses a mount point");
    if (directory.kind == FileKind::kLink)
      return refuse(ErrorCode::kInvalidArgument, doing, path, "Too many levels of symbolic links");
    if (directory.kind != FileKind::kDirectory)
      return refuse(ErrorCode::kInvalidArgument, doing, path, "Not a directory");
    const std::size_t slash = std::min(path.find('/', from), path.size());
    at.directory = at.inode;
    at.name = path.substr(from, slash - from);
    const auto entry = entry_of(directory, at.name);
    at.inode = entry == directory.entries.end() ? 0 : entry->second;
    if (at.inode != 0) at.name = entry->first;
    from = slash + 1;
  }
  return at;
}

FileStat MemoryDisk::stat(Inode inode) const {
  const Node& node = nodes_.at(inode);
  FileStat stat;
  stat.kind = node.is_covered ? FileKind::kMount : node.kind;
  stat.mode = node.metadata.mode;
  stat.size = node.kind == FileKind::kLink ? node.target.size() : node.data.size();
  stat.mtime_ns = node.metadata.mtime_ns;
  stat.ctime_ns = node.metadata.ctime_ns;
  stat.inode = node.number;
  stat.birth_ns = has_birth_times ? node.birth_ns : 0;
  stat.link_target = node.target;
  if (!node.is_covered && node.entries.contains(kNodeDataMarker)) stat.kind = FileKind::kNodeData;
  return stat;
}

bool MemoryDisk::lies_in_node_data(Inode directory) const {
  for (; directory != 0; directory = nodes_.at(directory).parent) {
    if (stat(directory).kind == FileKind::kNodeData) return true;
  }
  return false;
}

bool MemoryDisk::contains(Inode ancestor, Inode inode) const {
  for (; inode != 0; inode = nodes_.at(inode).parent) {
    if (inode == ancestor) return true;
  }
  return false;
}

// ---- Telling.

void MemoryDisk::touch(Inode inode, bool contents) {
  Metadata& metadata = nodes_.at(inode).metadata;
  metadata.ctime_ns = now_ns;
  if (contents) metadata.mtime_ns = now_ns;
}

void MemoryDisk::tell_of(Inode inode) {
  const Inode parent = nodes_.at(inode).parent;
  if (parent == 0) return;
  for (Observer* observer : observers_) observer->on_changed(parent);
}

void MemoryDisk::tell_moved(Inode inode) {
  if (nodes_.at(inode).kind != FileKind::kDirectory) return;
  for (Observer* observer : observers_) observer->on_moved(inode);
}

// ---- Steps in directories.

void MemoryDisk::take(Step step) {
  for (const NameChange& change : step.names) {
    if (change.before != 0) nodes_.at(change.before).parent = 0;
  }
  for (const NameChange& change : step.names) {
    std::map<std::string, Inode>& entries = nodes_.at(change.directory).entries;
    if (change.after == 0) {
      entries.erase(change.name);
    } else {
      entries[change.name] = change.after;
      nodes_.at(change.after).parent = change.directory;
      touch(change.after, false);
    }
    touch(change.directory, true);
  }
  for (const NameChange& change : step.names) {
    if (change.before != 0 && nodes_.at(change.before).parent == 0)
      used_bytes_ -= room_of(nodes_.at(change.before));
    if (change.before != 0) tell_moved(change.before);
    for (Observer* observer : observers_) observer->on_changed(change.directory);
  }
  unsynced_.push_back(std::move(step));
}

Result<MemoryDisk::Inode> MemoryDisk::create(Inode root, const std::string& path, FileKind kind,
                                             std::uint32_t mode, const std::string& target,
                                             const char* doing) {
  const Result<Place> at = place(root, path, doing);
  if (!at) return tl::unexpected(at.error());
  if (kind == FileKind::kLink && !is_link_target(target))
    return refuse(ErrorCode::kInvalidArgument, doing, path, "no link can have that target");
  if (at->inode != 0) return refuse(ErrorCode::kExists, doing, path, "File exists");
  if (!linked(at->directory)) return refuse(ErrorCode::kNotFound, doing, path, "No such file or directory");
  return make(at->directory, at->name, kind, mode, target);
}

MemoryDisk::Inode MemoryDisk::make(Inode directory, const std::string& name, FileKind kind,
                                   std::uint32_t mode, const std::string& target) {
  const Inode inode = ++inodes_made_;
  const Inode number = std::exchange(next_number, 0);
  Node& node = nodes_[inode];
  node.kind = kind;
  node.number = number == 0 ? inode : number;
  node.birth_ns = now_ns;
  node.target = target;
  node.metadata = node.durable_metadata = {mode & 0777u, now_ns, now_ns};
  take({{{directory, name, 0, inode}}, false});
  return inode;
}

Result<void> MemoryDisk::rename(Inode root, const Rename& step) {
  return move(root, step, false);
}

Result<void> MemoryDisk::move(Inode root, const Rename& step, bool replace) {
  const Result<Place> from = place(root, step.from, "rename");
  if (!from) return tl::unexpected(from.error());
  const Result<Place> to = place(root, step.to, "rename to");
  if (!to) return tl::unexpected(to.error());
  const bool exchange = step.mode == Rename::Mode::kExchange;
  if (from->inode == 0) return refuse(ErrorCode::kNotFound, "rename", step.from, "No such file or directory");
  if (exchange && to->inode == 0)
    return refuse(ErrorCode::kNotFound, "rename to", step.to, "No such file or directory");
  if (!exchange && to->inode != 0 && !(replace && nodes_.at(to->inode).kind != FileKind::kDirectory))
    return refuse(ErrorCode::kExists, "rename to", step.to, "File exists");
  if (from->inode == to->inode) return {};
  if (nodes_.at(from->inode).is_covered || (to->inode != 0 && nodes_.at(to->inode).is_covered))
    return refuse(ErrorCode::kIo, "rename", step.from, "Device or resource busy");
  if (contains(from->inode, to->directory) || (exchange && contains(to->inode, from->directory)))
    return refuse(ErrorCode::kInvalidArgument, "rename", step.from, "Invalid argument");
  if (!linked(to->directory)) return refuse(ErrorCode::kNotFound, "rename to", step.to, "No such directory");
  Step taken;
  taken.moves = true;
  taken.names.push_back({from->directory, from->name, from->inode, exchange ? to->inode : 0});
  taken.names.push_back({to->directory, to->name, to->inode, from->inode});
  take(std::move(taken));
  return {};
}

Result<void> MemoryDisk::remove(Inode root, const std::string& path) {
  const Result<Place> at = place(root, path, "remove");
  if (!at) return tl::unexpected(at.error());
  if (at->inode == 0) return refuse(ErrorCode::kNotFound, "remove", path, "No such file or directory");
  const Node& node = nodes_.at(at->inode);
  if (node.kind == FileKind::kOther || node.is_covered)
    return refuse(ErrorCode::kInvalidArgument, "remove", path, "it is no file, link or directory");
  if (!node.entries.empty())
    return refuse(ErrorCode::kInvalidArgument, "remove", path, "Directory not empty");
  take({{{at->directory, at->name, at->inode, 0}}, false});
  return {};
}

// ---- Files.

Result<void> MemoryDisk::set(Inode root, const SetMetadata& set) {
  const Result<Inode> inode = find(root, set.path, "set the metadata of");
  if (!inode) return tl::unexpected(inode.error());
  Node& node = nodes_.at(*inode);
  if (node.is_covered)
    return refuse(ErrorCode::kInvalidArgument, "set the metadata of", set.path, "it crosses a mount point");
  const bool file = node.kind == FileKind::kFile;
  if ((set.mode && !file && node.kind != FileKind::kDirectory) ||
      (set.mtime_ns && !file && node.kind != FileKind::kLink) || (set.mode && *set.mode > 0777u))
    return refuse(ErrorCode::kInvalidArgument, "set the metadata of", set.path, "it has none of that kind");
  touch(*inode, false);
  if (set.mode) node.metadata.mode = *set.mode;
  if (set.mtime_ns) node.metadata.mtime_ns = *set.mtime_ns;
  tell_of(*inode);
  return {};
}

std::uint64_t MemoryDisk::room_of(const Node& file) {
  std::uint64_t room = file.data.size();
  for (const std::uint64_t block : file.holes)
    room -= std::min<std::uint64_t>(kBlockBytes, file.data.size() - block * kBlockBytes);
  return room;
}

bool MemoryDisk::make_room(Node& file, std::uint64_t size, std::uint64_t offset, std::uint64_t bytes) {
  const std::uint64_t room_before = room_of(file);
  const std::uint64_t old_size = file.data.size();
  const std::set<std::uint64_t> old_holes = file.holes;
  const std::uint64_t blocks = (size + kBlockBytes - 1) / kBlockBytes;
  for (std::uint64_t block = (old_size + kBlockBytes - 1) / kBlockBytes; block < blocks; ++block)
    file.holes.insert(block);
  file.holes.erase(file.holes.lower_bound(blocks), file.holes.end());
  for (std::uint64_t block = offset / kBlockBytes; block * kBlockBytes < offset + bytes; ++block)
    file.holes.erase(block);
  file.data.resize(size);
  const std::uint64_t room = room_of(file);
  if (file.parent == 0) return true;  // nobody sees how much a file without a name takes
  const std::uint64_t others = used_bytes_ - room_before;
  const std::uint64_t room_max = std::min(capacity_bytes, quota_bytes);
  if (room > room_before && (others > room_max || room > room_max - others)) {
    file.data.resize(old_size);
    file.holes = old_holes;
    return false;
  }
  used_bytes_ = others + room;
  return true;
}

Result<void> MemoryDisk::set_size(Inode root, const SetSize& set) {
  const Result<Inode> inode = find(root, set.path, "set the size of");
  if (!inode) return tl::unexpected(inode.error());
  Node& file = nodes_.at(*inode);
  if (file.kind != FileKind::kFile)
    return refuse(ErrorCode::kInvalidArgument, "set the size of", set.path, "it is no regular file");
  const std::uint64_t old_size = file.data.size();
  if (!make_room(file, set.bytes, 0, 0))
    return fail(ErrorCode::kStoreFull, "cannot write: No space left on device");
  const std::uint64_t from = std::min(old_size, set.bytes);
  mark_dirty(file, from, std::max(old_size, set.bytes) - from);
  touch(*inode, true);
  tell_of(*inode);
  return {};
}

void MemoryDisk::mark_dirty(Node& file, std::uint64_t offset, std::uint64_t bytes) {
  for (std::uint64_t block = offset / kBlockBytes; block * kBlockBytes < offset + bytes; ++block)
    file.dirty_blocks.insert(block);
}

Result<void> MemoryDisk::write(Inode inode, std::uint64_t offset, ByteView bytes) {
  Node& file = nodes_.at(inode);
  const std::uint64_t old_size = file.data.size();
  const std::uint64_t size = std::max<std::uint64_t>(old_size, offset + bytes.size());
  if (!make_room(file, size, offset, bytes.size()))
    return fail(ErrorCode::kStoreFull, "cannot write: No space left on device");
  std::copy(bytes.begin(), bytes.end(), file.data.begin() + static_cast<std::ptrdiff_t>(offset));
  const std::uint64_t from = std::min(offset, old_size);
  mark_dirty(file, from, offset + bytes.size() - from);
  touch(inode, true);
  tell_of(inode);
  return {};
}

// ---- As a person.

Result<void> MemoryDisk::make_directories(const std::string& path) {
  for (std::size_t from = 0; from < path.size();) {
    const std::size_t slash = std::min(path.find('/', from), path.size());
    const Result<Inode> made = create(kRoot, path.substr(0, slash), FileKind::kDirectory, 0755, {}, "make");
    if (!made && made.error().code != ErrorCode::kExists) return tl::unexpected(made.error());
    from = slash + 1;
  }
  return {};
}

Result<void> MemoryDisk::write_file(const std::string& path, ByteView bytes) {
  if (Result<void> made = make_directories(split_path(path).parent); !made) return made;
  Result<Inode> inode = create(kRoot, path, FileKind::kFile, 0644, {}, "create");
  if (!inode && inode.error().code == ErrorCode::kExists) inode = find(kRoot, path, "open");
  if (!inode) return tl::unexpected(inode.error());
  Node& file = nodes_.at(*inode);
  if (file.kind != FileKind::kFile)
    return refuse(ErrorCode::kInvalidArgument, "write", path, "it is no regular file");
  mark_dirty(file, 0, file.data.size());
  make_room(file, 0, 0, 0);
  return write(*inode, 0, bytes);
}

Result<Bytes> MemoryDisk::read_file(const std::string& path) const {
  const Result<Inode> inode = find(kRoot, path, "open");
  if (!inode) return tl::unexpected(inode.error());
  if (nodes_.at(*inode).kind != FileKind::kFile)
    return refuse(ErrorCode::kInvalidArgument, "read", path, "it is no regular file");
  return data(*inode);
}

Result<void> MemoryDisk::make_link(const std::string& path, const std::string& target) {
  const Result<Inode> made = create(kRoot, path, FileKind::kLink, 0777, target, "link");
  if (!made) return tl::unexpected(made.error());
  return {};
}

Result<void> MemoryDisk::make_other(const std::string& path) {
  const Result<Inode> made = create(kRoot, path, FileKind::kOther, 0644, {}, "make");
  if (!made) return tl::unexpected(made.error());
  return {};
}

Result<void> MemoryDisk::rename(const std::string& from, const std::string& to) {
  return move(kRoot, {from, to, Rename::Mode::kNoReplace}, true);
}

Result<void> MemoryDisk::rot(const std::string& path, std::uint64_t offset) {
  const Result<Inode> inode = find(kRoot, path, "open");
  if (!inode) return tl::unexpected(inode.error());
  Node& node = nodes_.at(*inode);
  if (node.kind == FileKind::kLink && offset < node.target.size()) {
    node.target[offset] = static_cast<char>(node.target[offset] ^ 1);
    return {};
  }
  if (offset >= node.data.size()) return refuse(ErrorCode::kInvalidArgument, "damage", path, "it is shorter");
  node.data[offset] ^= 1;
  if (offset < node.durable_data.size()) node.durable_data[offset] ^= 1;
  return {};
}

Result<void> MemoryDisk::remove_tree(const std::string& path) {
  const Result<Place> at = place(kRoot, path, "remove");
  if (!at) return tl::unexpected(at.error());
  if (at->inode == 0) return refuse(ErrorCode::kNotFound, "remove", path, "No such file or directory");
  remove_below(at->directory, at->name);
  return {};
}

void MemoryDisk::remove_below(Inode directory, const std::string& name) {
  const Inode inode = nodes_.at(directory).entries.at(name);
  const std::map<std::string, Inode> within = nodes_.at(inode).entries;
  for (const auto& [child, child_inode] : within) remove_below(inode, child);
  take({{{directory, name, inode, 0}}, false});
}

Result<void> MemoryDisk::copy_tree(const std::string& from, const std::string& to) {
  const Result<Inode> source = find(kRoot, from, "copy");
  if (!source) return tl::unexpected(source.error());
  const Result<Place> target = place(kRoot, to, "copy to");
  if (!target) return tl::unexpected(target.error());
  if (target->inode != 0) return refuse(ErrorCode::kExists, "copy to", to, "File exists");
  copy_below(*source, target->directory, target->name);
  return {};
}

void MemoryDisk::copy_below(Inode from, Inode directory, const std::string& name) {
  const Node source = nodes_.at(from);
  const Inode copy = make(directory, name, source.kind, source.metadata.mode, source.target);
  if (!source.data.empty()) (void)write(copy, 0, source.data);
  for (const auto& [child, inode] : source.entries) copy_below(inode, copy, child);
  nodes_.at(copy).metadata.mtime_ns = source.metadata.mtime_ns;
}

Result<void> MemoryDisk::mount(const std::string& path) {
  return cover(path, true);
}

Result<void> MemoryDisk::unmount(const std::string& path) {
  return cover(path, false);
}

Result<void> MemoryDisk::cover(const std::string& path, bool is_covered) {
  const Result<Inode> inode = find(kRoot, path, is_covered ? "mount over" : "unmount");
  if (!inode) return tl::unexpected(inode.error());
  nodes_.at(*inode).is_covered = is_covered;
  return {};
}

Result<void> MemoryDisk::set_unreadable(const std::string& path, bool is_unreadable) {
  const Result<Inode> inode = find(kRoot, path, "look at");
  if (!inode) return tl::unexpected(inode.error());
  nodes_.at(*inode).is_unreadable = is_unreadable;
  return {};
}

std::vector<std::string> MemoryDisk::paths() const {
  std::vector<std::string> paths;
  add_paths({}, kRoot, paths);
  return paths;
}

void MemoryDisk::add_paths(const std::string& path, Inode directory, std::vector<std::string>& paths) const {
  for (const auto& [name, inode] : nodes_.at(directory).entries) {
    const std::string below = join_path(path, name);
    paths.push_back(below);
    if (!nodes_.at(inode).is_covered) add_paths(below, inode, paths);
  }
}

}  // namespace shoal
