#include "node/store/memory_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "node/base/check.h"
#include "node/base/relative_path.h"

namespace shoal {
namespace {

using Inode = MemoryDisk::Inode;

class MemoryFile final : public FolderFile {
 public:
  MemoryFile(MemoryDisk& disk, Inode inode, bool writable)
      : disk_(disk), boot_(disk.boot()), inode_(inode), writable_(writable) {
    disk_.hold(inode_);
  }
  // A crash has let go of everything.
  ~MemoryFile() override {
    if (boot_ == disk_.boot()) disk_.release(inode_);
  }

  Result<FileStat> stat() const override {
    if (Result<void> begun = disk_.begin_call(boot_); !begun) return tl::unexpected(begun.error());
    return disk_.stat(inode_);
  }
  Result<std::size_t> read(std::uint64_t offset, MutableByteView out) override {
    if (Result<void> begun = disk_.begin_call(boot_); !begun) return tl::unexpected(begun.error());
    const ByteView data = disk_.data(inode_);
    const ByteView rest = data.subspan(std::min<std::uint64_t>(offset, data.size()));
    const ByteView part = rest.first(std::min(rest.size(), out.size()));
    std::copy(part.begin(), part.end(), out.begin());
    return part.size();
  }
  Result<void> write(std::uint64_t offset, ByteView bytes) override {
    if (Result<void> begun = disk_.begin_call(boot_); !begun) return begun;
    if (!writable_) return fail(ErrorCode::kIo, "cannot write: Bad file descriptor");
    if (bytes.empty()) return {};
    return disk_.write(inode_, offset, bytes);
  }
  Result<void> copy(FolderFile& from, std::uint64_t from_offset, std::uint64_t offset,
                    std::uint64_t bytes) override {
    if (Result<void> begun = disk_.begin_call(boot_); !begun) return begun;
    if (bytes == 0) return {};
    if (!writable_) return fail(ErrorCode::kIo, "cannot write: Bad file descriptor");
    const Bytes& data = disk_.data(static_cast<MemoryFile&>(from).inode_);
    if (from_offset > data.size() || bytes > data.size() - from_offset)
      return fail(ErrorCode::kInvalidArgument, "cannot copy: it ends before the bytes to copy");
    const ByteView part = ByteView(data).subspan(from_offset, bytes);
    return disk_.write(inode_, offset, Bytes(part.begin(), part.end()));
  }
  Result<void> sync() override {
    if (Result<void> begun = disk_.begin_call(boot_); !begun) return begun;
    disk_.sync_file(inode_);
    return {};
  }

 private:
  MemoryDisk& disk_;
  std::uint64_t boot_;
  Inode inode_;
  bool writable_;
};

tl::unexpected<Error> wrong_kind(const char* doing, const std::string& path, const char* reason) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("cannot {} {}: {}", doing, path, reason));
}

}  // namespace

class MemoryFolder final : public Folder {
 public:
  MemoryFolder(MemoryFolders& host, const Id& group, Inode root)
      : host_(host), disk_(host.disk_), boot_(disk_.boot()), group_(group), root_(root) {
    disk_.hold(root_);
  }
  ~MemoryFolder() override {
    host_.watched_.erase(group_);
    if (boot_ != disk_.boot()) return;
    disk_.release(root_);
    disk_.unlock(root_);
  }

  Result<std::vector<DirectoryEntry>> list(const std::string& path, ListMode mode) override {
    if (Result<void> begun = disk_.begin_call(boot_); !begun) return tl::unexpected(begun.error());
    const Result<Inode> directory = find_directory(path, "list");
    if (!directory && mode == ListMode::kWatched) host_.forget(group_, path);
    if (!directory) return tl::unexpected(directory.error());
    if (mode == ListMode::kWatched) {
      if (Result<void> watched = host_.watch(group_, *directory, path); !watched)
        return tl::unexpected(watched.error());
    }
    std::vector<DirectoryEntry> entries;
    for (const auto& [name, inode] : disk_.entries(*directory)) entries.push_back({name, disk_.stat(inode)});
    return entries;
  }

  Result<FileStat> stat(const std::string& path) override {
    if (Result<void> begun = disk_.begin_call(boot_); !begun) return tl::unexpected(begun.error());
    const Result<Inode> inode = disk_.find(root_, path, "look at");
    if (!inode) return tl::unexpected(inode.error());
    return disk_.stat(*inode);
  }

  Result<std::unique_ptr<FolderFile>> open(const std::string& path, OpenMode mode) override {
    if (Result<void> begun = disk_.begin_call(boot_); !begun) return tl::unexpected(begun.error());
    if (mode == OpenMode::kCreate) {
      if (Result<void> may = may_change(path, "create"); !may) return tl::unexpected(may.error());
    }
    const Result<Inode> inode = mode == OpenMode::kCreate
                                    ? disk_.create(root_, path, FileKind::kFile, 0600, {}, "create")
                                    : disk_.find(root_, path, "open");
    if (!inode) return tl::unexpected(inode.error());
    if (disk_.stat(*inode).kind != FileKind::kFile) return wrong_kind("open", path, "it is no regular file");
    return std::make_unique<MemoryFile>(disk_, *inode, mode != OpenMode::kRead);
  }

  Result<void> change(const FolderChange& change) override {
    if (Result<void> begun = disk_.begin_call(boot_); !begun) return begun;
    return std::visit([this](const auto& step) { return apply(step); }, change);
  }

  Result<DiskSpace> space() override {
    if (Result<void> begun = disk_.begin_call(boot_); !begun) return tl::unexpected(begun.error());
    return DiskSpace{disk_.free_bytes(), disk_.capacity_bytes};
  }

 private:
  Result<Inode> find_directory(const std::string& path, const char* doing) const {
    Result<Inode> inode = disk_.find(root_, path, doing);
    if (inode && disk_.stat(*inode).kind != FileKind::kDirectory)
      return wrong_kind(doing, path, "Not a directory");
    return inode;
  }
  // As for a process that is not the superuser's.
  Result<void> may_change(const std::string& path, const char* doing) const {
    if (path.empty()) return {};
    const SplitPath split = split_path(path);
    const Result<Inode> parent = disk_.find(root_, split.parent, doing);
    if (!parent || (disk_.stat(*parent).mode & 0300u) == 0300u) return {};
    return fail(ErrorCode::kIo, fmt::format("cannot {} {}: Permission denied", doing, path));
  }
  Result<void> made(const Result<Inode>& inode) const {
    if (!inode) return tl::unexpected(inode.error());
    return {};
  }
  Result<void> apply(const MakeDirectory& step) {
    if (Result<void> may = may_change(step.path, "make"); !may) return may;
    return made(disk_.create(root_, step.path, FileKind::kDirectory, step.mode, {}, "make"));
  }
  Result<void> apply(const MakeLink& step) {
    if (Result<void> may = may_change(step.path, "link"); !may) return may;
    return made(disk_.create(root_, step.path, FileKind::kLink, 0777, step.target, "link"));
  }
  Result<void> apply(const Rename& step) {
    for (const std::string* path : {&step.from, &step.to}) {
      if (Result<void> may = may_change(*path, "rename"); !may) return may;
    }
    return disk_.rename(root_, step);
  }
  Result<void> apply(const Remove& step) {
    if (Result<void> may = may_change(step.path, "remove"); !may) return may;
    return disk_.remove(root_, step.path);
  }
  Result<void> apply(const SetMetadata& step) { return disk_.set(root_, step); }
  Result<void> apply(const SetSize& step) { return disk_.set_size(root_, step); }
  Result<void> apply(const SyncDirectory& step) {
    const Result<Inode> directory = find_directory(step.path, "sync");
    if (!directory) return tl::unexpected(directory.error());
    disk_.sync_directory(*directory);
    return {};
  }
  Result<void> apply(const SyncAll&) {
    disk_.sync_all();
    return {};
  }

  MemoryFolders& host_;
  MemoryDisk& disk_;
  std::uint64_t boot_;
  Id group_;
  Inode root_;
};

MemoryFolders::MemoryFolders(MemoryDisk& disk, std::function<void(const FolderEvent&)> on_event)
    : disk_(disk), on_event_(std::move(on_event)) {
  disk_.observe(*this);
}

MemoryFolders::~MemoryFolders() {
  disk_.forget(*this);
}

Result<std::shared_ptr<Folder>> MemoryFolders::open(const Id& group, const std::string& root) {
  if (!root.starts_with('/')) return wrong_kind("open", root, "it must be an absolute path");
  const Result<Inode> inode = disk_.find(MemoryDisk::kRoot, root.substr(1), "open");
  if (!inode) return fail(inode.error().code, fmt::format("cannot open {}: no directory is there", root));
  if (disk_.lies_in_node_data(*inode)) return wrong_kind("open", root, "a node keeps its keys there");
  if (disk_.stat(*inode).kind != FileKind::kDirectory) return wrong_kind("open", root, "Not a directory");
  if (!disk_.lock(*inode)) return fail(ErrorCode::kBusy, fmt::format("another node syncs {}", root));
  check(watched_.emplace(group, Watched{*inode, {}}).second, "a group has one folder at a time");
  return std::make_shared<MemoryFolder>(*this, group, *inode);
}

Result<void> MemoryFolders::watch(const Id& group, Inode directory, const std::string& path) {
  std::size_t watches = 0;
  for (const auto& [other, watched] : watched_) watches += watched.paths.size();
  std::map<Inode, std::string>& paths = watched_.at(group).paths;
  if (!paths.contains(directory) && watches >= watches_max)
    return fail(ErrorCode::kStoreFull, fmt::format("cannot watch {}: No space left on device", path));
  forget(group, path);
  paths[directory] = path;
  return {};
}

void MemoryFolders::forget(const Id& group, const std::string& path) {
  std::erase_if(watched_.at(group).paths, [&](const auto& watch) { return watch.second == path; });
}

void MemoryFolders::on_changed(Inode directory) {
  for (const auto& [group, watched] : watched_) {
    const auto path = watched.paths.find(directory);
    if (path != watched.paths.end()) on_event_({group, FolderEvent::Kind::kChanged, path->second});
  }
}

void MemoryFolders::on_moved(Inode directory) {
  for (auto& [group, watched] : watched_) {
    if (!watched.paths.contains(directory)) continue;
    if (!disk_.linked(directory)) watched.paths.erase(directory);
    if (watched.root == directory) on_event_({group, FolderEvent::Kind::kGone, {}});
  }
}

void MemoryFolders::overflow() {
  for (const auto& [group, watched] : watched_) {
    if (!watched.paths.empty()) on_event_({group, FolderEvent::Kind::kOverflow, {}});
  }
}

}  // namespace shoal
