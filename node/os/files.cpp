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
#include <utility>

#include "node/os/entropy.h"
#include "node/os/socket.h"

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

// Not every file system can do this in one step.
bool rename_without_replacing(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS) return false;
  return ::link(from.c_str(), to.c_str()) == 0 && ::unlink(from.c_str()) == 0;
}

// So that the name is on disk, and not the file alone.
bool sync_folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const Descriptor opened(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return opened && ::fsync(opened.get()) == 0;
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
  const mode_t mask = ::umask(0);
  ::umask(mask);
  const Result<std::string> temporary = write_beside(path, bytes, 0666 & ~mask);
  if (!temporary) return tl::unexpected(temporary.error());
  if (::rename(temporary->c_str(), path.c_str()) == 0) return {};
  const auto error = fail_with_errno("write " + path);
  ::unlink(temporary->c_str());
  return error;
}

Result<void> create_secret_file(const std::string& path, std::string line, std::string_view if_it_exists) {
  const Result<std::string> temporary = write_beside(path, view(line), 0600);
  sodium_memzero(line.data(), line.size());
  if (!temporary) return tl::unexpected(temporary.error());
  const bool placed = rename_without_replacing(*temporary, path);
  if (placed && sync_folder_of(path)) return {};
  const bool exists = !placed && errno == EEXIST;
  auto error = fail_with_errno("write " + path);
  ::unlink((placed ? path : *temporary).c_str());
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
