#include "node/os/file_stat.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "node/os/beneath.h"

namespace shoal {
namespace {

std::int64_t nanoseconds(const statx_timestamp& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

FileKind kind_of(std::uint16_t mode) {
  if (S_ISREG(mode)) return FileKind::kFile;
  if (S_ISDIR(mode)) return FileKind::kDirectory;
  return S_ISLNK(mode) ? FileKind::kLink : FileKind::kOther;
}

constexpr unsigned kWanted = STATX_BASIC_STATS | STATX_BTIME;

FileStat from_kernel(const struct statx& status) {
  FileStat stat;
  stat.kind = kind_of(status.stx_mode);
  stat.mode = status.stx_mode & 0777u;
  stat.size = status.stx_size;
  stat.mtime_ns = nanoseconds(status.stx_mtime);
  stat.ctime_ns = nanoseconds(status.stx_ctime);
  stat.inode = status.stx_ino;
  if ((status.stx_mask & STATX_BTIME) != 0) stat.birth_ns = nanoseconds(status.stx_btime);
  return stat;
}

// Data directories of older versions have no marker.
constexpr std::array<const char*, 2> kNodeDataFiles = {kNodeDataMarker, "shoal.sqlite"};

bool is_node_data(int directory, const std::string& below) {
  return std::ranges::any_of(kNodeDataFiles, [&](const char* file) {
    return ::faccessat(directory, (below + file).c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
  });
}

}  // namespace

bool is_node_data(int directory) {
  return is_node_data(directory, "");
}

Result<FileStat> stat_of(int fd, const std::string& path) {
  struct statx status;
  if (::statx(fd, "", AT_EMPTY_PATH, kWanted, &status) != 0) return fail_at("look at", path, errno);
  // A directory that was removed lives on while it is open.
  if (S_ISDIR(status.stx_mode) && status.stx_nlink == 0) return fail_at("look at", path, ENOENT);
  return from_kernel(status);
}

Result<FileStat> stat_in(int directory, const std::string& name, const std::string& path) {
  struct statx status;
  if (::statx(directory, name.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, kWanted, &status) != 0)
    return fail_at("look at", path, errno);
  FileStat stat = from_kernel(status);
  if ((status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0) stat.kind = FileKind::kMount;
  if (stat.kind == FileKind::kDirectory && is_node_data(directory, name + "/"))
    stat.kind = FileKind::kNodeData;
  if (stat.kind != FileKind::kLink) return stat;
  std::array<char, PATH_MAX> target;
  const ssize_t size = ::readlinkat(directory, name.c_str(), target.data(), target.size());
  if (size < 0) return fail_at("read the link", path, errno);
  stat.link_target.assign(target.data(), static_cast<std::size_t>(size));
  return stat;
}

}  // namespace shoal
