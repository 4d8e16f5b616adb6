// Applier: makes the disk what the tree shows, one entry at a time: the half of the merge that asks what
// peers have done.
//
//   changed in the tree ─► to do ─┬─(its content is not here)─► fetching ─┐
//                                 └───────────────────────────────────────┴─► ready ─► step of an InstallWork
//                                                                                       │ changed meanwhile:
//                                                                                       after a scan └ done:
//                                                                                       looked at once more
//
// What to do is always reckoned from the tree and the DiskState as they are then, so nothing here needs to be
// kept or undone. An entry waits while its parent is not there, while its place is somebody else's who is to
// leave it, and while a content that it would displace is still wanted by another. Places that wait for each
// other are exchanged.
//
// The applier leaves alone what this host ignores: it is not fetched, what lies there stays, and nothing
// waits for it. An entry that moves from an ignored place to another is placed like a new one. An entry that
// moves to an ignored place goes to the trash here. A deleted directory stays while something is in it that
// is not synced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "node/sync/content_uses.h"
#include "node/sync/file_fetcher.h"
#include "node/sync/folder_context.h"

namespace shoal::sync {

// Why an entry is not as it should be.
struct Trouble {
  std::string cause;  // snake_case word
  std::string message;
};

class ApplierListener {
 public:
  virtual ~ApplierListener() = default;
  // What lies in this directory is not what we thought.
  virtual void on_unexpected(const NodeId& directory) = 0;
  // This directory was made, or with all below it has moved: it is to be watched where it is now.
  virtual void on_directory(const NodeId& directory, bool moved) = 0;
  // A content of more than one part is on the disk.
  virtual void on_content(const ContentName& content, std::vector<PartRef> parts) = 0;
  // As FetchListener::on_list.
  virtual void on_list(const ContentName& content, std::vector<PartRef> parts) = 0;
};

class Applier final : public FetchListener {
 public:
  static constexpr std::size_t kStepsMax = 256;  // of one InstallWork
  // Of an entry that has failed; it doubles with each further failure.
  static constexpr Duration kRetry = std::chrono::seconds(5);
  static constexpr unsigned kRetryDoubledMax = 6;

  Applier(FolderContext& context, ApplierListener& listener);

  void consider(const NodeId& id) { to_do_.insert(id); }
  // The directory was listed: what keeps it may have gone.
  void look_again(const NodeId& directory) {
    if (kept_.erase(directory) > 0) to_do_.insert(directory);
  }
  // Other things are ignored from now on.
  void on_ignore_changed();
  // A scan has ended: what was found changed may be tried again.
  void on_scanned();
  // Forgets everything that is under way, but not what is being installed.
  void stop();
  void advance(Rpc& rpc, bool may_install);
  void on_work(InstallWork& work);
  void on_work(StageWork& work) { fetcher_.on_work(work); }
  void on_work(TrashSearchWork& work) { fetcher_.on_work(work); }
  void on_work(SpaceWork& work) { fetcher_.on_work(work); }
  Instant next() const;

  bool is_installing() const { return installing_; }
  // Nothing is to be done.
  bool is_done() const {
    return to_do_.empty() && ready_.empty() && fetching_.empty() && retry_.empty() && after_scan_.empty() &&
           !installing_;
  }
  FileFetcher& fetcher() { return fetcher_; }
  const FileFetcher& fetcher() const { return fetcher_; }
  // Entries that are not as they should be, and why as far as there is trouble.
  std::vector<NodeId> unfinished() const;
  const Trouble* trouble(const NodeId& id) const;
  // Entries that are left alone, since this host ignores them.
  const std::set<NodeId>& ignored() const { return ignored_; }
  // Directories that were deleted and hold what is not synced; trouble() says what.
  const std::set<NodeId>& kept() const { return kept_; }

  void on_fetched(FetchedFile file) override;
  void on_fetch_trouble(const NodeId& id, const std::string& cause, const std::string& message,
                        bool ended) override;
  void on_list(const ContentName& content, std::vector<PartRef> parts) override {
    listener_.on_list(content, std::move(parts));
  }

 private:
  struct Batch {
    std::vector<InstallStep> steps;
    std::set<NodeId> touched;                         // have a step
    std::map<NodeId, std::string> made;               // directories, by their path
    std::set<std::pair<NodeId, std::string>> places;  // that are taken or left by a step
    std::uint64_t bytes = 0;
    bool is_closed = false;
  };
  enum class Attempt : std::uint8_t { kStep, kDone, kBlocked, kKept };

  void classify(const NodeId& id);
  const std::string& tree_path(const NodeId& directory);
  bool is_ignored(const Shown& shown);
  bool is_ignored(const DiskEntry& have) const;
  std::optional<Shown> desired_here(const NodeId& id);
  bool leave_alone(const NodeId& id);
  void consider_below(const NodeId& directory);
  void keep(const NodeId& directory, const std::vector<std::string>& paths);
  bool keep(const InstallStep& removal);
  bool is_as_shown(const DiskEntry& have, const Shown& desired) const;
  bool is_done(const std::optional<Shown>& desired, const DiskEntry* have) const;
  bool adopt(const Shown& desired);
  void fill_in(DiskEntry& entry, const Shown& desired) const;
  bool needs_content(const std::optional<Shown>& desired, const DiskEntry* have) const;
  const DiskEntry* taken_for(const NodeId& parent, const std::string& name) const;
  bool has_collided(const NodeId& id) const;
  bool is_collision(const InstallStep& step);
  void forget(const NodeId& id);

  bool is_out_of_reach(const std::optional<Shown>& desired, const DiskEntry* have) const;
  void install();
  Attempt attempt(Batch& batch, const NodeId& id);
  Attempt attempt_remove(Batch& batch, const DiskEntry& have);
  Attempt attempt_place(Batch& batch, const Shown& desired, const DiskEntry* have, const std::string& path);
  Attempt attempt_content(Batch& batch, const Shown& desired, const DiskEntry& have);
  void resolve_blocked();
  std::optional<std::string> directory_path(const Batch& batch, const NodeId& directory) const;
  InstallStep step_for(InstallStep::Kind kind, const Shown& desired, std::string path) const;
  void give_bytes(InstallStep& step);
  bool is_wanted(const DiskEntry& have) const;
  bool is_needed(const DiskEntry& have) const;
  std::string trash_path(const std::string& path, const DiskEntry& displaced) const;
  void add(Batch& batch, InstallStep step);
  void submit(Batch batch);
  void take_step(InstallStep& step);
  void step_done(InstallStep& step);
  void used(const NodeId& id);
  void retry_later(const NodeId& id);

  FolderContext& context_;
  ApplierListener& listener_;
  FileFetcher fetcher_;
  std::set<NodeId> to_do_;
  std::set<NodeId> fetching_;
  std::map<NodeId, std::optional<FetchedFile>> ready_;
  std::map<NodeId, Instant> retry_;
  std::map<NodeId, unsigned> failures_;  // since the entry was done last
  std::set<NodeId> after_scan_;
  std::set<NodeId> ignored_;
  std::set<NodeId> kept_;
  std::map<NodeId, std::string> tree_paths_;  // of directories, in the tree as it is now
  std::set<NodeId> surprised_;  // their disk was another than believed, and none was installed since
  ContentUses wanted_;          // contents that are being fetched
  ContentUses needed_;          // and those that are fetched and not yet in their place
  std::map<NodeId, Trouble> troubles_;
  bool installing_ = false;
  bool stopped_ = false;
  std::map<NodeId, FetchedFile> installing_files_;
};

}  // namespace shoal::sync
