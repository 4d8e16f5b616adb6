// Scanner: finds out what a person has done in a folder.
//
//   idle ──(a directory is due)──► listing ──► hashing ──► idle
//            scan_started                        scan_complete, or scan_aborted
//
// A scan lists the directories that are due, compares them with the DiskState, tells what has moved from what
// is new, and has new and touched files hashed. What has vanished counts as deleted only when it is still
// missing a moment later, since the two halves of a move are not seen at once. Each scan_started is followed
// by exactly one scan_complete or scan_aborted.
//
// What is the same, and what is not:
// - A file or directory has moved when its inode, birth time and kind are found elsewhere, and of a file size
//   and mtime too. A file is hashed afterwards, since those may hide an edit; where the file system tells no
//   birth times it is hashed before, and has moved only if the content is equal.
// - A directory whose name holds another inode is the same entry: it was made again, or the folder was
// copied.
//   But where the scan finds its inode elsewhere, or there that of another directory, they have moved.
// - A file whose name holds another inode is an edit. A name that a file left a moment ago, and that holds a
//   file again, is one too: editors save so.
// - What lies under a mount, or under a device, is as it was: nobody can see it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "node/sync/comparison.h"
#include "node/sync/folder_context.h"

namespace shoal::sync {

// One thing that a person has done.
struct Finding {
  enum class Kind : std::uint8_t {
    kCreated,
    kEdited,  // or only looked at anew: the content may be what it was
    kMode,    // or the inode of a directory or link
    kMoved,   // parent and name are where it is now
    kDeleted,
  };
  Kind kind = Kind::kCreated;
  NodeId id;                       // all but kCreated
  std::optional<NodeId> replaces;  // kCreated, kMoved: what was known there, and is not there
  FileStat known;                  // kEdited: as it was known when it was looked at
  NodeId parent;
  std::string name;
  Content content;
  FileStat stat;
  std::vector<PartRef> parts;  // of a file of more than one
  bool rehash = false;
  // kCreated: the file that left this name a moment ago. It takes its name back, and this is an edit of it.
  struct Returning {
    NodeId id;
    Dot content;                // that it had when it left
    bool leaves_backup = true;  // the old file is still where it went
  };
  std::optional<Returning> returning;
};

struct ScanTrouble {
  std::string cause;  // "unsyncable", "mounted_over", "changing", "io_error", "node_data"
  std::string message;
};

class ScannerListener {
 public:
  virtual ~ScannerListener() = default;
  virtual void on_scan_started() = 0;
  virtual void on_scan_complete() = 0;
  // `reason`: "path_missing", "io_error", "stopped".
  virtual void on_scan_aborted(const std::string& reason) = 0;
  virtual void on_finding(Finding finding) = 0;
  virtual void on_listed(const NodeId& directory) = 0;
  // Nothing: it has gone.
  virtual void on_scan_trouble(const std::string& path, const std::optional<ScanTrouble>& trouble) = 0;
};

class Scanner {
 public:
  Scanner(FolderContext& context, ScannerListener& listener) : context_(context), listener_(listener) {}

  // The whole folder; what is due already, too.
  void start() { rescan(kRoot, true, context_.now()); }
  // A directory that is known, and with `recursive` all below it, once `when` has come.
  void rescan(const NodeId& directory, bool recursive, Instant when);
  // What is under way ends without a result, and nothing is due any longer.
  void abort(const std::string& reason);

  // Begins what is due, unless `may_begin` is false.
  void advance(bool may_begin);
  void on_work(ListWork& work);
  void on_work(StretchWork& work);
  void on_work(HashWork& work);
  // No earlier does advance() have anything to do; kNever: nothing is due.
  Instant next() const;

  bool is_scanning() const { return phase_ != Phase::kIdle; }
  // While it is, nobody else may change the folder.
  bool is_listing() const { return phase_ == Phase::kListing; }
  // It waits for something missing to be told as deleted.
  bool misses_anything() const { return !missing_.empty(); }
  bool is_watched() const { return !unwatched_; }
  std::size_t hashing() const { return to_hash_.size() + stretches_.size() + hashes_under_way_; }

  // A file that was written more recently than this may be written again without its stat telling.
  static constexpr Duration kYoung = std::chrono::seconds(2);
  // A name that a file has left is its own for so long.
  static constexpr Duration kReturnWindow = std::chrono::seconds(10);
  // A file of two such stretches, or more, is hashed by several cores.
  static constexpr std::uint64_t kStretchBytes = 32 << 20;

 private:
  enum class Phase : std::uint8_t { kIdle, kListing, kHashing };
  struct Due {
    Instant when = kNever;
    bool recursive = false;
  };
  struct New {
    NodeId parent;
    std::string name;
    FileStat stat;
  };

  // A name that a file has left.
  struct Left {
    NodeId id;
    Dot content;
    Instant until;
  };

  void begin();
  void list_queued();
  void take_listing(ListWork::Directory& directory);
  void find_node_data(const ListWork::Directory& directory);
  void take_failure(const ListWork::Directory& directory);
  bool is_as_known(const ListWork::Directory& directory);
  void take_children(const ListWork::Directory& directory);
  void take_difference(Difference difference, const NodeId& directory);
  void take_covered(const Difference& difference, const NodeId& directory);
  void tell_unsyncable(const NodeId& directory, const std::string& name, ScanTrouble trouble);
  void tell(Finding finding);
  void tell_mode(const NodeId& id, FileStat stat);
  void sort_out();
  bool look_where_it_was(const New& found);
  void sort_remade();
  bool is_vanished(const NodeId& id) const;
  const Left* left_at(const NodeId& parent, const std::string& name) const;
  bool take_return(const New& found);
  bool take_move(const New& found);
  void tell_move(const NodeId& id, const New& found, bool rehash);
  void take_vanished();
  void take_new(const New& found);
  std::optional<NodeId> known_at(const New& found) const;
  HashWork::File file_at(const New& found) const;
  void queue_hash(HashWork::File file, std::uint64_t bytes);
  void queue_stretches(HashWork::File file, std::uint64_t bytes);
  void hash_queued();
  void submit_hash(std::unique_ptr<FolderWork> work);
  bool has_ended(const FolderWork& work);
  void take_hash(HashWork::File& file);
  void take_hash_trouble(const HashWork::File& file);
  void take_back(Finding& finding);
  bool is_young(const FileStat& stat) const;
  bool must_rehash(const FileStat& stat, const FileStat& known) const;
  void end_doubt();
  void end_if_done();
  std::string path_of(const NodeId& parent, const std::string& name) const;

  FolderContext& context_;
  ScannerListener& listener_;
  Phase phase_ = Phase::kIdle;
  std::map<NodeId, Due> due_;
  std::set<NodeId> queued_;                                // to be listed in this scan
  std::set<NodeId> listed_;                                // in this scan
  std::set<NodeId> recursive_;                             // of this scan's: all below them, too
  std::map<NodeId, std::vector<std::string>> unsyncable_;  // paths that were told of, by directory
  std::size_t lists_under_way_ = 0;
  std::set<NodeId> vanished_;  // in this scan
  std::vector<New> new_;
  std::map<NodeId, New> remade_;    // known directories, and what their names hold now
  std::set<NodeId> remade_before_;  // in the scan before
  std::map<NodeId, FileStat> touched_;
  std::map<NodeId, Instant> missing_;  // since when; not yet told as deleted
  Instant last_missed_{};              // the last of them
  std::map<std::pair<NodeId, std::string>, Left> left_;
  std::size_t doubtful_ = 0;   // files that are hashed to know whether they have moved
  std::vector<Finding> held_;  // until that is known
  struct ToHash {
    HashWork::File file;
    std::uint64_t bytes;
  };
  std::deque<ToHash> to_hash_;
  struct Stretched {
    HashWork::File file;
    std::size_t missing;  // stretches
  };
  std::map<std::uint64_t, Stretched> stretched_;
  std::uint64_t files_stretched_ = 0;
  std::deque<std::unique_ptr<StretchWork>> stretches_;  // to be hashed
  std::size_t hashes_under_way_ = 0;
  std::uint64_t epoch_ = 0;  // of the scan; work of earlier ones comes too late
  std::map<std::uint64_t, std::uint64_t> work_epoch_;
  bool unwatched_ = false;
};

}  // namespace shoal::sync
