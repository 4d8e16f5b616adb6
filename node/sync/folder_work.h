// What a folder has done off the loop, by the WorkPool: listing, hashing, reading for others, staging what
// was fetched, and putting it in its place. Each piece takes its orders and leaves its results in itself.
//
// Putting in place (sync_checklist, "Applying a file"): everything is written beside the target in
// .shoal/staging, on disk before it is renamed, and what it displaces goes to the trash after it was checked
// to be what we meant to displace. So at any instant a path holds its old or its new content.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "node/base/result.h"
#include "node/ports/folder.h"
#include "node/ports/work_pool.h"
#include "node/sync/content_tree.h"
#include "node/sync/disk_state.h"
#include "node/sync/entry.h"
#include "node/sync/opened_directories.h"
#include "node/sync/trash_clock.h"

namespace shoal::sync {

inline const std::string kStagingDirectory = std::string(kPrivateDirectory) + "/staging";
inline const std::string kPartsPrefix = kStagingDirectory + "/parts-";
inline const std::string kTrashDirectory = std::string(kPrivateDirectory) + "/trash";
inline const std::string kTrashClockFile = kTrashDirectory + "/clock";
inline constexpr std::string_view kDisplacedName =
    "displaced-";  // begins the name of what a step has displaced
inline const std::string kMarkFile = kStagingDirectory + "/mark";
inline const std::string kLocalIgnoreFile = std::string(kPrivateDirectory) + "/ignore";
inline constexpr std::string_view kSharedIgnoreFile = ".shoalignore";
inline constexpr std::size_t kIgnoreBytesMax = 1 << 20;

class FolderWork : public Work {
 public:
  enum class Kind : std::uint8_t {
    kSetUp,
    kList,
    kHash,
    kStretch,
    kRead,
    kStage,
    kInstall,
    kTrash,
    kTrashSearch,
    kMark,
    kLook,
    kSpace,
    kVerify,
  };
  FolderWork(Kind kind, std::shared_ptr<Folder> folder) : kind_(kind), folder_(std::move(folder)) {}
  Kind kind() const { return kind_; }

 protected:
  Folder& folder() const { return *folder_; }

 private:
  Kind kind_;
  std::shared_ptr<Folder> folder_;
};

// Makes the folder's own directory, takes care of what an unclean end has left in staging, and reads the
// ignore lists. What was displaced and not yet put into the trash is put there.
class SetUpWork final : public FolderWork {
 public:
  // `may_make`: the folder is new here. Otherwise the directory must be there: without it this is not the
  // folder, but perhaps the empty mount point of its disk.
  SetUpWork(std::shared_ptr<Folder> folder, bool may_make)
      : FolderWork(Kind::kSetUp, std::move(folder)), may_make_(may_make) {}
  void run() override;

  // The folder begins: what is found displaced goes to the trash under this date. Nothing: only the ignore
  // lists are read again.
  std::optional<WallTime> began;
  Result<void> outcome;  // kNotFound: the folder's own directory is not there
  // Of a folder that begins: what the trash says of its clock.
  std::optional<TrashClock::Saved> trash_clock;
  std::int64_t trash_lived_ms = 0;  // of the newest in it
  std::string shared_ignore;
  std::string local_ignore;
  std::uint64_t mark = 0;           // the last that was written; 0: none
  std::vector<std::string> staged;  // of a folder that begins: files of parts in staging

 private:
  Result<void> make();
  void read_trash();
  Result<void> clean_staging();
  std::string read_list(const std::string& path);

  bool may_make_;
};

// Leaves a number in the folder that its index has as well, a new one with each change of this host. An index
// that has another is not the one that was written last: it was restored from a copy.
class MarkWork final : public FolderWork {
 public:
  MarkWork(std::shared_ptr<Folder> folder, std::uint64_t mark, bool flush)
      : FolderWork(Kind::kMark, std::move(folder)), mark_(mark), flush_(flush) {}
  void run() override;

 private:
  Result<std::unique_ptr<FolderFile>> open(bool& is_new);
  Result<void> write();

  std::uint64_t mark_;
  bool flush_;
};

// Lists directories, watching them unless the host has no watches left.
class ListWork final : public FolderWork {
 public:
  struct Directory {
    NodeId id;
    std::string path;
    Result<std::vector<DirectoryEntry>> entries = std::vector<DirectoryEntry>{};
    FileStat stat;  // of the directory, when it could be listed
  };

  explicit ListWork(std::shared_ptr<Folder> folder) : FolderWork(Kind::kList, std::move(folder)) {}
  void run() override;

  std::vector<Directory> directories;
  bool unwatched = false;  // some of them

 private:
  void list(Directory& directory);
};

// Cuts and hashes a stretch of a large file, so that several cores share it.
class StretchWork final : public FolderWork {
 public:
  // From `begin` up to the first cut at `end` or behind it.
  StretchWork(std::shared_ptr<Folder> folder, std::string path, std::uint64_t begin, std::uint64_t end)
      : FolderWork(Kind::kStretch, std::move(folder)), begin_(begin), end_(end), path_(std::move(path)) {}
  void run() override;

  std::uint64_t file = 0;  // for whoever ordered it
  std::size_t index = 0;   // of the stretch in its file
  struct Found {
    Stretch stretch;
    FileStat stat;  // of the file
  };
  Result<Found> found = Found{};  // kBusy: it was written to while it was read

 private:
  Result<Found> hash();

  std::uint64_t begin_;
  std::uint64_t end_;
  std::string path_;
};

// Names the contents of files.
class HashWork final : public FolderWork {
 public:
  struct File {
    std::optional<NodeId> id;        // of what is known there
    std::optional<NodeId> replaces;  // of what was known there, and is not it
    std::optional<NodeId> moved;     // of what has moved there, if the content is the same
    NodeId parent;
    std::string name;
    std::string path;
    FileStat known;                             // as it was known
    std::vector<StretchWork::Found> stretches;  // all that the file has, or none: then it is read as a whole
    // kBusy: it was written to while it was read.
    Result<FileStat> stat = FileStat{};
    ContentName content;
    std::vector<PartRef> parts;  // of files deeper than one part
  };

  explicit HashWork(std::shared_ptr<Folder> folder) : FolderWork(Kind::kHash, std::move(folder)) {}
  void run() override;

  std::vector<File> files;
};

// Counts how many of some paths are there.
class LookWork final : public FolderWork {
 public:
  explicit LookWork(std::shared_ptr<Folder> folder) : FolderWork(Kind::kLook, std::move(folder)) {}
  void run() override;

  std::vector<std::string> paths;
  std::size_t there = 0;
};

// Reads ranges of files that must be as they are known. For a peer: whoever asked is in `request`.
class ReadWork final : public FolderWork {
 public:
  struct Range {
    std::string path;  // empty: we do not have it
    FileStat expected;
    std::uint64_t offset = 0;
    std::uint32_t bytes = 0;
    Bytes found;  // empty: it is not there any longer
  };

  explicit ReadWork(std::shared_ptr<Folder> folder) : FolderWork(Kind::kRead, std::move(folder)) {}
  void run() override;

  std::vector<Range> ranges;
};

// Writes verified parts of a file into its staging file, which it makes when it is not there.
class StageWork final : public FolderWork {
 public:
  struct Part {
    enum class Source : std::uint8_t { kBytes, kStaged, kFile };
    std::uint64_t offset = 0;  // in the file
    std::uint32_t bytes = 0;
    Id hash;
    Source source = Source::kBytes;
    Bytes data;        // kBytes
    std::string from;  // kFile
    std::uint64_t from_offset = 0;
    std::uint32_t index = 0;  // for whoever ordered it
    bool good = false;
  };

  explicit StageWork(std::shared_ptr<Folder> folder) : FolderWork(Kind::kStage, std::move(folder)) {}
  void run() override;

  std::uint64_t file = 0;  // for whoever ordered it
  std::string staged;
  std::uint64_t file_bytes = 0;  // the size that the staging file gets
  std::vector<Part> parts;
  Result<void> outcome;
  bool existed = false;     // the staging file was there before
  bool is_damaged = false;  // some part of kBytes has another hash than it should

 private:
  Result<std::unique_ptr<FolderFile>> open_staged();
  Result<std::unique_ptr<FolderFile>> find_or_make_staged();
  void check_copy(FolderFile& target, Part& part);
  Result<void> copy(FolderFile& target, const Part& part);
  Result<void> write_around_holes(FolderFile& target, std::uint64_t offset, ByteView bytes);
  bool is_zero_in(FolderFile& target, std::uint64_t offset, std::size_t bytes);

  std::unique_ptr<FolderFile> source_;  // that was read from last
  std::string source_path_;
  Bytes buffer_;
  Bytes zeros_read_;
};

// Removes files from staging that nobody needs, and says how much room the disk has then.
class SpaceWork final : public FolderWork {
 public:
  explicit SpaceWork(std::shared_ptr<Folder> folder) : FolderWork(Kind::kSpace, std::move(folder)) {}
  void run() override;

  std::vector<std::string> unneeded;
  Result<DiskSpace> space = DiskSpace{};
};

struct InstallStep {
  enum class Kind : std::uint8_t {
    kMakeDirectory,
    kPlaceFile,
    kPlaceLink,
    kMove,
    kExchange,  // with `displaced`, which gets the place at `from`
    kRemove,
    kSetMetadata,
  };
  enum class Outcome : std::uint8_t {
    kDone,
    kChanged,  // somebody was there meanwhile: what lies there is to be looked at first
    kFailed,   // `error` says why
  };
  Kind kind = Kind::kMakeDirectory;
  NodeId id;
  NodeId parent;       // after it
  std::string name;    // after it
  std::string path;    // the place that is made, written, emptied, or moved to
  std::string from;    // kMove, kExchange
  std::string staged;  // kPlaceFile: the file in staging; empty: `bytes` are all of it
  Bytes bytes;
  Content content;
  Dot content_dot;
  std::uint32_t mode = 0;
  // What we know to lie at `path` (kMove, kExchange: at `from`), and will displace; nothing: the place is
  // free.
  std::optional<FileStat> expected;
  std::optional<NodeId> displaced;  // the other entry that loses its place by kPlaceFile or kExchange
  std::string trash;                // where the displaced goes, ends with `path`; empty: it is removed
  // kRemove: the file that has the same content under another entry, and without which nothing is removed.
  std::string kept_at;
  FileStat kept;
  // Results
  Outcome outcome = Outcome::kFailed;
  Error error;
  FileStat stat;                     // of what is at `path` now
  std::vector<DirectoryEntry> left;  // kRemove of a directory that is not empty: what is in it
};

// Carries out steps, in their order, with one flush of the disk for all.
class InstallWork final : public FolderWork {
 public:
  InstallWork(std::shared_ptr<Folder> folder, bool flush)
      : FolderWork(Kind::kInstall, std::move(folder)), flush_(flush) {}
  void run() override;

  std::vector<InstallStep> steps;

 private:
  Result<void> make_way_to_trash(const InstallStep& step);
  Result<void> remove_directory(const InstallStep& step, const FileStat& now);
  bool stage(InstallStep& step);
  Result<void> look_at_staged(InstallStep& step);
  void carry_out(InstallStep& step);
  void open_directories(const InstallStep& step);
  void flush_names(const std::vector<InstallStep*>& carried_out);
  void place(InstallStep& step);
  void place_link(InstallStep& step);
  void remove(InstallStep& step);
  void move(InstallStep& step);
  void set_aside(const InstallStep& step, const std::string& displaced);
  void finish(InstallStep& step, const std::optional<FileStat>& put = std::nullopt);
  static void failed(InstallStep& step, const Error& error);

  bool flush_;
  std::optional<OpenedDirectories> opened_;  // while it runs
};

// The content of a file, and its parts when it has more than one. Error kBusy: it was written to meanwhile.
struct NamedContent {
  ContentName content;
  std::vector<PartRef> parts;
};
Result<NamedContent> name_content(Folder& folder, const std::string& path);
// The parts of the file from `begin` on, the last of which ends at `end`, behind it, or with the file.
Result<std::vector<PartRef>> cut_parts(FolderFile& file, std::uint64_t begin, std::uint64_t end,
                                       std::uint64_t file_bytes);
// Makes a directory, and those above it; one that is there is good. Our own have mode 0700.
Result<void> make_directories(Folder& folder, const std::string& path, std::uint32_t mode = 0700);
// Makes one directory with the mode of another, as far as the owner can still write in it; one that is there
// is good.
Result<void> make_like(Folder& folder, const std::string& path, const std::string& model);
// The same file with the same bytes, as far as its stat tells. A rename changes ctime, so ctime is not
// compared.
bool same_file(const FileStat& a, const FileStat& b);

}  // namespace shoal::sync
