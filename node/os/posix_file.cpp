#include "node/os/posix_file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "node/os/beneath.h"
#include "node/os/file_stat.h"

namespace shoal {

Result<FileStat> PosixFile::stat() const {
  return stat_of(file_.get(), path_);
}

Result<std::size_t> PosixFile::read(std::uint64_t offset, MutableByteView out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t n =
        ::pread(file_.get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_at("read", path_, errno);
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

Result<void> PosixFile::write(std::uint64_t offset, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_at("write", path_, errno);
    offset += static_cast<std::uint64_t>(n);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

// Whole blocks only, and only where the file system can: whatever it answers, copying is right too.
bool PosixFile::share_blocks(const PosixFile& from, std::uint64_t from_offset, std::uint64_t offset,
                             std::uint64_t bytes) {
  file_clone_range range{};
  range.src_fd = from.file_.get();
  range.src_offset = from_offset;
  range.src_length = bytes;
  range.dest_offset = offset;
  return ::ioctl(file_.get(), FICLONERANGE, &range) == 0;
}

Result<void> PosixFile::copy(FolderFile& from, std::uint64_t from_offset, std::uint64_t offset,
                             std::uint64_t bytes) {
  auto& source = static_cast<PosixFile&>(from);
  if (bytes == 0) return {};  // a length of 0 would share all up to the end
  if (share_blocks(source, from_offset, offset, bytes)) return {};
  while (bytes > 0) {
    auto in = static_cast<off_t>(from_offset);
    auto out = static_cast<off_t>(offset);
    const ssize_t n = ::copy_file_range(source.file_.get(), &in, file_.get(), &out, bytes, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO)) return fail_at("write", path_, errno);
    // Some file systems cannot do it, and some say so by nothing copied: reading tells that from an end.
    if (n <= 0) return copy_by_hand(source, from_offset, offset, bytes);
    from_offset += static_cast<std::uint64_t>(n);
    offset += static_cast<std::uint64_t>(n);
    bytes -= static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<void> PosixFile::copy_by_hand(PosixFile& from, std::uint64_t from_offset, std::uint64_t offset,
                                     std::uint64_t bytes) {
  Bytes buffer(std::min<std::uint64_t>(bytes, 256 * 1024));
  while (bytes > 0) {
    const MutableByteView part(buffer.data(), std::min<std::uint64_t>(bytes, buffer.size()));
    const Result<std::size_t> n = from.read(from_offset, part);
    if (!n) return tl::unexpected(n.error());
    if (*n == 0) return fail_for("copy", from.path_, "it ends before the bytes to copy");
    if (Result<void> written = write(offset, part.first(*n)); !written) return written;
    from_offset += *n;
    offset += *n;
    bytes -= *n;
  }
  return {};
}

Result<void> PosixFile::sync() {
  if (::fsync(file_.get()) != 0) return fail_at("sync", path_, errno);
  return {};
}

}  // namespace shoal
