// DataDirectory: the folder in which one node keeps its state, and the lock that keeps a second node out.
#pragma once

#include <filesystem>

#include "node/base/result.h"

namespace shoal {

// Creates the directory where it is missing: 0700, parents as the umask says. Marks it with kNodeDataMarker
// (ports/folder.h), so that no folder takes it in. Error kIo.
Result<void> create_private_directory(const std::filesystem::path& wanted);

class DataDirectory {
 public:
  // Creates the directory where it is missing (0700, parents as the umask says) and holds its lock as long as
  // this object lives; the system drops the lock of a process that dies. Errors: kBusy, another node runs
  // there; kIo.
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
