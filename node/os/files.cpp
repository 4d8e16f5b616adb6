#include "node/os/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
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
    if (!write_all(STDOUT_FILENO, bytes))
      return fail_with_errno(
          "write to "
          "standard output");
    return {};
  }
  std::string temporary = path + ".XXXXXX";
  Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!file) return fail_with_errno("create " + path);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  const bool written = write_all(file.get(), bytes) && ::fchmod(file.get(), 0666 & ~mask) == 0 &&
                       ::fsync(file.get()) == 0 && ::rename(temporary.c_str(), path.c_str()) == 0;
  if (written) return {};
  const auto error = fail_with_errno("write " + path);
  ::unlink(temporary.c_str());
  return error;
}

namespace {

Result<void> write_key(const std::string& path, const Rng::Seed& seed) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file && errno == EEXIST) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} exists already: use it without --new-key", path));
  }
  if (!file) return fail_with_errno("create " + path);
  const std::string line = to_hex(seed) + "\n";
  if (!write_all(file.get(), view(line)) || ::fsync(file.get()) != 0) return fail_with_errno("write " + path);
  return {};
}

}  // namespace

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
  if (Result<void> written = write_key(path, seed); !written)
    return tl::unexpected(std::move(written.error()));
  return seed;
}

}  // namespace shoal
