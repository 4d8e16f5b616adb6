#include "node/store/data_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
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

// Before anything secret is in it. One that cannot be written to cannot be marked; then its files tell.
void mark_node_data(const fs::path& directory) {
  const int fd = ::open((directory / kNodeDataMarker).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) ::close(fd);
}

}  // namespace

Result<void> create_private_directory(const fs::path& wanted) {
  const fs::path path = wanted.has_filename() ? wanted : wanted.parent_path();  // "data/"
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    error.clear();
    if (path.has_parent_path()) fs::create_directories(path.parent_path(), error);
    if (!error) ::mkdir(path.c_str(), 0700);
  }
  if (!error && fs::is_directory(path, error)) {
    mark_node_data(path);
    return {};
  }
  const std::string why = error ? error.message() : std::strerror(errno);
  return fail(ErrorCode::kIo, fmt::format("cannot create the directory {}: {}", path.string(), why));
}

Result<DataDirectory> DataDirectory::open(const fs::path& path) {
  if (Result<void> created = create_private_directory(path); !created)
    return tl::unexpected(std::move(created.error()));
  if (std::error_code error; fs::is_directory(path / "keys", error)) mark_node_data(path / "keys");
  const fs::path lock = path / "lock";
  const int fd = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return fail(ErrorCode::kIo, fmt::format("cannot open {}: {}", lock.string(), std::strerror(errno)));
  }
  DataDirectory directory(path, fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return fail(
          ErrorCode::kBusy,
          fmt::format("another node (process {}) runs in {}: stop it, or choose another data directory",
                      read_owner(fd), path.string()));
    }
    return fail(ErrorCode::kIo, fmt::format("cannot lock {}: {}", lock.string(), std::strerror(errno)));
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
