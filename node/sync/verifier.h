// Verifier: finds silent damage: files whose bytes on the disk, and rows of the index, that are no longer
// what was written, though nothing tells of a change.
//
//   idle ──(begin(), or folder_verify_interval)──► index ─► disk ─► files ─► repair ─► idle
//                                                                     │ differs        ▲
//                                                                     └─(a while)─► read as a whole, once
//                                                                     more
//
// A pass goes through the rows of the index, then through the files in the order of their ids, and ends when
// what was damaged has been repaired, or waits for a peer. By itself a pass reads folder_verify_rate bytes
// per second, and goes on where it was after a restart; one that a person begins reads as fast as it can.
//
// What differs under the very stat that is known (inode, size, mtime, ctime) is damage and no edit. Programs
// that write through a mapping (mmap) may write without a new mtime until the system has written the page
// to the disk. So what differs is flushed and read a second time: kAgainAfter later, and not before the file
// is kWrittenBefore old.
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

#include "node/control/folder_command.h"
#include "node/sync/folder_context.h"
#include "node/sync/verify_work.h"

namespace shoal::sync {

class VerifierListener {
 public:
  virtual ~VerifierListener() = default;
  // The row of this entry in the index is not what was written.
  virtual void on_damaged_row(const NodeId& id) = 0;
  // The tree in memory is not what was written: it is to be read from the index again.
  virtual void on_damaged_tree() = 0;
  // The file is as `entry` says, but for its bytes: these are `found`, or cannot be read.
  virtual void on_damaged_file(const DiskEntry& entry, const std::optional<ContentName>& found) = 0;
  // Somebody has changed something in this directory that no scan has seen.
  virtual void on_unexpected(const NodeId& directory) = 0;
  // The parts of a content that is on the disk, which the index has not, or has wrong.
  virtual void on_content(const ContentName& content, std::vector<PartRef> parts) = 0;
  virtual std::optional<std::vector<PartRef>> parts_of(const ContentName& content) const = 0;
  // All peers are to be compared with now.
  virtual void on_compare_due() = 0;
  struct Comparison {
    std::size_t peers = 0;      // that are connected
    std::size_t equal = 0;      // of them, found equal since
    std::size_t at_odds = 0;    // a repair has not helped
    bool is_repairing = false;  // what differs is being fetched
  };
  virtual Comparison comparison(Instant since) const = 0;
  // Of a damaged file: why it is not being repaired; nothing: it is.
  virtual bool is_waiting(const NodeId& damaged) const = 0;
};

class Verifier {
 public:
  static constexpr Duration kAgainAfter = std::chrono::seconds(5);
  static constexpr Duration kWrittenBefore = std::chrono::minutes(1);
  // Progress is written to the index so often.
  static constexpr Duration kSaveInterval = std::chrono::minutes(1);
  static constexpr std::size_t kFilesPerWork = 64;
  static constexpr std::uint64_t kBytesPerWork = 1 << 20;

  Verifier(FolderContext& context, VerifierListener& listener) : context_(context), listener_(listener) {}

  // When the index has been loaded. `row`: what row() gave before.
  void start(const std::optional<Bytes>& row);
  // Works under way are forgotten; what they read is read again when the folder goes on.
  void stop();
  // After stop(), when entries get other ids. Files that get one before the pass's position are left to the
  // next pass.
  void rename(const Renaming& renaming);
  // Of a person: all, or what lies at and below a path that is on the disk. The number of the pass. Error
  // kBusy: one of another path is under way.
  Result<std::uint64_t> begin(const std::string& path);

  // `may_work`: nobody changes folder or index now.
  void advance(bool may_work);
  void on_work(VerifyWork& work);
  // No earlier does advance() have anything to do. Precondition: may_work.
  Instant next() const;

  // For the index, when it is another than was last taken.
  std::optional<Bytes> take_row();

  // The pass that is under way.
  std::optional<FolderVerification> running() const;
  // The one that has ended last.
  std::optional<FolderVerification> last() const;
  // Of a pass of this number, as far as it has come; nothing: there is none, or it is forgotten.
  std::optional<FolderVerification> find(std::uint64_t number) const;

 private:
  enum class Phase : std::uint8_t { kIndex, kDisk, kFiles, kRepair };
  struct Position {
    NodeId done;              // this one, and those before it
    std::uint64_t bytes = 0;  // of the file behind it
  };
  struct Pass {
    FolderVerification told;
    NodeId top = kRoot;  // the directory or file that is gone through
    bool is_fast = false;
    Phase phase = Phase::kIndex;
    Position at;
    bool is_read = false;                       // all files
    std::set<NodeId> found;                     // damaged files
    std::uint64_t repaired_before = 0;          // of a restart; not in `found`
    std::uint64_t entries_repaired_before = 0;  // FolderCounters
    Instant began{};
    Instant repairing_since = kNever;
  };
  // To be read as a whole.
  struct Suspect {
    Instant when;          // kNever: it is being read
    bool differs = false;  // it has, the first time
  };
  struct Large {  // of many parts, in the midst of which the pass is
    NodeId id;
    ContentName content;
    std::vector<PartRef> parts;
    std::size_t next = 0;      // that is to be read
    std::uint64_t offset = 0;  // of it
  };

  void count_below(FolderVerification& told, const NodeId& top) const;
  Pass make_pass(const NodeId& top, bool is_fast);
  void enter(Phase phase);
  void step_index();
  void step_disk();
  void step_files();
  bool add_next(VerifyWork& work, std::uint64_t& bytes);
  void begin_large(const DiskEntry& entry, std::vector<PartRef> parts);
  void add_large(VerifyWork& work, const DiskEntry& entry, std::uint64_t& bytes);
  void leave_large();
  bool is_to_be_read(const DiskEntry& entry);
  bool is_below(const NodeId& id) const;
  std::optional<std::vector<PartRef>> parts_to_compare(const ContentName& content) const;
  VerifyWork::File file_of(const DiskEntry& entry) const;
  void step_suspects();
  void step_repair();
  void submit(std::unique_ptr<VerifyWork> work, const Position& from);
  void take(VerifyWork::File& file);
  void take_whole(VerifyWork::File& file, const DiskEntry& entry);
  void confirm(VerifyWork::File& file, const DiskEntry& entry);
  void suspect(const DiskEntry& entry, bool differs);
  void checked(const DiskEntry& entry);
  void end_pass();
  void schedule();
  FolderVerification told(const Pass& pass) const;
  std::size_t works_max() const;
  void spend(std::uint64_t bytes);
  Position resume_at() const;
  WallTime wall_now() const { return context_.node->clock.wall_time(); }

  FolderContext& context_;
  VerifierListener& listener_;
  std::optional<Pass> pass_;
  std::optional<Pass> suspended_;         // of its own, while a person's is under way
  std::deque<FolderVerification> ended_;  // the last few
  std::uint64_t passes_ = 0;
  std::optional<Large> large_;
  std::map<NodeId, Suspect> suspects_;
  std::map<std::uint64_t, Position> works_;  // under way, by number: where the pass was before
  std::optional<WallTime> slow_began_;       // the last pass of its own
  Instant due_ = kNever;                     // the next
  Instant read_at_{};                        // more may be read then
  Instant look_at_{};                        // what is being repaired is looked at then
  Instant compare_at_{};                     // peers may be compared with again then
  Instant save_at_{};
  bool is_row_dirty_ = false;
  bool is_started_ = false;
};

}  // namespace shoal::sync
