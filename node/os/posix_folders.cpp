#include "node/os/posix_folders.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "node/os/file_stat.h"
#include "node/os/posix_folder.h"

namespace shoal {
namespace {

// The lock is of the directory itself, however it is reached; the system drops that of a process that dies.
Result<void> lock(int directory, const std::string& root) {
  if (::flock(directory, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno == EWOULDBLOCK) {
    return fail(
        ErrorCode::kBusy,
        fmt::format("{} is a folder of another node of this machine, or of another group of this node: "
                    "one node at a time can sync a directory. Stop that node, or take another directory",
                    root));
  }
  return {};  // a file system without locks (NFS locks files only)
}

// Walks by descriptors: links and paths that change meanwhile do not mislead it.
Result<void> check_ancestors(int directory, const std::string& root) {
  Descriptor above;
  struct stat before {};
  struct stat now {};
  for (int at = directory; ::fstat(at, &now) == 0; at = above.get()) {
    if (at != directory && now.st_dev == before.st_dev && now.st_ino == before.st_ino) return {};  // "/"
    if (is_node_data(at)) {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("{} is, or lies in, a directory in which a node keeps its keys and its database: "
                      "take a directory outside",
                      root));
    }
    before = now;
    above = Descriptor(::openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!above) return {};
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<Folder>> PosixFolders::open(const Id& group, const std::string& root) {
  Result<Beneath> beneath = Beneath::open(root);
  if (!beneath) return tl::unexpected(std::move(beneath.error()));
  if (Result<void> allowed = check_ancestors(beneath->root(), root); !allowed)
    return tl::unexpected(std::move(allowed.error()));
  if (Result<void> locked = lock(beneath->root(), root); !locked)
    return tl::unexpected(std::move(locked.error()));
  return std::make_shared<PosixFolder>(watches_, group, std::move(*beneath), root);
}

}  // namespace shoal
