#include "node/store/data_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "node/ports/folder.h"

namespace shoal {
namespace {

namespace fs = std::filesystem;

std::string read_owner(int fd) {
  std::array<char, 32> buffer{};
  const ssize_t n = ::pread(fd, buffer.data(), buffer.size(), 0);
  std::string owner(buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
  while (!owner.empty() && owner.back() == '\n') owner.pop_back();
  return owner;
}

// For the message of the next who tries; the lock itself does not depend on it.
void write_owner(int fd) {
  const std::string owner = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd, 0) != 0) return;
  [[maybe_unused]] const ssize_t written = ::pwrite(fd, owner.data(), owner.size(), 0);
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

tl::unexpected<Error> failed_to(const char* what, const fs::path& path) {
  return fail(ErrorCode::kIo, fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(errno)));
}

// Before anything secret is in it. One that cannot be written to cannot be marked; then its files tell.
void mark_node_data(int directory) {
  const Descriptor marker(
      ::openat(directory, kNodeDataMarker, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (marker.get() >= 0) give_to_owner_of(directory, marker.get());
}

std::string user_name(uid_t user) {
  const passwd* const entry = ::getpwuid(user);
  return entry == nullptr ? std::to_string(user) : entry->pw_name;
}

Result<void> make_directory(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return {};
  error.clear();
  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  if (path.has_parent_path()) fs::create_directories(parent, error);
  if (error) {
    return fail(ErrorCode::kIo,
                fmt::format("cannot create the directory {}: {}", path.string(), error.message()));
  }
  if (::mkdir(path.c_str(), 0700) == 0) {
    const Descriptor around(open_directory(parent));
    const Descriptor made(open_directory(path));
    if (around.get() >= 0 && made.get() >= 0) give_to_owner_of(around.get(), made.get());
    return {};
  }
  const int number = errno;
  if (number == EEXIST && fs::is_directory(path, error)) return {};
  errno = number;
  return failed_to("create the directory", path);
}

// A node trusts all that lies in its directory: a user who can write there could have it write elsewhere, by
// a link, or give it keys.
Result<void> check_is_ours(int directory, const fs::path& path) {
  struct stat status {};
  if (::fstat(directory, &status) != 0) return failed_to("look at", path);
  if (status.st_uid != ::geteuid()) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("the data directory {} belongs to user {}, and this node is of user {}: run it as "
                    "{}, or choose another directory",
                    path.string(), user_name(status.st_uid), user_name(::geteuid()),
                    user_name(status.st_uid)));
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) == 0) return {};
  return fail(
      ErrorCode::kInvalidArgument,
      fmt::format("other users can write in the data directory {} (mode {:04o}): if none of them has, "
                  "chmod go-w {}",
                  path.string(), status.st_mode & 07777, path.string()));
}

// "data/" has no file name.
fs::path without_slash(const fs::path& path) {
  return path.has_filename() ? path : path.parent_path();
}

}  // namespace

int open_directory(const fs::path& wanted) {
  const fs::path path = without_slash(wanted);
  struct stat around {};
  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const bool is_strange =
      ::stat(parent.c_str(), &around) == 0 && around.st_uid != ::geteuid() && around.st_uid != 0;
  return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | (is_strange ? O_NOFOLLOW : 0));
}

void give_to_owner_of(int directory, int made) {
  struct stat owner {};
  if (::geteuid() != 0 || ::fstat(directory, &owner) != 0 || owner.st_uid == 0) return;
  [[maybe_unused]] const int done = ::fchown(made, owner.st_uid, owner.st_gid);
}

std::string strange_owner_hint(const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || status.st_uid == ::geteuid()) return {};
  return fmt::format("; it belongs to user {}: as root, chown -R {} {}", user_name(status.st_uid),
                     user_name(::geteuid()), path.string());
}

Result<void> create_private_directory(const fs::path& wanted) {
  const fs::path path = without_slash(wanted);
  if (Result<void> made = make_directory(path); !made) return made;
  const Descriptor directory(open_directory(path));
  if (directory.get() < 0) return failed_to("open the directory", path);
  mark_node_data(directory.get());
  return {};
}

Result<DataDirectory> DataDirectory::open(const fs::path& wanted) {
  const fs::path path = without_slash(wanted);
  if (Result<void> made = make_directory(path); !made) return tl::unexpected(std::move(made.error()));
  const Descriptor opened(open_directory(path));
  if (opened.get() < 0) return failed_to("open the directory", path);
  if (Result<void> ours = check_is_ours(opened.get(), path); !ours)
    return tl::unexpected(std::move(ours.error()));
  mark_node_data(opened.get());
  if (const Descriptor keys(open_directory(path / "keys")); keys.get() >= 0) mark_node_data(keys.get());
  const fs::path lock = path / "lock";
  const int fd = ::openat(opened.get(), "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
  if (fd < 0 && errno == ELOOP) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is a link: remove it, a node makes its own lock file", lock.string()));
  }
  if (fd < 0) {
    const std::string hint = strange_owner_hint(lock);
    Error error = failed_to("open", lock).value();
    return fail(error.code, error.message + hint);
  }
  DataDirectory directory(path, fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return fail(
          ErrorCode::kBusy,
          fmt::format("another node (process {}) runs in {}: stop it, or choose another data directory",
                      read_owner(fd), path.string()));
    }
    return failed_to("lock", lock);
  }
  write_owner(fd);
  return directory;
}

DataDirectory::DataDirectory(DataDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_fd_(std::exchange(other.lock_fd_, -1)) {}

DataDirectory& DataDirectory::operator=(DataDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_fd_, other.lock_fd_);
  return *this;
}

DataDirectory::~DataDirectory() {
  if (lock_fd_ >= 0) ::close(lock_fd_);
}

}  // namespace shoal
