#include "node/sync/sync_path_manager.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "node/sync/reader.h"
#include "node/sync/trash.h"

namespace shoal::sync {
namespace {

constexpr Duration kStoppedRetry = std::chrono::seconds(10);
constexpr Duration kTrashIntervalMin = std::chrono::seconds(1);
constexpr Duration kTrashIntervalMax = std::chrono::minutes(15);
// Of what goes to the trash though it keeps nothing, since another entry needs it.
constexpr Duration kNeededTrashLifetime = std::chrono::hours(1);
constexpr Duration kNewsRetryMin = std::chrono::milliseconds(50);
constexpr Duration kNewsRetryMax = std::chrono::seconds(10);
// A peer that we have no session with may take so long to tell one that we have.
constexpr Duration kNewsLifetime = std::chrono::minutes(2);
constexpr std::size_t kRunEventBytes = kReplicaIdBytes + 8 + 8;  // a dot, and the mark of the run it begins

// The highest of the replica's that anything in the entry speaks of.
std::uint64_t counter_in(const Entry& entry, const ReplicaId& replica) {
  std::uint64_t counter = entry.id.replica == replica ? entry.id.counter : 0;
  for (const Knowledge* context : {&entry.place.context(), &entry.content.context(),
                                   &entry.metadata.context(), &entry.deletion.context()}) {
    counter = std::max(counter, context->of(replica));
  }
  for (const auto& deletion : entry.deletion.versions()) {
    counter = std::max(counter, deletion.value.seen.of(replica));
  }
  return counter;
}

// Why a folder cannot be opened.
const char* reason_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotFound:
      return "root_missing";
    case ErrorCode::kBusy:
      return "in_use";
    case ErrorCode::kInvalidArgument:
      return "root_unsuitable";
    default:
      return "io_error";
  }
}

}  // namespace

// ---- Beginning and ending

SyncPathManager::SyncPathManager(const Id& group, std::uint16_t ordinal, FolderRecord record,
                                 IndexStore& index, WorkPool& pool, Folders& folders, NodeContext& node,
                                 FolderOwner& owner)
    : context_{group, record.root, nullptr, index, pool, &node},
      record_(std::move(record)),
      folders_(folders),
      owner_(owner),
      replica_(replica_of(record_.replica_seed)),
      scanner_(context_, *this),
      fs_(context_, *this),
      applier_(context_, *this),
      verifier_(context_, *this) {
  context_.ordinal = ordinal;
}

void SyncPathManager::open() {
  retry_at_ = kNever;
  stopped_for_.clear();
  next_step_.clear();
  if (!loaded_ && !load()) return;
  if (record_.is_paused) return stop_for("paused_by_user", "resume it when you like");
  if (context_.folder == nullptr) {
    auto folder = folders_.open(context_.group, record_.root);
    if (!folder) {
      stop_for(reason_of(folder.error().code), folder.error().message);
      retry_at_ = context_.now() + kStoppedRetry;
      return;
    }
    context_.folder = std::move(*folder);
  }
  auto work = std::make_unique<SetUpWork>(context_.folder, !record_.is_set_up);
  work->began = context_.node->clock.wall_time();
  setting_up_ = true;
  context_.submit(std::move(work));
}

void SyncPathManager::belong_to(NodeContext& node) {
  context_.node = &node;
  clients_.clear();
}

void SyncPathManager::shutdown() {
  scanner_.abort("stopped");
  fs_.stop();
  applier_.stop();
  verifier_.stop();
  clients_.clear();
  context_.folder.reset();
}

void SyncPathManager::stop_for(const std::string& reason, const std::string& next_step) {
  if (!stopped_for_.empty()) return;
  is_set_up_ = false;
  stopped_for_ = reason;
  next_step_ = next_step;
  halt(reason);
}

void SyncPathManager::halt(const std::string& reason) {
  scanner_.abort(reason);
  fs_.stop();
  applier_.stop();
  verifier_.stop();
  findings_.clear();
  moves_.clear();
  for (auto& [connection, client] : clients_) applier_.fetcher().parts().remove_peer(connection);
}

// What was done since the last batch is found out anew.
void SyncPathManager::start_over(const std::string& next_step) {
  stop_for("io_error", next_step);
  pending_.reset();
  fork_.reset();
  pages_.clear();
  contents_.clear();
  lists_.clear();
  loaded_ = false;
  commit_failed_ = false;
  retry_at_ = context_.now() + kStoppedRetry;
}

void SyncPathManager::pause() {
  record_.is_paused = true;
  record_dirty_ = true;
  stop_for("paused_by_user", "resume it when you like");
  stopped_for_ = "paused_by_user";
  retry_at_ = kNever;
}

void SyncPathManager::resume() {
  if (record_.is_paused) record_dirty_ = true;
  record_.is_paused = false;
  if (stopped_for_ == kMassDeletion) deletions_.confirmed = std::exchange(deletions_.shown, {});
  if (!stopped_for_.empty()) open();
}

Result<void> SyncPathManager::rescan(const std::string& path) {
  const auto directory = context_.disk.at(path);
  if (!directory || !context_.disk.is_directory(*directory)) {
    return fail(ErrorCode::kNotFound, "no directory '" + path + "' is known in " + record_.root);
  }
  scanner_.rescan(*directory, true, context_.now());
  return {};
}

// ---- Peers

void SyncPathManager::on_peer(Guid connection, const Contact& contact) {
  clients_.try_emplace(connection, context_, *this, connection, contact);
}

void SyncPathManager::on_peer_lost(Guid connection) {
  clients_.erase(connection);
  applier_.fetcher().parts().remove_peer(connection);
}

SyncClient* SyncPathManager::client_of(const Id& host) {
  for (auto& [connection, client] : clients_) {
    if (client.contact().key == host) return &client;
  }
  return nullptr;
}

void SyncPathManager::on_auth_complete(SyncClient& client) {
  if (!is_running()) return;
  applier_.fetcher().parts().add_peer(client.connection(), client.contact());
}

void SyncPathManager::on_news(const Id& origin, ByteView event) {
  Reader reader(event);
  const Dot dot = reader.dot();
  const bool begins_run = event.size() == kRunEventBytes;
  const std::uint64_t mark = begins_run ? reader.u64() : 0;
  if (!reader.at_end() || dot.counter == 0 || dot.counter > kCounterMax) return;
  const Lineage& known = context_.lineages.find(dot.replica);
  if (begins_run) {
    if (known.has_run(mark)) return;
    for (auto& [connection, client] : clients_) client.check_soon();
    return;
  }
  if (pulled_.covers(dot)) return;
  // It has another name here. The host that says so is to hear of it.
  if (known.is_closed()) {
    for (auto& [connection, client] : clients_) client.check_soon();
    return;
  }
  if (has_room_for(pulled_, dot.replica) && has_room_for(announced_, dot.replica)) {
    announced_.add(dot);
    announced_wait_ = kNewsRetryMin;
    announced_retry_ = context_.now() + announced_wait_;
    announced_until_ = context_.now() + kNewsLifetime;
  }
  if (SyncClient* client = client_of(origin)) return client->pull();
  for (auto& [connection, client] : clients_) client.pull();
}

void SyncPathManager::on_changes(SyncClient& client, ReceivedChanges changes) {
  if (!is_running()) return client.pull();
  // Somebody knows changes of ours that we do not: this index was restored from a copy, so what it would
  // write next has been written before. Under another id it cannot.
  // Or somebody lies; then, too, ours must not mix with what was forged.
  std::uint64_t told = changes.knowledge.of(replica_);
  for (const Entry& entry : changes.entries) told = std::max(told, counter_in(entry, replica_));
  if (told > knowledge_.of(replica_)) {
    if (pending_) return client.pull();  // what is on its way has the old id
    take_new_replica();
  }
  changes.knowledge = with_room_for(changes.knowledge, pulled_);
  const bool is_news =
      !changes.entries.empty() || !changes.lineages.empty() || !knowledge_.covers(changes.knowledge);
  if (!is_news) return;
  const auto forks = Lineages::over(context_.lineages).reconcile(changes.lineages);
  has_other_names_ |= !forks || !forks->ours.empty() || !forks->theirs.empty();
  if (!has_other_names_) pulled_.add(changes.knowledge);
  pages_.push_back(std::move(changes));
}

// The part of `told` that may count as known beside `all`. Changes of further replicas are joined, and
// fetched again with each pull.
Knowledge SyncPathManager::with_room_for(const Knowledge& told, Knowledge all) {
  Knowledge taken;
  for (const Dot& dot : told.counters()) {
    if (!has_room_for(all, dot.replica)) {
      has_too_many_replicas_ = true;
      continue;
    }
    all.add(dot);
    taken.add(dot);
  }
  return taken;
}

void SyncPathManager::take_new_replica() {
  record_.replica_seed = context_.node->rng.seed();
  replica_ = replica_of(record_.replica_seed);
  record_dirty_ = true;
  run_begun_ = false;
}

// Once: while it runs, the mark of the folder may be on its way.
void SyncPathManager::check_mark(std::uint64_t of_folder) {
  if (std::exchange(is_mark_checked_, true) || of_folder == record_.mark) return;
  ++context_.counters.restored_indexes;
  take_new_replica();
}

void SyncPathManager::on_repaired(SyncClient& client, std::vector<Entry> entries) {
  context_.counters.entries_repaired += entries.size();
  on_changes(client, {std::move(entries), {}, {}});
}

// What is on its way to the disk would be missing.
void SyncPathManager::on_sync_complete(SyncClient& client) {
  const PeerState& peer = client.peer();
  const bool is_comparable = is_running() && client.is_open() && peer.knowledge == knowledge_ &&
                             client.has_our_lineages() && peer.fingerprint && pages_.empty() && !pending_;
  if (!is_comparable) return;
  if (*peer.fingerprint == context_.tree.fingerprint()) {
    if (applier_.is_done()) applier_.fetcher().on_complete();
    return client.on_equal();
  }
  ++context_.counters.fingerprint_mismatches;
  client.on_different();
}

void SyncPathManager::announce(bool begins_run) {
  Bytes event;
  append_dot({replica_, knowledge_.of(replica_)}, event);
  owner_.announce(context_.group, event);
  // For peers that know the dot already, as another change. Those of a version without runs ignore it.
  if (!begins_run) return;
  append_u64(context_.lineages.find(replica_).tip(), event);
  owner_.announce(context_.group, std::move(event));
}

// ---- Events

void SyncPathManager::on_folder_event(const FolderEvent& event) {
  if (is_running()) return fs_.on_event(event);
  if (stopped_for_ == kMassDeletion) {
    retry_at_ = std::min(retry_at_, context_.now() + context_.config().folder_settle);
  }
}

void SyncPathManager::on_scan_due(const NodeId& directory, bool recursive, Instant when) {
  scanner_.rescan(directory, recursive, when);
}

void SyncPathManager::on_root_gone() {
  stop_for("root_missing", record_.root + " has gone: it is tried again when it is back");
  context_.folder.reset();
  retry_at_ = context_.now() + kStoppedRetry;
}

void SyncPathManager::on_ignore_changed() {
  set_up_again_ = setting_up_;
  if (setting_up_) return;
  setting_up_ = true;
  context_.submit(std::make_unique<SetUpWork>(context_.folder, false));
}

// A person or a peer may have written it.
void SyncPathManager::look_for_ignore_list() {
  if (setting_up_ || shared_ignore() == shared_ignore_read_) return;
  on_ignore_changed();
}

std::optional<FileStat> SyncPathManager::shared_ignore() const {
  const DiskEntry* list = context_.disk.child(kRoot, kSharedIgnoreFile);
  return list == nullptr ? std::nullopt : std::optional(list->stat);
}

void SyncPathManager::on_unexpected(const NodeId& directory) {
  scanner_.rescan(directory, false, context_.now() + context_.config().folder_settle);
}

void SyncPathManager::on_directory(const NodeId& directory, bool moved) {
  scanner_.rescan(directory, moved, context_.now());
}

void SyncPathManager::on_content(const ContentName& content, std::vector<PartRef> parts) {
  contents_.emplace_back(content, std::move(parts));
}

void SyncPathManager::on_list(const ContentName& content, std::vector<PartRef> parts) {
  lists_.emplace_back(content, std::move(parts));
}

void SyncPathManager::on_scan_complete() {
  fs_.on_scan_ended(scanner_.is_watched());
  if (findings_.empty() && !scanner_.misses_anything()) deletions_.confirmed.clear();
  last_scan_ = context_.node->clock.wall_time();
  applier_.on_scanned();
}

void SyncPathManager::expire_trash() {
  const Instant now = context_.now();
  const Duration configured = context_.config().folder_trash_lifetime;
  const Duration lifetime = configured == Duration::zero() ? kNeededTrashLifetime : configured;
  trash_due_ = now + std::clamp(lifetime / 8, kTrashIntervalMin, kTrashIntervalMax);
  context_.trash_clock.advance(now, context_.node->clock.wall_time(), lifetime);
  auto work = std::make_unique<TrashWork>(context_.folder, TrashWork::Task::kExpire);
  work->clock = context_.trash_clock.saved();
  work->lifetime = std::chrono::duration_cast<std::chrono::milliseconds>(lifetime);
  context_.submit(std::move(work));
}

void SyncPathManager::on_trash(TrashWork& work) {
  if (work.task() == TrashWork::Task::kIgnore && context_.folder != nullptr) on_ignore_changed();
}

void SyncPathManager::on_scan_aborted(const std::string& reason) {
  if (reason != "path_missing" && reason != "marker_missing" && reason != "io_error") return;
  const bool is_marker = reason == "marker_missing";
  stop_for(reason == "path_missing" ? "root_missing" : reason,
           is_marker ? "the directory .shoal is not in " + record_.root + ": is its disk mounted?"
                     : record_.root + " cannot be read: it is tried again");
  context_.folder.reset();
  retry_at_ = context_.now() + kStoppedRetry;
}

void SyncPathManager::on_scan_trouble(const std::string& path, const std::optional<ScanTrouble>& trouble) {
  if (trouble) {
    scan_troubles_[path] = *trouble;
  } else {
    scan_troubles_.erase(path);
  }
}

void SyncPathManager::on_work(std::unique_ptr<FolderWork> work) {
  --context_.works_under_way;
  switch (work->kind()) {
    case FolderWork::Kind::kSetUp:
      return on_set_up(static_cast<SetUpWork&>(*work));
    case FolderWork::Kind::kList:
      return scanner_.on_work(static_cast<ListWork&>(*work));
    case FolderWork::Kind::kStretch:
      return scanner_.on_work(static_cast<StretchWork&>(*work));
    case FolderWork::Kind::kHash:
      return scanner_.on_work(static_cast<HashWork&>(*work));
    case FolderWork::Kind::kRead:
      return on_read(static_cast<ReadWork&>(*work));
    case FolderWork::Kind::kStage:
      return applier_.on_work(static_cast<StageWork&>(*work));
    case FolderWork::Kind::kSpace:
      return applier_.on_work(static_cast<SpaceWork&>(*work));
    case FolderWork::Kind::kInstall:
      return applier_.on_work(static_cast<InstallWork&>(*work));
    case FolderWork::Kind::kTrash:
      return on_trash(static_cast<TrashWork&>(*work));
    case FolderWork::Kind::kTrashSearch:
      return applier_.on_work(static_cast<TrashSearchWork&>(*work));
    case FolderWork::Kind::kMark:
      return on_marked(work->number);
    case FolderWork::Kind::kLook:
      return on_looked(static_cast<LookWork&>(*work));
    case FolderWork::Kind::kVerify:
      return verifier_.on_work(static_cast<VerifyWork&>(*work));
  }
}

void SyncPathManager::on_set_up(SetUpWork& work) {
  setting_up_ = false;
  if (context_.folder == nullptr) return;
  if (std::exchange(set_up_again_, false)) return on_ignore_changed();
  if (!work.outcome) {
    const bool is_missing = work.outcome.error().code == ErrorCode::kNotFound;
    if (is_missing) return on_scan_aborted("marker_missing");
    stop_for("io_error",
             fmt::format("{}: {}; it is tried again", record_.root, work.outcome.error().message));
    context_.folder.reset();
    retry_at_ = context_.now() + kStoppedRetry;
    return;
  }
  check_mark(work.mark);
  if (work.began) {
    context_.trash_clock.start(work.trash_clock, work.trash_lived_ms, context_.now(),
                               context_.node->clock.wall_time());
    trash_due_ = context_.now();
    applier_.fetcher().on_staged(work.staged);
  }
  shared_ignore_read_ = shared_ignore();
  std::vector<std::string> shared, local;  // problems
  context_.ignore =
      Ignore(IgnoreList::parse(work.shared_ignore, &shared), IgnoreList::parse(work.local_ignore, &local));
  ignore_problems_.clear();
  if (!shared.empty()) ignore_problems_.emplace(kSharedIgnoreFile, std::move(shared));
  if (!local.empty()) ignore_problems_.emplace(kLocalIgnoreFile, std::move(local));
  if (!record_.is_set_up) {
    record_.is_set_up = true;
    record_dirty_ = true;
  }
  for (auto& [connection, client] : clients_) {
    if (!is_set_up_) client.open_again();
  }
  is_set_up_ = true;
  fs_.start();
  applier_.on_ignore_changed();
  for (const NodeId& id : context_.tree.ids()) applier_.consider(id);
  for (auto& [connection, client] : clients_) {
    if (client.is_open()) applier_.fetcher().parts().add_peer(connection, client.contact());
  }
}

void SyncPathManager::on_answer(const Answer& answer) {
  if (answer.completion.guid.generation == static_cast<std::uint32_t>(FolderContext::Asker::kParts)) {
    return applier_.fetcher().parts().on_answer(answer);
  }
  for (auto& [connection, client] : clients_) {
    if (client.owns(answer)) return client.on_answer(answer);
  }
}

void SyncPathManager::advance(Rpc& rpc) {
  const Instant now = context_.now();
  if (retry_at_ <= now && stopped_for_ == kMassDeletion) {
    look_for_put_back();
  } else if (retry_at_ <= now) {
    open();
  }
  if (commit_failed_) start_over("the index cannot be written");
  commit();
  if (fork_) rename_forked();
  if (!is_running()) return;
  look_for_ignore_list();
  measure_progress();
  if (!setting_up_) {
    if (trash_due_ <= now) expire_trash();
    fs_.advance();
    const bool may_scan = !has_findings() && !applier_.is_installing();
    const bool was_scanning = scanner_.is_scanning();
    scanner_.advance(may_scan);
    if (!was_scanning && scanner_.is_scanning()) fs_.on_scan_started();
    // A person's change that is still being committed is on the disk, but not in the tree: the applier would
    // undo it.
    const bool is_ahead = pending_ && pending_->is_ours;
    if (is_running()) applier_.advance(rpc, !is_ahead && !scanner_.is_listing());
    verifier_.advance(may_verify());
  }
  if (announced_retry_ <= now) {
    if (now >= announced_until_) announced_ = {};
    if (pulled_.covers(announced_)) {
      announced_retry_ = kNever;
    } else {
      announced_wait_ = std::min(2 * announced_wait_, kNewsRetryMax);
      announced_retry_ = now + announced_wait_;
      for (auto& [connection, client] : clients_) client.pull();
    }
  }
  for (auto& [connection, client] : clients_) client.advance(rpc);
  commit();
}

Instant SyncPathManager::next() const {
  Instant next = retry_at_;
  if (!is_running()) return next;
  next = std::min(next, announced_retry_);
  if (!setting_up_) {  // what is done then only; else a deadline that is over would be one for ever
    next = std::min({next, fs_.next(), applier_.next(), trash_due_});
    if (!has_findings() && !applier_.is_installing()) next = std::min(next, scanner_.next());
  }
  if (may_verify()) next = std::min(next, verifier_.next());
  for (const auto& [connection, client] : clients_) next = std::min(next, client.next());
  return next;
}

}  // namespace shoal::sync
