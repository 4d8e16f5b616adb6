// Folder: the files below one directory of the host, as the sync core may use them. Paths are relative to
// that root, components joined by '/', "" the root itself; nothing outside the root is ever opened, no link
// is followed and no mount point crossed, whatever happens to the directory meanwhile. Calls block, and come
// from threads of the WorkPool, several at a time. One implementation on POSIX, one in memory with faults.
//
// Errors: kNotFound (no such file or directory), kExists, kIo (with the system's reason), kStoreFull (no
// space, or over quota), kInvalidArgument (a path that leaves the root, a link or a file on the
// way, a mount point, a listing of kNodeData, not of the kind that the call is for, a directory to be removed
// that is not empty).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "node/base/bytes.h"
#include "node/base/id.h"
#include "node/base/result.h"

namespace shoal {

// kOther: pipes, sockets, devices, and mount points of any kind; they are seen, and nothing more.
// kNodeData: a directory in which a node keeps its keys and its database; it is seen, and nothing more.
enum class FileKind : std::uint8_t { kFile, kDirectory, kLink, kOther, kNodeData };

// The file that marks a directory as kNodeData.
inline constexpr const char* kNodeDataMarker = ".shoal-node";

struct FileStat {
  FileKind kind = FileKind::kOther;
  std::uint32_t mode = 0;  // permission bits, 0777
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;  // since the Unix epoch
  std::int64_t ctime_ns = 0;
  std::uint64_t inode = 0;
  std::string link_target;  // of links
  friend bool operator==(const FileStat&, const FileStat&) = default;
};

struct DirectoryEntry {
  std::string name;
  FileStat stat;
};

// One open file; the destructor closes it.
class FolderFile {
 public:
  virtual ~FolderFile() = default;
  virtual Result<FileStat> stat() const = 0;
  // Fewer bytes than asked for only at the end of the file.
  virtual Result<std::size_t> read(std::uint64_t offset, MutableByteView out) = 0;
  virtual Result<void> write(std::uint64_t offset, ByteView bytes) = 0;
  // Shares the blocks where the file system can (reflink), else copies. Both are open files of one Folder;
  // the ranges do not overlap. kInvalidArgument: `from` ends before the bytes do; some may be copied.
  virtual Result<void> copy(FolderFile& from, std::uint64_t from_offset, std::uint64_t offset,
                            std::uint64_t bytes) = 0;
  // What was written is on the disk.
  virtual Result<void> sync() = 0;
};

// ---- Changes; each is one step that happens or does not.

struct MakeDirectory {
  std::string path;
  std::uint32_t mode = 0777;  // of it, what the process's umask allows
};
struct MakeLink {
  std::string path;
  std::string target;
};
// Within the folder; both parents exist. kNoReplace: kExists when `to` is there. kExchange: both are there,
// and change places. kInvalidArgument: a directory into itself.
struct Rename {
  enum class Mode : std::uint8_t { kNoReplace, kExchange };
  std::string from;
  std::string to;
  Mode mode = Mode::kNoReplace;
};
// A file, a link, or an empty directory.
struct Remove {
  std::string path;
};
// Of a file or directory (its mode, at most 0777), of a file or link (its time). The mode is set first.
struct SetMetadata {
  std::string path;
  std::optional<std::uint32_t> mode;
  std::optional<std::int64_t> mtime_ns;
};
// A file has this size: it is cut, or extended by a hole, which reads as zeros and takes no room.
struct SetSize {
  std::string path;
  std::uint64_t bytes = 0;
};
// The names in the directory are on the disk.
struct SyncDirectory {
  std::string path;
};
// Everything that was written in this folder is on the disk: cheaper than FolderFile::sync for many files.
struct SyncAll {};

using FolderChange =
    std::variant<MakeDirectory, MakeLink, Rename, Remove, SetMetadata, SetSize, SyncDirectory, SyncAll>;

enum class OpenMode : std::uint8_t {
  kRead,    // an existing file
  kCreate,  // a new file, readable and writable, mode 0600; kExists
  kWrite,   // an existing file, readable and writable
};

// kWatched: from before the listing on, FolderEvents tell when something in this very directory changes.
enum class ListMode : std::uint8_t { kOnce, kWatched };

// Of the disk with the folder. A quota is not seen in it.
struct DiskSpace {
  std::uint64_t free_bytes = 0;  // that this process may still write
  std::uint64_t total_bytes = 0;
};

class Folder {
 public:
  virtual ~Folder() = default;
  // In the order of names (bytes), without "." and "..". kStoreFull: it is listed, but the host has no
  // watches left, so list it with kOnce. A watched directory that has moved is told of by its old path until
  // it is listed by its new one; a path that is listed, kWatched, and not found, is watched no longer.
  virtual Result<std::vector<DirectoryEntry>> list(const std::string& path, ListMode mode) = 0;
  virtual Result<FileStat> stat(const std::string& path) = 0;
  virtual Result<std::unique_ptr<FolderFile>> open(const std::string& path, OpenMode mode) = 0;
  virtual Result<void> change(const FolderChange& change) = 0;
  virtual Result<DiskSpace> space() = 0;
};

// Something may have changed, told as PortEvents::on_folder_event: a hint only.
struct FolderEvent {
  enum class Kind : std::uint8_t {
    kChanged,   // in the directory `path`: names, or the bytes or metadata of something in it
    kOverflow,  // events were lost: anything may have changed
    kGone,      // the root was removed, moved or unmounted (not told when a directory above it was moved)
  };
  Id group;
  Kind kind = Kind::kChanged;
  std::string path;
};

// The file systems of a host.
class Folders {
 public:
  virtual ~Folders() = default;
  // `root`: an absolute path to a directory that is there. The directory is locked until the folder is
  // destroyed, against all nodes of the machine. kNotFound, kBusy (it is locked), kInvalidArgument (no
  // directory, or it is or lies in kNodeData), kIo.
  // The folder must be destroyed before the host. One folder at a time for a group; its events begin with the
  // first listing that is kWatched, and end with it. From the loop's thread.
  virtual Result<std::shared_ptr<Folder>> open(const Id& group, const std::string& root) = 0;
};

}  // namespace shoal
