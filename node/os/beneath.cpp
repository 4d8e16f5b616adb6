#include "node/os/beneath.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <string_view>
#include <utility>

#include "node/base/relative_path.h"

namespace shoal {
namespace {

int open_beneath(int directory, const std::string& path, int flags, unsigned mode) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC | O_NOFOLLOW);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  for (;;) {
    const auto fd = static_cast<int>(::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how));
    if (fd >= 0 || errno != EINTR) return fd;
  }
}

ErrorCode code_of(int error_number) {
  switch (error_number) {
    case ENOENT:
      return ErrorCode::kNotFound;
    case EEXIST:
      return ErrorCode::kExists;
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::kStoreFull;
    case EXDEV:         // it leaves the root, or crosses a mount point
    case ELOOP:         // a link
    case ENOTDIR:       // a file where a directory was expected
    case EISDIR:        // a directory where a file was expected
    case ENOTEMPTY:     // a directory to be removed
    case EINVAL:        // a directory to be moved into itself
    case ENAMETOOLONG:  // for this file system
      return ErrorCode::kInvalidArgument;
    default:
      return ErrorCode::kIo;
  }
}

}  // namespace

tl::unexpected<Error> fail_for(const char* doing, const std::string& path, const char* reason) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("cannot {} {}: {}", doing, path.empty() ? "the folder" : path, reason));
}

tl::unexpected<Error> fail_at(const char* doing, const std::string& path, int error_number) {
  if (error_number == EXDEV) return fail_for(doing, path, "it leaves the folder, or crosses a mount point");
  return fail(code_of(error_number),
              fmt::format("cannot {} {}: {}", doing, path.empty() ? "the folder" : path,
                          std::strerror(error_number)));
}

std::string proc_path(int fd) {
  return fmt::format("/proc/self/fd/{}", fd);
}

bool lies_at(int fd, const std::string& path) {
  struct stat open_one;
  struct stat there;
  return ::fstat(fd, &open_one) == 0 && ::stat(path.c_str(), &there) == 0 &&
         open_one.st_dev == there.st_dev && open_one.st_ino == there.st_ino;
}

Result<Beneath> Beneath::open(const std::string& root) {
  if (!root.starts_with('/')) return fail_for("open", root, "it must be an absolute path");
  Descriptor opened(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened) return fail_at("open", root, errno);
  const Descriptor again(open_beneath(opened.get(), ".", O_PATH, 0));
  if (!again && errno == ENOSYS) {
    return fail(ErrorCode::kIo, fmt::format("cannot keep {} in sync: this kernel lacks openat2, which came "
                                            "with Linux 5.6",
                                            root));
  }
  if (!again) return fail_at("open", root, errno);
  return Beneath(std::move(opened), root);
}

Result<Descriptor> Beneath::open(const std::string& path, int flags, const char* doing, unsigned mode) const {
  if (!is_relative_path(path)) return fail_for(doing, path, "it is no path within the folder");
  Descriptor directory;
  int from = root_.get();
  std::string rest = path.empty() ? "." : path;
  while (rest.size() >= PATH_MAX) {
    const std::size_t slash = rest.rfind('/', PATH_MAX - 1);
    directory = Descriptor(open_beneath(from, rest.substr(0, slash), O_PATH | O_DIRECTORY, 0));
    if (!directory) return fail_at(doing, path, errno);
    from = directory.get();
    rest.erase(0, slash + 1);
  }
  Descriptor opened(open_beneath(from, rest, flags, mode));
  if (!opened) return fail_at(doing, path, errno);
  return opened;
}

Result<Place> Beneath::place(const std::string& path, const char* doing) const {
  if (path.empty()) return fail_for(doing, path, "it is the root");
  if (!is_relative_path(path)) return fail_for(doing, path, "it is no path within the folder");
  SplitPath split = split_path(path);
  Result<Descriptor> parent = open(split.parent, O_PATH | O_DIRECTORY, doing);
  if (!parent) return tl::unexpected(std::move(parent.error()));
  return Place{std::move(*parent), std::move(split.name)};
}

Result<Descriptor> Beneath::open_file(const std::string& path, int flags) const {
  const Result<Descriptor> found = open(path, O_PATH, "open");
  if (!found) return tl::unexpected(found.error());
  struct stat status;
  if (::fstat(found->get(), &status) != 0) return fail_at("open", path, errno);
  if (S_ISLNK(status.st_mode)) return fail_at("open", path, ELOOP);
  if (S_ISDIR(status.st_mode)) return fail_at("open", path, EISDIR);
  if (!S_ISREG(status.st_mode)) return fail_for("open", path, "it is no regular file");
  Descriptor opened(::open(proc_path(found->get()).c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!opened) return fail_at("open", path, errno);
  return opened;
}

}  // namespace shoal
