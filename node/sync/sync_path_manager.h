// SyncPathManager: one folder of this host. It holds the folder's tree and disk state, and wires its parts:
// the scanner and fs_manager find out what a person did, clients what peers did, the applier brings the disk
// after the tree, and all of it goes through one batch of the index at a time:
//
//   findings of scans ──┐                                  ┌─► tree ─► applier, peers are told
//   pages of peers ─────┼─► batch ─► IndexStore ─(durable)─┤
//   rows of the disk ───┘                                  └─► knowledge
//
// The tree is what is durable, always: nothing is told to a peer that a crash could take back (SYNC-15, 16).
// A folder that cannot go on (its root or its own directory is missing, its disk is full, more than half of
// its files are gone at once) stops, says why, and touches nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "node/control/folder_command.h"
#include "node/secure/keys.h"
#include "node/sync/applier.h"
#include "node/sync/fs_manager.h"
#include "node/sync/local_changes.h"
#include "node/sync/scanner.h"
#include "node/sync/sync_client.h"
#include "node/sync/verifier.h"

namespace shoal::sync {

class TrashWork;

// What a folder is, as its row of the index says.
struct FolderRecord {
  std::string root;
  std::string name;
  Rng::Seed replica_seed{};
  bool is_paused = false;
  bool is_set_up = false;  // its own directory was made
  std::uint64_t mark = 0;  // MarkWork: of the last change of this host; 0: there was none
};
Bytes encode_folder_record(const FolderRecord& record);
Result<FolderRecord> decode_folder_record(ByteView bytes);
ReplicaId replica_of(const Rng::Seed& seed);

// What a folder needs of the node around it.
class FolderOwner {
 public:
  virtual ~FolderOwner() = default;
  virtual CommitId commit(IndexBatch batch) = 0;
  // A change of ours is durable: `event` for the peers of the group.
  virtual void announce(const Id& group, Bytes event) = 0;
  // Of a request to us; again later when the session is full.
  virtual void respond(const Origin& origin, std::uint64_t request_id, wire::RequestKind kind,
                       wire::ResponseBody body) = 0;
};

class SyncPathManager final : public ScannerListener,
                              public ApplierListener,
                              public SyncClientListener,
                              public FsManagerListener,
                              public VerifierListener {
 public:
  SyncPathManager(const Id& group, std::uint16_t ordinal, FolderRecord record, IndexStore& index,
                  WorkPool& pool, Folders& folders, NodeContext& node, FolderOwner& owner);

  // Opens the root, and reads the index. What keeps it from going on is told by status().
  void open();
  // A new folder: as open(), and its record will be written.
  void begin_new() {
    record_dirty_ = true;
    open();
  }
  void belong_to(NodeContext& node);
  // Releases the folder; no event comes any longer.
  void shutdown();

  void on_peer(Guid connection, const Contact& contact);
  void on_peer_lost(Guid connection);
  void on_news(const Id& origin, ByteView event);
  void on_folder_event(const FolderEvent& event);
  void on_work(std::unique_ptr<FolderWork> work);
  // Is it the batch of ours that is on its way?
  bool is_waiting_for(CommitId commit) const { return commit_ == commit; }
  void on_committed(const Result<void>& outcome);
  void on_answer(const Answer& answer);
  // Goes on with whatever can go on. Called after every event.
  void advance(Rpc& rpc);
  Instant next() const;

  void serve(const Origin& origin, const wire::Request& request, const wire::OpenFolder& body);
  void serve(const Origin& origin, const wire::Request& request, const wire::SendChanges& body);
  void serve(const Origin& origin, const wire::Request& request, const wire::SendFileDetails& body);
  void serve(const Origin& origin, const wire::Request& request, const wire::SendFileParts& body);
  void serve(const Origin& origin, const wire::Request& request, const wire::SendRangeFingerprints& body);
  void serve(const Origin& origin, const wire::Request& request, const wire::SendRange& body);

  // Commands
  void pause();
  // Goes on, whatever it had stopped for: the mass deletion that it shows is believed, and no later one.
  void resume();
  // kNotFound: no such directory.
  Result<void> rescan(const std::string& path);
  // Begins a pass, or says how far the pass of this number is. Errors kNotFound, kBusy, kIo: the folder has
  // stopped.
  Result<FolderVerifyResult> verify(const std::string& path, std::uint64_t pass);
  FolderStatus status() const;
  // Of status(), while it has stopped; else empty.
  // Why it has stopped, or holds files back; nothing while it does neither.
  std::optional<FolderStop> stop() const;
  std::vector<FolderPathStatus> path_status(const std::string& below, std::size_t count_max,
                                            bool& more) const;
  FolderConflictsResult conflicts() const;

  const Id& group() const { return context_.group; }
  const FolderRecord& record() const { return record_; }
  const ReplicaId& replica() const { return replica_; }
  const FolderContext& context() const { return context_; }
  // Of a command; nullptr while the folder cannot be used.
  std::shared_ptr<Folder> disk() const { return context_.folder; }
  std::uint64_t begin(std::unique_ptr<FolderWork> work) { return context_.submit(std::move(work)); }
  const Knowledge& knowledge() const { return knowledge_; }
  bool is_in_sync() const;

  static constexpr const char* kMassDeletion = "mass_deletion";
  static constexpr std::size_t kPagesMax = 4;
  static constexpr std::size_t kFindingsPerBatch = 4096;
  static constexpr std::size_t kServingMax = 256;
  static constexpr std::size_t kRefusedMax = 256;  // that are named; all are counted

 private:
  // A batch on its way to the disk, and what follows from it.
  struct Pending {
    std::map<NodeId, Entry> entries;  // as they will be
    Knowledge knowledge;
    Lineages lineages;  // what is different from before
    std::vector<NodeId> new_directories;
    std::vector<NodeId> found;  // about which a scan has found something
    bool is_ours = false;       // has changes of this replica
    bool begins_run = false;    // these are the first since the start
    bool renames = false;       // what the index holds gets other names: it is read again
  };
  // Replicas that have forked, so that what we have after their forks gets other names.
  struct Fork {
    Renaming renaming;
    Lineages lineages;  // what is different from before
  };
  struct Serving {
    Origin origin;
    std::uint64_t request_id = 0;
  };

  void on_set_up(SetUpWork& work);
  void check_mark(std::uint64_t of_folder);
  void take_new_replica();
  Knowledge with_room_for(const Knowledge& told, Knowledge all);
  void on_marked(std::uint64_t work);
  void end_commit();
  void on_read(ReadWork& work);
  void on_trash(TrashWork& work);
  void expire_trash();
  std::string room_step() const;
  void measure_progress();
  std::optional<Duration> time_left(std::uint64_t bytes) const;
  void look_for_ignore_list();
  std::optional<FileStat> shared_ignore() const;
  bool load();
  template <class Take>
  void for_each_row(IndexTable table, Take take) const;
  void load_entries();
  void load_lineages();
  bool is_running() const { return stopped_for_.empty() && context_.folder != nullptr && loaded_ && !fork_; }
  void halt(const std::string& reason);
  void stop_for(const std::string& reason, const std::string& next_step);
  void start_over(const std::string& next_step);
  bool may_verify() const;
  bool has_only_damage_left() const;

  void commit();
  void take_findings(Pending& pending);
  void set_time(Stamp& stamp, const FileStat& found) const;
  void take(Finding& finding, Stamp& stamp, Pending& pending);
  void take_created(Finding& finding, Stamp& stamp, Pending& pending);
  void take_edited(Finding& finding, Stamp& stamp, Pending& pending);
  void take_mode(Finding& finding, Stamp& stamp, Pending& pending);
  void take_moves(Stamp& stamp, Pending& pending);
  std::vector<Finding> next_moves();
  void refuse_moves(std::vector<Finding>& moves);
  void take_moved(const Finding& finding, Stamp& stamp, Pending& pending);
  bool take_returning(Finding& finding, Stamp& stamp, Pending& pending);
  bool has_findings() const { return !findings_.empty() || !moves_.empty(); }
  void take_deleted(const NodeId& id, Stamp& stamp, Pending& pending);
  bool vacate(const Finding& found, Stamp& stamp, Pending& pending);
  bool is_ignored(const NodeId& id) const;
  bool is_mass_deletion();
  void count_files(const Finding& finding);
  void look_for_put_back();
  void on_looked(const LookWork& work);
  bool take_pages(Pending& pending);
  void take_own(Pending& pending, std::uint64_t first);
  void on_fork(Fork fork);
  void rename_forked();
  void add_renamed_entries(IndexBatch& batch, Pending& pending) const;
  void rename_disk();
  void on_renamed();
  void reopen_clients();
  void add_rows(IndexBatch& batch, const Pending& pending);
  void add_content_rows(IndexBatch& batch);
  void add_lineage_rows(IndexBatch& batch, const Pending& pending) const;
  std::string path_shown(const NodeId& id) const;
  std::uint64_t files_below(const NodeId& id, const std::set<NodeId>& but) const;
  bool is_below_one_of(const std::set<NodeId>& ids, const NodeId& id) const;
  void add(Pending& pending, std::vector<Entry> entries);
  const Entry* pending_entry(const Pending& pending, const NodeId& id) const;
  void merge_into(Pending& pending, Entry entry);
  void receive(Pending& pending, const Entry& entry);
  bool has_no_room(const NodeId& id, const Pending& pending);
  void announce(bool begins_run);

  ReadWork::Range range_of(const wire::FilePart& part) const;
  const Bytes* page_of(const ContentName& content, const Id& hash);
  bool may_serve(const Origin& origin, const wire::Request& request);
  bool may_serve_range(const Origin& origin, const wire::Request& request, const wire::NodeId& lo,
                       const wire::NodeId& hi);
  SyncClient* client_of(const Id& host);

  void on_scan_started() override {}
  void on_scan_complete() override;
  void on_scan_aborted(const std::string& reason) override;
  void on_finding(Finding finding) override;
  void on_listed(const NodeId& directory) override { applier_.look_again(directory); }
  void on_scan_trouble(const std::string& path, const std::optional<ScanTrouble>& trouble) override;
  void on_unexpected(const NodeId& directory) override;  // of both
  void on_directory(const NodeId& directory, bool moved) override;
  void on_content(const ContentName& content, std::vector<PartRef> parts) override;  // of both
  void on_list(const ContentName& content, std::vector<PartRef> parts) override;
  void on_scan_due(const NodeId& directory, bool recursive, Instant when) override;
  void on_root_gone() override;
  void on_ignore_changed() override;

  PeerState our_state() const override {
    return {replica_, knowledge_, context_.tree.fingerprint(), context_.lineages.hash()};
  }
  const Knowledge& pulled() const override { return pulled_; }
  bool may_pull() const override { return is_running() && pages_.size() < kPagesMax && !has_other_names_; }
  void on_auth_complete(SyncClient& client) override;
  void on_auth_failed(SyncClient&, const std::string&) override {}
  void on_changes(SyncClient& client, ReceivedChanges changes) override;
  void on_repaired(SyncClient& client, std::vector<Entry> entries) override;
  void on_sync_complete(SyncClient& client) override;

  void on_damaged_row(const NodeId& id) override { rewritten_.insert(id); }
  void on_damaged_tree() override;
  void on_damaged_file(const DiskEntry& entry, const std::optional<ContentName>& found) override;
  std::optional<std::vector<PartRef>> parts_of(const ContentName& content) const override;
  void on_compare_due() override;
  Comparison comparison(Instant since) const override;
  bool is_waiting(const NodeId& damaged) const override;

  FolderContext context_;
  FolderRecord record_;
  Folders& folders_;
  FolderOwner& owner_;
  ReplicaId replica_;
  Knowledge knowledge_;  // durable
  Knowledge pulled_;     // and what is on its way there
  Scanner scanner_;
  FsManager fs_;
  Applier applier_;
  Verifier verifier_;
  std::map<Guid, SyncClient> clients_;
  std::map<NodeId, Finding> moves_;  // found by scans; taken before all other findings
  std::deque<Finding> findings_;
  std::deque<ReceivedChanges> pages_;
  // Some of these, or of those on their way to the disk, have names that are not ours: what will be known is
  // not in pulled_, and nothing is asked for until it is.
  bool has_other_names_ = false;
  std::set<NodeId> rewritten_;  // entries whose row of the index is damaged
  std::optional<Pending> pending_;
  std::optional<Fork> fork_;       // waits until nothing is under way
  bool run_begun_ = false;         // this replica has made a change since the index was loaded
  std::int64_t clocks_apart_ = 0;  // wall clock less monotonic, at the last change of this replica
  std::optional<CommitId> commit_;
  std::optional<std::uint64_t> marking_;                                // the work that goes with the commit
  bool is_mark_checked_ = false;                                        // since the index was loaded
  std::vector<std::pair<ContentName, std::vector<PartRef>>> contents_;  // to be written to the index
  std::vector<std::pair<ContentName, std::vector<PartRef>>> lists_;     // the same; no parts: to be removed
  std::map<std::uint64_t, Serving> serving_;                            // by the number of the work
  struct {
    ContentName content;
    std::map<Id, Bytes> pages;
  } served_pages_;
  Knowledge announced_;  // by peers, and not known yet
  Instant announced_retry_ = kNever;
  Instant announced_until_ = kNever;  // then nobody has it any longer
  Duration announced_wait_{};
  std::map<std::string, ScanTrouble> scan_troubles_;  // by path
  std::map<NodeId, std::string> refused_;  // entries that passed a bound (bounds.h), and their names
  std::optional<FileStat> shared_ignore_read_;
  std::map<std::string, std::vector<std::string>, std::less<>> ignore_problems_;  // by the list's path
  struct Progress {
    Instant when;
    std::uint64_t bytes = 0;  // that have come, or were copied, until then
  };
  std::deque<Progress> progress_;       // of the last kProgressWindow
  bool has_too_many_replicas_ = false;  // a peer has told of them since the start
  bool loaded_ = false;
  bool setting_up_ = false;
  bool set_up_again_ = false;  // the lists were written to meanwhile
  bool is_set_up_ = false;     // since it began, or went on
  bool commit_failed_ = false;
  struct {
    Instant last{};                // it was judged
    std::uint64_t files = 0;       // that are fewer by what was taken
    std::uint64_t most = 0;        // files that were there at one time
    std::set<NodeId> shown;        // to the person, who is asked
    std::set<NodeId> confirmed{};  // by the person, until a scan misses nothing any longer
  } deletions_;                    // of the person, without a pause
  bool findings_unjudged_ = false;
  std::optional<std::uint64_t> looking_;  // the work, while it is under way
  bool record_dirty_ = false;
  std::string stopped_for_;  // empty: it runs
  std::string next_step_;
  Instant retry_at_ = kNever;  // of what stopped it
  std::optional<WallTime> last_scan_;
  Instant trash_due_ = kNever;
};

}  // namespace shoal::sync
