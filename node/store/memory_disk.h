// MemoryDisk: a file system in memory, for simulated hosts and tests. It stands for the disk, so it survives
// the host; deterministic, of one thread. Folders on it: MemoryFolders.
//
// What a crash may do, chosen by an Rng:
// - A file that was not synced has, in each 4 KiB block, its old or its new bytes (nothing there: zeros), and
//   its old or its new size. If a block is new, then so are mode and times; else they may be either. All old
//   and all new are drawn as often as a mixture.
// - Steps in directories (make, remove, rename) each happened or did not; a rename never half. kJournal:
// those
//   that happened are the first ones, as with ext4, XFS and Btrfs. kAny: any that could have happened without
//   the lost ones; but a directory is not removed before what was in it, and nothing is moved into a
//   directory that is lost.
// - Syncing a file keeps its bytes and metadata, not its name. Syncing a directory keeps its names, with what
//   they need (a rename: all earlier steps), not the name of the directory itself.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "node/base/bytes.h"
#include "node/base/result.h"
#include "node/base/rng.h"
#include "node/ports/folder.h"

namespace shoal {

class MemoryDisk {
 public:
  using Inode = std::uint64_t;
  enum class CrashOrder : std::uint8_t { kJournal, kAny };
  static constexpr std::size_t kBlockBytes = 4096;
  static constexpr Inode kRoot = 1;

  // Hears of changes, during the call that makes them.
  class Observer {
   public:
    virtual ~Observer() = default;
    // Of something in the directory.
    virtual void on_changed(Inode directory) = 0;
    // It was removed, or has another path.
    virtual void on_moved(Inode directory) = 0;
  };

  MemoryDisk();

  // What the times of changes are.
  std::int64_t now_ns = 1'700'000'000'000'000'000;
  // Takes names that are equal after case folding and NFC for one, and keeps the first: as ext4 with
  // casefold.
  bool folds_names = false;
  // The inode number of what is made next; 0: one that nothing has had.
  Inode next_number = 0;
  // Whether FileStat::birth_ns is told.
  bool has_birth_times = true;
  // Of the bytes of all files but their holes: whole blocks that were never written to.
  std::uint64_t capacity_bytes = std::numeric_limits<std::uint64_t>::max();

  // As capacity_bytes, but space() does not know of it.
  std::uint64_t quota_bytes = std::numeric_limits<std::uint64_t>::max();

  // The n-th call by a folder or file from now on fails with kIo and does nothing; 1 is the next.
  void fail_call(std::uint64_t n) { failing_call_ = calls_ + n; }
  std::uint64_t calls() const { return calls_; }
  // Runs once, before the n-th call by a folder or file from now on; 1 is the next. So a test lets a person
  // act in the middle of a work.
  void before_call(std::uint64_t n, std::function<void()> act);
  // The machine loses power. What hosts had open answers kIo from now on.
  void crash(Rng& rng, CrashOrder order);

  // ---- As a person's programs do it: not counted, never failing by fail_call. Paths from the disk's root.
  // Makes the directories on the way. An existing file is written in its place.
  Result<void> write_file(const std::string& path, ByteView bytes);
  Result<Bytes> read_file(const std::string& path) const;
  Result<void> make_directories(const std::string& path);
  Result<void> make_link(const std::string& path, const std::string& target);
  // Something that is neither file, directory nor link.
  Result<void> make_other(const std::string& path);
  // Replaces what is there, unless that is a directory (kExists).
  Result<void> rename(const std::string& from, const std::string& to);
  // The disk gives another bit from now on, of a file's bytes or a link's target, and nothing tells of it.
  Result<void> rot(const std::string& path, std::uint64_t offset);
  // With all that is in it.
  Result<void> remove_tree(const std::string& path);
  // As cp -a: other inodes with the same names, bytes, modes and times.
  Result<void> copy_tree(const std::string& from, const std::string& to);
  // Something else is mounted there: what lies there is out of reach until it is unmounted. Nobody hears of
  // it, as with the kernel.
  Result<void> mount(const std::string& path);
  Result<void> unmount(const std::string& path);
  // Nobody may list the directory (kIo), though a path may lead through it.
  Result<void> set_unreadable(const std::string& path, bool is_unreadable);
  // All that is in reach, in order.
  std::vector<std::string> paths() const;

  void observe(Observer& observer) { observers_.push_back(&observer); }
  void forget(Observer& observer) { std::erase(observers_, &observer); }

  // ---- For folders: paths from the directory `root`.
  // Counts a call.
  Result<void> begin_call(std::uint64_t boot);
  // Changes with each crash.
  std::uint64_t boot() const { return boot_; }
  // Links as themselves, and an error on the way.
  Result<Inode> find(Inode root, const std::string& path, const char* doing) const;
  FileStat stat(Inode inode) const;
  // Whether it has a name. What has none lives until the next SyncAll or crash, or as long as it is held.
  bool linked(Inode inode) const { return inode == kRoot || nodes_.at(inode).parent != 0; }
  // Against all others, until it is unlocked or a crash comes. False: it is locked.
  bool lock(Inode directory) { return locked_.insert(directory).second; }
  void unlock(Inode directory) { locked_.erase(directory); }
  // Is it, or does it lie in, a directory with kNodeDataMarker?
  bool lies_in_node_data(Inode directory) const;
  void hold(Inode inode) { ++nodes_.at(inode).held; }
  void release(Inode inode) { --nodes_.at(inode).held; }
  bool is_unreadable(Inode directory) const { return nodes_.at(directory).is_unreadable; }
  const std::map<std::string, Inode>& entries(Inode directory) const { return nodes_.at(directory).entries; }
  const Bytes& data(Inode file) const { return nodes_.at(file).data; }
  Result<Inode> create(Inode root, const std::string& path, FileKind kind, std::uint32_t mode,
                       const std::string& target, const char* doing);
  Result<void> write(Inode file, std::uint64_t offset, ByteView bytes);
  Result<void> set_size(Inode root, const SetSize& set);
  std::uint64_t allocated_bytes(Inode file) const { return room_of(nodes_.at(file)); }
  Result<void> rename(Inode root, const Rename& step);
  Result<void> remove(Inode root, const std::string& path);
  Result<void> set(Inode root, const SetMetadata& set);
  void sync_file(Inode file);
  void sync_directory(Inode directory);
  void sync_all();
  std::uint64_t free_bytes() const { return capacity_bytes - std::min(capacity_bytes, used_bytes_); }

 private:
  struct Metadata {
    std::uint32_t mode = 0;
    std::int64_t mtime_ns = 0;
    std::int64_t ctime_ns = 0;
  };
  struct Node {
    FileKind kind = FileKind::kFile;
    Inode number = 0;  // as FileStat tells it
    std::int64_t birth_ns = 0;
    bool is_covered = false;  // by a mount
    bool is_unreadable = false;
    Metadata metadata;
    Metadata durable_metadata;
    Bytes data;
    Bytes durable_data;
    std::set<std::uint64_t> dirty_blocks;
    std::set<std::uint64_t> holes;  // blocks
    std::string target;
    std::map<std::string, Inode> entries;
    std::map<std::string, Inode> durable_entries;
    Inode parent = 0;  // the directory with its only name; 0 without one
    int held = 0;
  };
  // One name in a step; 0 is nothing.
  struct NameChange {
    Inode directory = 0;
    std::string name;
    Inode before = 0;
    Inode after = 0;
  };
  // Happens whole or not.
  struct Step {
    std::vector<NameChange> names;
    bool moves = false;
  };
  struct Place {
    Inode directory = 0;
    std::string name;
    Inode inode = 0;  // 0: nothing is there
  };

  Result<Place> place(Inode root, const std::string& path, const char* doing) const;
  std::map<std::string, Inode>::const_iterator entry_of(const Node& directory, const std::string& name) const;
  void take(Step step);
  Result<void> move(Inode root, const Rename& step, bool replace);
  void touch(Inode inode, bool contents);
  void tell_of(Inode inode);
  void tell_moved(Inode inode);
  static std::uint64_t room_of(const Node& file);
  // Changes the size and fills holes as if these bytes were written. False: there is no room, nothing is
  // changed.
  bool make_room(Node& file, std::uint64_t size, std::uint64_t offset, std::uint64_t bytes);
  void mark_dirty(Node& file, std::uint64_t offset, std::uint64_t bytes);
  bool contains(Inode ancestor, Inode inode) const;
  void remove_below(Inode directory, const std::string& name);
  void copy_below(Inode from, Inode directory, const std::string& name);
  Result<void> cover(const std::string& path, bool is_covered);
  Inode make(Inode directory, const std::string& name, FileKind kind, std::uint32_t mode,
             const std::string& target);
  void add_paths(const std::string& path, Inode directory, std::vector<std::string>& paths) const;

  // ---- Crashes (memory_disk_crash.cpp).
  void make_durable(const Step& step);
  std::vector<bool> needed_by(Inode directory) const;
  bool could_happen(const Step& step) const;
  bool durably_reaches(Inode directory, Inode forbidden) const;
  void lose_bytes(Node& file, Rng& rng);
  void keep_what_is_durable();
  void sweep();

  std::map<Inode, Node> nodes_;
  std::vector<Step> unsynced_;
  std::vector<Observer*> observers_;
  std::set<Inode> locked_;
  Inode inodes_made_ = kRoot;
  std::uint64_t used_bytes_ = 0;
  std::uint64_t calls_ = 0;
  std::uint64_t acting_call_ = 0;
  std::function<void()> act_;
  std::uint64_t failing_call_ = 0;
  std::uint64_t boot_ = 0;
};

}  // namespace shoal
