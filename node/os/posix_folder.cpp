#include "node/os/posix_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "node/base/check.h"
#include "node/base/relative_path.h"
#include "node/os/file_stat.h"
#include "node/os/posix_file.h"

namespace shoal {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// Names that go while they are looked at are left out.
Result<std::vector<DirectoryEntry>> read_entries(Descriptor directory, const std::string& path) {
  const std::unique_ptr<DIR, CloseDirectory> stream(::fdopendir(directory.get()));
  if (stream == nullptr) return fail_at("list", path, errno);
  const int fd = directory.release();
  std::vector<DirectoryEntry> entries;
  for (;;) {
    errno = 0;
    const dirent* found = ::readdir(stream.get());
    if (found == nullptr && errno != 0) return fail_at("list", path, errno);
    if (found == nullptr) break;
    std::string name = found->d_name;
    if (name == "." || name == "..") continue;
    Result<FileStat> stat = stat_in(fd, name, join_path(path, name));
    if (stat) {
      entries.push_back({std::move(name), std::move(*stat)});
    } else if (stat.error().code != ErrorCode::kNotFound &&
               stat.error().code != ErrorCode::kInvalidArgument) {
      return tl::unexpected(std::move(stat.error()));
    }
  }
  // readdir(3) takes a directory that was removed meanwhile for an empty one.
  if (const Result<FileStat> there = stat_of(fd, path); !there) return tl::unexpected(there.error());
  std::sort(entries.begin(), entries.end(),
            [](const DirectoryEntry& a, const DirectoryEntry& b) { return a.name < b.name; });
  return entries;
}

timespec to_timespec(std::int64_t time_ns) {
  constexpr std::int64_t second = 1'000'000'000;
  timespec time{};
  time.tv_sec = time_ns / second;
  time.tv_nsec = time_ns % second;
  if (time.tv_nsec < 0) {
    time.tv_sec -= 1;
    time.tv_nsec += second;
  }
  return time;
}

}  // namespace

Result<Descriptor> PosixFolder::open_directory(const std::string& path, ListMode mode) {
  Result<Descriptor> directory = beneath_.open(path, O_RDONLY | O_DIRECTORY, "list");
  if (mode == ListMode::kOnce) return directory;
  check(watches_ != nullptr, "a folder without watches is to be listed once");
  if (!directory) {
    watches_->forget(number_, path);
    return directory;
  }
  if (Result<void> watched = watches_->watch(number_, path, directory->get()); !watched)
    return tl::unexpected(std::move(watched.error()));
  return directory;
}

Result<std::vector<DirectoryEntry>> PosixFolder::list(const std::string& path, ListMode mode) {
  Result<Descriptor> directory = open_directory(path, mode);
  if (!directory) return tl::unexpected(std::move(directory.error()));
  if (is_node_data(directory->get())) return fail_for("list", path, "a node keeps its keys in it");
  return read_entries(std::move(*directory), path);
}

Result<FileStat> PosixFolder::stat(const std::string& path) {
  if (path.empty()) return stat_of(beneath_.root(), path);
  const Result<Place> place = beneath_.place(path, "look at");
  if (!place) return tl::unexpected(place.error());
  return stat_in(place->parent.get(), place->name, path);
}

Result<std::unique_ptr<FolderFile>> PosixFolder::open(const std::string& path, OpenMode mode) {
  Result<Descriptor> file = mode == OpenMode::kCreate
                                ? beneath_.open(path, O_RDWR | O_CREAT | O_EXCL, "create", 0600)
                                : beneath_.open_file(path, mode == OpenMode::kRead ? O_RDONLY : O_RDWR);
  if (!file) return tl::unexpected(std::move(file.error()));
  return std::make_unique<PosixFile>(std::move(*file), path);
}

Result<void> PosixFolder::change(const FolderChange& change) {
  return std::visit([this](const auto& step) { return apply(step); }, change);
}

Result<void> PosixFolder::apply(const MakeDirectory& made) {
  const Result<Place> place = beneath_.place(made.path, "make");
  if (!place) return tl::unexpected(place.error());
  if (::mkdirat(place->parent.get(), place->name.c_str(), made.mode & 0777u) != 0)
    return fail_at("make", made.path, errno);
  return {};
}

Result<void> PosixFolder::apply(const MakeLink& made) {
  const Result<Place> place = beneath_.place(made.path, "link");
  if (!place) return tl::unexpected(place.error());
  if (!is_link_target(made.target)) return fail_for("link", made.path, "no link can have that target");
  if (::symlinkat(made.target.c_str(), place->parent.get(), place->name.c_str()) != 0)
    return fail_at("link", made.path, errno);
  return {};
}

Result<void> PosixFolder::apply(const Rename& rename) {
  const Result<Place> from = beneath_.place(rename.from, "rename");
  if (!from) return tl::unexpected(from.error());
  const Result<Place> to = beneath_.place(rename.to, "rename to");
  if (!to) return tl::unexpected(to.error());
  const unsigned flags = rename.mode == Rename::Mode::kExchange ? RENAME_EXCHANGE : RENAME_NOREPLACE;
  if (::renameat2(from->parent.get(), from->name.c_str(), to->parent.get(), to->name.c_str(), flags) != 0)
    return fail_at("rename", rename.from + " to " + rename.to, errno);
  return {};
}

Result<void> PosixFolder::apply(const Remove& removed) {
  const Result<Place> place = beneath_.place(removed.path, "remove");
  if (!place) return tl::unexpected(place.error());
  const Result<FileStat> stat = stat_in(place->parent.get(), place->name, removed.path);
  if (!stat) return tl::unexpected(stat.error());
  if (stat->kind == FileKind::kOther || stat->kind == FileKind::kNodeData)
    return fail_for("remove", removed.path, "it is no file, link or directory");
  const int flags = stat->kind == FileKind::kDirectory ? AT_REMOVEDIR : 0;
  if (::unlinkat(place->parent.get(), place->name.c_str(), flags) != 0)
    return fail_at("remove", removed.path, errno);
  return {};
}

Result<void> PosixFolder::apply(const SetMetadata& set) {
  const Result<Descriptor> found = beneath_.open(set.path, O_PATH, "set the metadata of");
  if (!found) return tl::unexpected(found.error());
  struct stat status;
  if (::fstat(found->get(), &status) != 0) return fail_at("look at", set.path, errno);
  const bool file = S_ISREG(status.st_mode);
  if ((set.mode && !file && !S_ISDIR(status.st_mode)) ||
      (set.mtime_ns && !file && !S_ISLNK(status.st_mode)) || (set.mode && *set.mode > 0777u))
    return fail_for("set the metadata of", set.path, "it has none of that kind");
  // The descriptor names what was looked at, whatever the path leads to now; fchmod takes none of O_PATH.
  if (set.mode && ::chmod(proc_path(found->get()).c_str(), *set.mode) != 0)
    return fail_at("set the mode of", set.path, errno);
  if (!set.mtime_ns) return {};
  const timespec times[2] = {{0, UTIME_OMIT}, to_timespec(*set.mtime_ns)};
  if (::utimensat(found->get(), "", times, AT_EMPTY_PATH) != 0)
    return fail_at("set the time of", set.path, errno);
  return {};
}

Result<void> PosixFolder::apply(const SetSize& set) {
  const Result<Descriptor> file = beneath_.open_file(set.path, O_WRONLY);
  if (!file) return tl::unexpected(file.error());
  if (::ftruncate(file->get(), static_cast<off_t>(set.bytes)) != 0)
    return fail_at("set the size of", set.path, errno);
  return {};
}

Result<void> PosixFolder::apply(const SyncDirectory& synced) {
  const Result<Descriptor> directory = beneath_.open(synced.path, O_RDONLY | O_DIRECTORY, "sync");
  if (!directory) return tl::unexpected(directory.error());
  if (::fsync(directory->get()) != 0) return fail_at("sync", synced.path, errno);
  return {};
}

Result<void> PosixFolder::apply(const SyncAll&) {
  if (::syncfs(beneath_.root()) != 0) return fail_at("sync", "", errno);
  return {};
}

Result<DiskSpace> PosixFolder::space() {
  struct statvfs status;
  if (::fstatvfs(beneath_.root(), &status) != 0) return fail_at("look at the free space of", "", errno);
  return DiskSpace{std::uint64_t{status.f_bavail} * status.f_frsize,
                   std::uint64_t{status.f_blocks} * status.f_frsize};
}

}  // namespace shoal
