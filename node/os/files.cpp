#include "node/os/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "node/os/entropy.h"
#include "node/os/socket.h"
#include "node/store/data_directory.h"

namespace shoal {
namespace {

Result<Bytes> read_all(int fd, const std::string& name, std::size_t bytes_max) {
  Bytes bytes;
  std::array<std::uint8_t, 65536> buffer;
  for (;;) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_with_errno("read " + name);
    if (n == 0) return bytes;
    bytes.insert(bytes.end(), buffer.begin(), buffer.begin() + n);
    if (bytes.size() > bytes_max) {
      return fail(ErrorCode::kTooLarge,
                  fmt::format("{} is too large: at most {} bytes are possible", name, bytes_max));
    }
  }
}

// A new file in the same folder, whole and on disk: its name.
Result<std::string> write_beside(const std::string& path, ByteView bytes, mode_t mode) {
  std::string temporary = path + ".XXXXXX";
  const Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!file) return fail_with_errno("create " + path);
  if (write_all(file.get(), bytes) && ::fchmod(file.get(), mode) == 0 && ::fsync(file.get()) == 0)
    return temporary;
  const auto error = fail_with_errno("write " + path);
  ::unlink(temporary.c_str());
  return error;
}

Result<void> replace_file(const std::string& path, ByteView bytes, mode_t mode) {
  const Result<std::string> temporary = write_beside(path, bytes, mode);
  if (!temporary) return tl::unexpected(temporary.error());
  if (::rename(temporary->c_str(), path.c_str()) == 0) return {};
  const auto error = fail_with_errno("write " + path);
  ::unlink(temporary->c_str());
  return error;
}

// A device, a FIFO or a directory keeps its place: the bytes go into it, or the kernel says why they cannot.
Result<void> write_into(const std::string& path, ByteView bytes) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC));
  if (!file || !write_all(file.get(), bytes)) return fail_with_errno("write " + path);
  if (::close(file.release()) != 0) return fail_with_errno("write " + path);
  return {};
}

// The link stays, and what it leads to is written. The kernel follows it, so that its protection of links in
// shared directories holds (proc(5), protected_symlinks).
Result<void> write_through_link(const std::string& path, ByteView bytes) {
  Descriptor target(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!target && errno == ENOENT) {
    // It leads to nothing yet.
    target = Descriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
  }
  struct stat status {};
  if (!target || ::fstat(target.get(), &status) != 0) return fail_with_errno("write " + path);
  if (!S_ISREG(status.st_mode)) return write_into(path, bytes);
  std::error_code error;
  const std::filesystem::path place =
      std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", target.get()), error);
  struct stat named {};
  const bool is_known = !error && ::lstat(place.c_str(), &named) == 0 && named.st_dev == status.st_dev &&
                        named.st_ino == status.st_ino;
  if (!is_known)
    return fail(ErrorCode::kIo, fmt::format("cannot write {}: no name of its target is known", path));
  return replace_file(place.string(), bytes, status.st_mode & 0777);
}

// Not every file system can do this in one step.
bool rename_without_replacing(int directory, const std::string& from, const std::string& to) {
  if (::renameat2(directory, from.c_str(), directory, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS) return false;
  return ::linkat(directory, from.c_str(), directory, to.c_str(), 0) == 0 &&
         ::unlinkat(directory, from.c_str(), 0) == 0;
}

}  // namespace

bool write_all(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

Result<Bytes> read_input(const std::string& path, std::size_t bytes_max) {
  if (path == "-") return read_all(STDIN_FILENO, "standard input", bytes_max);
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail_with_errno("open " + path);
  return read_all(file.get(), path, bytes_max);
}

Result<void> write_output(const std::string& path, ByteView bytes) {
  if (path == "-") {
    if (!write_all(STDOUT_FILENO, bytes)) return fail_with_errno("write to standard output");
    return {};
  }
  struct stat status {};
  const bool is_there = ::lstat(path.c_str(), &status) == 0;
  if (is_there && S_ISLNK(status.st_mode)) return write_through_link(path, bytes);
  if (is_there && !S_ISREG(status.st_mode)) return write_into(path, bytes);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return replace_file(path, bytes, is_there ? status.st_mode & 0777 : 0666 & ~mask);
}

Result<void> create_secret_file(const std::string& path, std::string line, std::string_view if_it_exists,
                                SecretOwner owner) {
  const auto failed = [&] {
    sodium_memzero(line.data(), line.size());
    return fail_with_errno("write " + path);
  };
  const std::filesystem::path place(path);
  const Descriptor directory(open_directory(place.has_parent_path() ? place.parent_path() : "."));
  if (!directory) return failed();
  const std::string name = place.filename().string();
  const std::string temporary = name + "." + to_hex(os_seeded_rng().seed()).substr(0, 12);
  const Descriptor file(::openat(directory.get(), temporary.c_str(),
                                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return failed();
  if (owner == SecretOwner::kDirectorys) give_to_owner_of(directory.get(), file.get());
  const bool written = write_all(file.get(), view(line)) && ::fsync(file.get()) == 0;
  const bool placed = written && rename_without_replacing(directory.get(), temporary, name);
  // So that the name is on disk, and not the file alone.
  if (placed && ::fsync(directory.get()) == 0) {
    sodium_memzero(line.data(), line.size());
    return {};
  }
  const bool exists = written && !placed && errno == EEXIST;
  auto error = failed();
  ::unlinkat(directory.get(), (placed ? name : temporary).c_str(), 0);
  if (!exists) return error;
  return fail(ErrorCode::kInvalidArgument, fmt::format("{} exists already: {}", path, if_it_exists));
}

Result<Rng::Seed> read_key_file(const std::string& path) {
  Result<Bytes> bytes = read_input(path, 4096);
  if (!bytes) return tl::unexpected(std::move(bytes.error()));
  std::string_view digits = text(*bytes);
  while (!digits.empty() && (digits.back() == '\n' || digits.back() == '\r')) digits.remove_suffix(1);
  Rng::Seed seed;
  if (!from_hex(digits, seed)) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{} is no key file: expected 64 hexadecimal digits (make one with --new-key)", path));
  }
  return seed;
}

Result<Rng::Seed> create_key_file(const std::string& path) {
  const Rng::Seed seed = os_seeded_rng().seed();
  if (Result<void> written = create_secret_file(path, to_hex(seed) + "\n", "use it without --new-key");
      !written)
    return tl::unexpected(std::move(written.error()));
  return seed;
}

}  // namespace shoal
