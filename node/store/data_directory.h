// DataDirectory: the folder in which one node keeps its state, and the lock that keeps a second node out.
#pragma once

#include <filesystem>
#include <string>

#include "node/base/result.h"

namespace shoal {

// Creates the directory where it is missing: 0700, parents as the umask says; root gives it to the owner of
// the directory around it. Marks it with kNodeDataMarker (ports/folder.h), so that no folder takes it in.
// Error kIo.
Result<void> create_private_directory(const std::filesystem::path& wanted);

// A descriptor of the directory, which the caller closes; negative, with errno set, when there is none. A
// link in a directory of another user than root and the caller is not followed: it could lead root anywhere.
int open_directory(const std::filesystem::path& path);

// Commands of root work on the data directories of other users: what root made there (a descriptor) goes to
// the owner of `directory` (another), whose node must be able to use it. For other callers nothing happens.
void give_to_owner_of(int directory, int made);

// For the message that a path cannot be used: "; it belongs to user root: as root, chown …", or nothing when
// the caller is its owner.
std::string strange_owner_hint(const std::filesystem::path& path);

class DataDirectory {
 public:
  // Creates the directory where it is missing (0700, parents as the umask says) and holds its lock as long as
  // this object lives; the system drops the lock of a process that dies. Errors: kBusy, another node runs
  // there; kInvalidArgument, it belongs to another user, others may write there, or its lock file is a link;
  // kIo.
  static Result<DataDirectory> open(const std::filesystem::path& path);

  DataDirectory(DataDirectory&& other) noexcept;
  DataDirectory& operator=(DataDirectory&& other) noexcept;
  ~DataDirectory();

  const std::filesystem::path& path() const { return path_; }

 private:
  DataDirectory(std::filesystem::path path, int lock_fd) : path_(std::move(path)), lock_fd_(lock_fd) {}

  std::filesystem::path path_;
  int lock_fd_ = -1;
};

}  // namespace shoal
