// Opening beneath a directory: no path leads out of it, over a link or across a mount point, whatever others
// do to the tree meanwhile (openat2(2), Linux 5.6).
#pragma once

#include <string>
#include <utility>

#include "node/base/result.h"
#include "node/os/socket.h"

namespace shoal {

// The parent of what a path names, opened as a place only (O_PATH), and the last component.
struct Place {
  Descriptor parent;
  std::string name;
};

// Does the path lead to this open file or directory?
bool lies_at(int fd, const std::string& path);

class Beneath {
 public:
  // An absolute path to a directory. Errors as Folders::open; kIo too where the kernel lacks openat2.
  static Result<Beneath> open(const std::string& root);

  // The root, open for reading.
  int root() const { return root_.get(); }
  // Does its path still lead to it? It may have moved, or something may be mounted over it.
  bool is_in_place() const { return lies_at(root_.get(), path_); }
  // `doing` is for the message: "cannot DOING PATH: REASON". Links are never followed, so that one at the end
  // is an error unless `flags` has O_PATH. Paths may be longer than the kernel takes at once (4,095 bytes).
  Result<Descriptor> open(const std::string& path, int flags, const char* doing, unsigned mode = 0) const;
  // Of anything but the root.
  Result<Place> place(const std::string& path, const char* doing) const;
  // Opens a regular file for good; never anything else, for whose opening a pipe or a device would act.
  Result<Descriptor> open_file(const std::string& path, int flags) const;

 private:
  Beneath(Descriptor root, std::string path) : root_(std::move(root)), path_(std::move(path)) {}

  Descriptor root_;
  std::string path_;
};

// What an open descriptor, of O_PATH too, is called for system calls that take only names.
std::string proc_path(int fd);
// "cannot DOING PATH: TEXT OF ERRNO", with the code that port/folder.h gives to it.
tl::unexpected<Error> fail_at(const char* doing, const std::string& path, int error_number);
tl::unexpected<Error> fail_for(const char* doing, const std::string& path, const char* reason);

}  // namespace shoal
