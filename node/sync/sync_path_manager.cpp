#include "node/sync/sync_path_manager.h"

#include <algorithm>
#include <utility>

#include "node/base/check.h"
#include "node/sync/reader.h"
#include "node/sync/trash.h"

namespace shoal::sync {
namespace {

constexpr std::uint8_t kRecordVersion = 2;
constexpr std::size_t kRootBytesMax = 4096;
constexpr std::size_t kRowsPerRead = 4096;
constexpr Duration kStoppedRetry = std::chrono::seconds(10);
constexpr Duration kTrashExpiryInterval = std::chrono::hours(1);
constexpr Duration kNewsRetryMin = std::chrono::milliseconds(50);
constexpr Duration kNewsRetryMax = std::chrono::seconds(10);
// A peer that we have no session with may take so long to tell one that we have.
constexpr Duration kNewsLifetime = std::chrono::minutes(2);

void append_text(std::string_view text, Bytes& out) {
  append_u32(static_cast<std::uint32_t>(text.size()), out);
  out.insert(out.end(), text.begin(), text.end());
}

Bytes bytes_of(std::string_view text) {
  return {text.begin(), text.end()};
}

const Bytes kKnowledgeKey = bytes_of("knowledge");

Bytes key_of(const NodeId& id) {
  Bytes key(id.replica.bytes.begin(), id.replica.bytes.end());
  append_u64(id.counter, key);
  return key;
}

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

}  // namespace

// ---- The record

Bytes encode_folder_record(const FolderRecord& record) {
  Bytes out;
  out.push_back(kRecordVersion);
  append_text(record.root, out);
  append_text(record.name, out);
  out.insert(out.end(), record.replica_seed.begin(), record.replica_seed.end());
  out.push_back(static_cast<std::uint8_t>((record.is_paused ? 1 : 0) | (record.is_set_up ? 2 : 0)));
  append_u64(record.mark, out);
  return out;
}

Result<FolderRecord> decode_folder_record(ByteView bytes) {
  Reader reader(bytes);
  if (reader.u8() != kRecordVersion) return fail(ErrorCode::kUnsupported, "a folder of another version");
  FolderRecord record;
  record.root = reader.text(kRootBytesMax);
  record.name = reader.text(kNameBytesMax);
  const ByteView seed = reader.take(record.replica_seed.size());
  std::copy(seed.begin(), seed.end(), record.replica_seed.begin());
  const std::uint8_t flags = reader.u8();
  record.is_paused = (flags & 1) != 0;
  record.is_set_up = (flags & 2) != 0;
  record.mark = reader.u64();
  if (!reader.at_end()) return fail(ErrorCode::kMalformed, "the folder's row is damaged");
  return record;
}

ReplicaId replica_of(const Rng::Seed& seed) {
  const Id hash = sha256(KeyPair::from_seed(seed).public_key().view());
  ReplicaId replica;
  std::copy_n(hash.bytes.begin(), kReplicaIdBytes, replica.bytes.begin());
  return replica;
}

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
      applier_(context_, *this) {
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
      const bool is_missing = folder.error().code == ErrorCode::kNotFound;
      stop_for(is_missing ? "root_missing" : "io_error", folder.error().message);
      retry_at_ = context_.now() + kStoppedRetry;
      return;
    }
    context_.folder = std::move(*folder);
  }
  auto work = std::make_unique<SetUpWork>(context_.folder, !record_.is_set_up);
  work->trash = kTrashDirectory + "/" + trash_name(context_.node->clock.wall_time(), context_.works_begun) +
                "/recovered";
  setting_up_ = true;
  context_.submit(std::move(work));
}

bool SyncPathManager::load() {
  context_.tree = Tree();
  context_.disk = DiskState();
  const auto knowledge = context_.index.find({context_.group, IndexTable::kFolder, kKnowledgeKey});
  if (knowledge) {
    auto decoded = decode_knowledge(*knowledge);
    if (!decoded) {
      stop_for("index_damaged", "remove the folder and join it again: nothing in it is touched");
      return false;
    }
    knowledge_ = std::move(*decoded);
  }
  load_entries();
  pulled_ = knowledge_;
  for (const NodeId& id : context_.tree.take_changed()) applier_.consider(id);
  loaded_ = true;
  is_mark_checked_ = false;
  return true;
}

void SyncPathManager::load_entries() {
  const auto for_each = [&](IndexTable table, auto take) {
    IndexKey key{context_.group, table, {}};
    for (bool first = true;; first = false) {
      const std::vector<IndexRow> rows = context_.index.list(key, first, kRowsPerRead);
      for (const IndexRow& row : rows) take(row);
      if (rows.size() < kRowsPerRead) return;
      key.key = rows.back().key.key;
    }
  };
  for_each(IndexTable::kEntry, [&](const IndexRow& row) {
    if (const auto entry = decode_entry(*row.value)) context_.tree.join(*entry);
  });
  for_each(IndexTable::kDisk, [&](const IndexRow& row) {
    Reader key(row.key.key);
    const NodeId id = key.dot();
    if (auto entry = decode_disk_entry(id, *row.value); entry && key.at_end()) {
      if (context_.disk.child(entry->parent, entry->name) == nullptr) context_.disk.put(std::move(*entry));
    }
  });
  (void)context_.disk.take_dirty();
  (void)context_.disk.take_released();
}

void SyncPathManager::belong_to(NodeContext& node) {
  context_.node = &node;
  clients_.clear();
}

void SyncPathManager::shutdown() {
  scanner_.abort("stopped");
  fs_.stop();
  applier_.stop();
  clients_.clear();
  context_.folder.reset();
}

void SyncPathManager::stop_for(const std::string& reason, const std::string& next_step) {
  if (!stopped_for_.empty()) return;
  stopped_for_ = reason;
  next_step_ = next_step;
  scanner_.abort(reason);
  fs_.stop();
  applier_.stop();
  findings_.clear();
  for (auto& [connection, client] : clients_) applier_.fetcher().parts().remove_peer(connection);
}

// What was done since the last batch is found out anew.
void SyncPathManager::start_over() {
  stop_for("io_error", "the index cannot be written");
  pending_.reset();
  pages_.clear();
  contents_.clear();
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
  if (stopped_for_ == "mass_deletion") {
    deletions_.confirmed = true;
    deletions_.last = context_.now();
  }
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
  if (!reader.at_end() || dot.counter == 0 || dot.counter > kCounterMax || pulled_.covers(dot)) return;
  announced_.add(dot);
  announced_wait_ = kNewsRetryMin;
  announced_retry_ = context_.now() + announced_wait_;
  announced_until_ = context_.now() + kNewsLifetime;
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
  pulled_.add(changes.knowledge);
  if (changes.entries.empty() && knowledge_.covers(changes.knowledge)) return;
  pages_.push_back({std::move(changes.entries), std::move(changes.knowledge)});
}

void SyncPathManager::take_new_replica() {
  record_.replica_seed = context_.node->rng.seed();
  replica_ = replica_of(record_.replica_seed);
  record_dirty_ = true;
}

// Once: while it runs, the mark of the folder may be on its way.
void SyncPathManager::check_mark(std::uint64_t of_folder) {
  if (std::exchange(is_mark_checked_, true) || of_folder == record_.mark) return;
  ++context_.counters.restored_indexes;
  take_new_replica();
}

void SyncPathManager::on_sync_complete(SyncClient& client) {
  if (client.peer().knowledge == knowledge_ && pages_.empty() && !pending_ && client.peer().fingerprint &&
      *client.peer().fingerprint != context_.tree.fingerprint()) {
    ++context_.counters.fingerprint_mismatches;
  }
}

void SyncPathManager::announce() {
  Bytes event(replica_.bytes.begin(), replica_.bytes.end());
  append_u64(knowledge_.of(replica_), event);
  owner_.announce(context_.group, std::move(event));
}

// ---- Events

void SyncPathManager::on_folder_event(const FolderEvent& event) {
  if (is_running()) fs_.on_event(event);
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

void SyncPathManager::on_disk_full(const std::string& message) {
  stop_for("disk_full", "make room on the disk: " + message);
  retry_at_ = context_.now() + kStoppedRetry;
}

void SyncPathManager::on_scan_complete() {
  fs_.on_scan_ended(scanner_.is_watched());
  expire_trash();
  last_scan_ = context_.node->clock.wall_time();
  applier_.on_scanned();
}

void SyncPathManager::expire_trash() {
  const WallTime now = context_.node->clock.wall_time();
  if (trash_expired_ && now - *trash_expired_ < kTrashExpiryInterval) return;
  trash_expired_ = now;
  auto work = std::make_unique<TrashWork>(context_.folder, TrashWork::Task::kExpire);
  const auto lifetime = context_.config().folder_trash_lifetime;
  work->expire_before = now - std::chrono::duration_cast<std::chrono::milliseconds>(lifetime);
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
    case FolderWork::Kind::kHash:
      return scanner_.on_work(static_cast<HashWork&>(*work));
    case FolderWork::Kind::kRead:
      return on_read(static_cast<ReadWork&>(*work));
    case FolderWork::Kind::kStage:
      return applier_.on_work(static_cast<StageWork&>(*work));
    case FolderWork::Kind::kInstall:
      return applier_.on_work(static_cast<InstallWork&>(*work));
    case FolderWork::Kind::kTrash:
      return on_trash(static_cast<TrashWork&>(*work));
    case FolderWork::Kind::kMark:
      return on_marked(work->number);
  }
}

void SyncPathManager::on_set_up(SetUpWork& work) {
  setting_up_ = false;
  if (context_.folder == nullptr) return;
  if (!work.outcome) {
    const bool is_missing = work.outcome.error().code == ErrorCode::kNotFound;
    const std::string what = is_missing ? "marker_missing" : "io_error";
    return on_scan_aborted(what);
  }
  check_mark(work.mark);
  shared_ignore_read_ = shared_ignore();
  context_.ignore = Ignore(IgnoreList::parse(work.shared_ignore), IgnoreList::parse(work.local_ignore));
  if (!record_.is_set_up) {
    record_.is_set_up = true;
    record_dirty_ = true;
  }
  fs_.start();
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
  if (retry_at_ <= now) open();
  if (commit_failed_) start_over();
  commit();
  if (!is_running()) return;
  look_for_ignore_list();
  measure_progress();
  if (!setting_up_) {
    fs_.advance();
    const bool may_scan = findings_.empty() && !applier_.is_installing();
    const bool was_scanning = scanner_.is_scanning();
    scanner_.advance(may_scan);
    if (!was_scanning && scanner_.is_scanning()) fs_.on_scan_started();
    // A person's change that is still being committed is on the disk, but not in the tree: the applier would
    // undo it.
    const bool is_ahead = pending_ && pending_->is_ours;
    if (is_running()) applier_.advance(rpc, !is_ahead && !scanner_.is_listing());
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
  next = std::min({next, fs_.next(), announced_retry_, applier_.next()});
  if (findings_.empty() && !applier_.is_installing()) next = std::min(next, scanner_.next());
  for (const auto& [connection, client] : clients_) next = std::min(next, client.next());
  return next;
}

// ---- Batches

void SyncPathManager::commit() {
  if (pending_ || !loaded_) return;
  IndexBatch batch;
  Pending pending;
  pending.knowledge = knowledge_;
  if (is_running()) {
    take_pages(pending);
    take_findings(batch, pending);
  }
  if (pending.is_ours) {
    record_.mark = context_.node->rng.next();
    record_dirty_ = true;
    marking_ = context_.submit(
        std::make_unique<MarkWork>(context_.folder, record_.mark, context_.config().folder_fsync));
  }
  add_rows(batch, pending);
  if (batch.rows.empty()) return;
  pending_ = std::move(pending);
  commit_ = owner_.commit(std::move(batch));
}

void SyncPathManager::take_pages(Pending& pending) {
  for (Page& page : std::exchange(pages_, {})) {
    for (Entry& entry : page.entries) merge_into(pending, context_.tree, std::move(entry));
    pending.knowledge.add(page.knowledge);
  }
}

// What the entry will be once this batch is joined.
void SyncPathManager::merge_into(Pending& pending, const Tree& tree, Entry entry) {
  const auto [found, is_new] = pending.entries.try_emplace(entry.id, Entry{});
  if (is_new) {
    const Entry* before = tree.find(entry.id);
    if (before != nullptr) {
      found->second = *before;
    } else {
      found->second.id = entry.id;
    }
  }
  found->second.join(entry);
}

void SyncPathManager::add_rows(IndexBatch& batch, const Pending& pending) {
  const auto add = [&](IndexTable table, Bytes key, std::optional<Bytes> value) {
    batch.rows.push_back({{context_.group, table, std::move(key)}, std::move(value)});
  };
  for (const auto& [id, entry] : pending.entries) add(IndexTable::kEntry, key_of(id), encode_entry(entry));
  for (const NodeId& id : context_.disk.take_dirty()) {
    const DiskEntry* entry = context_.disk.find(id);
    add(IndexTable::kDisk, key_of(id),
        entry == nullptr ? std::nullopt : std::optional<Bytes>(encode_disk_entry(*entry)));
  }
  add_content_rows(batch);
  if (pending.knowledge != knowledge_) {
    add(IndexTable::kFolder, kKnowledgeKey, encode_knowledge(pending.knowledge));
  }
  if (record_dirty_) add(IndexTable::kFolder, {}, encode_folder_record(record_));
  record_dirty_ = false;
}

void SyncPathManager::add_content_rows(IndexBatch& batch) {
  const auto add = [&](const ContentName& content, const std::vector<PartRef>& parts, bool present) {
    for (IndexRow& row : content_rows(context_.group, content, parts, present)) {
      batch.rows.push_back(std::move(row));
    }
  };
  for (const ContentName& content : context_.disk.take_released()) {
    if (content.depth == 0) continue;
    if (const auto parts = applier_.fetcher().known_parts(content)) add(content, *parts, false);
  }
  for (const auto& [content, parts] : std::exchange(contents_, {})) add(content, parts, true);
}

void SyncPathManager::on_committed(const Result<void>& outcome) {
  commit_.reset();
  if (!outcome) {
    commit_failed_ = pending_.has_value();
    pending_.reset();
    return;
  }
  end_commit();
}

void SyncPathManager::on_marked(std::uint64_t work) {
  if (marking_ != work) return;
  marking_.reset();
  end_commit();
}

// What is committed is told once the folder, too, knows that this index is the newest.
void SyncPathManager::end_commit() {
  if (!pending_ || commit_ || marking_) return;
  Pending pending = std::move(*pending_);
  pending_.reset();
  for (const auto& [id, entry] : pending.entries) context_.tree.join(entry);
  knowledge_ = std::move(pending.knowledge);
  pulled_.add(knowledge_);
  for (const NodeId& id : context_.tree.take_changed()) applier_.consider(id);
  // Also what the tree shows as before: the disk may be another.
  for (const NodeId& id : pending.found) applier_.consider(id);
  for (const NodeId& id : pending.new_directories) scanner_.rescan(id, true, context_.now());
  if (pending.is_ours) announce();
}

}  // namespace shoal::sync
