// SyncPathManager: what of a folder stands in the index, and the batches that go there.

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include "node/sync/reader.h"
#include "node/sync/sync_path_manager.h"

namespace shoal::sync {
namespace {

constexpr std::uint8_t kRecordVersion = 2;
constexpr std::size_t kRootBytesMax = 4096;
constexpr std::size_t kRowsPerRead = 4096;
constexpr std::int64_t kClockJumpNs = 5'000'000'000;

const Bytes kKnowledgeKey = {'k', 'n', 'o', 'w', 'l', 'e', 'd', 'g', 'e'};
const Bytes kVerifierKey = {'v', 'e', 'r', 'i', 'f', 'i', 'e', 'r'};
// Followed by the first dot of the run; its value is the mark.
const Bytes kRunKey = {'r', 'u', 'n'};
// Followed by a replica: up to where its runs are known, when that is not all that is known of it.
const Bytes kEndKey = {'e', 'n', 'd'};

Bytes run_key(const ReplicaId& replica, const Run& run) {
  Bytes key = kRunKey;
  append_dot({replica, run.start}, key);
  return key;
}

Bytes end_key(const ReplicaId& replica) {
  Bytes key = kEndKey;
  key.insert(key.end(), replica.bytes.begin(), replica.bytes.end());
  return key;
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

// ---- Loading

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
  load_lineages();
  pulled_ = knowledge_;
  has_other_names_ = false;
  for (auto& [connection, client] : clients_) client.pull_what_is_missing();  // what was lost with a batch
  for (const NodeId& id : context_.tree.take_changed()) applier_.consider(id);
  loaded_ = true;
  rewritten_.clear();
  verifier_.start(context_.index.find({context_.group, IndexTable::kFolder, kVerifierKey}));
  is_mark_checked_ = false;
  run_begun_ = false;
  return true;
}

template <class Take>
void SyncPathManager::for_each_row(IndexTable table, Take take) const {
  IndexKey key{context_.group, table, {}};
  for (bool first = true;; first = false) {
    const std::vector<IndexRow> rows = context_.index.list(key, first, kRowsPerRead);
    for (const IndexRow& row : rows) take(row);
    if (rows.size() < kRowsPerRead) return;
    key.key = rows.back().key.key;
  }
}

void SyncPathManager::load_lineages() {
  context_.lineages = Lineages();
  std::map<ReplicaId, Lineage> lineages;
  std::map<ReplicaId, std::uint64_t> ends;
  for_each_row(IndexTable::kFolder, [&](const IndexRow& row) {
    Reader key(row.key.key);
    Reader value(*row.value);
    const ByteView kind = key.take(kRunKey.size());
    if (std::ranges::equal(kind, kRunKey)) {
      const Dot first = key.dot();
      if (key.at_end()) lineages[first.replica].runs.push_back({first.counter, value.u64()});
    } else if (std::ranges::equal(kind, kEndKey)) {
      const ReplicaId replica = key.replica();
      if (key.at_end()) ends[replica] = value.u64();
    }
  });
  for (auto& [replica, lineage] : lineages) {
    const auto end = ends.find(replica);
    lineage.end = end == ends.end() ? knowledge_.of(replica) : end->second;
    context_.lineages.put(replica, std::move(lineage));
  }
}

void SyncPathManager::load_entries() {
  for_each_row(IndexTable::kEntry, [&](const IndexRow& row) {
    if (const auto entry = decode_entry(*row.value)) context_.tree.join(*entry);
  });
  for_each_row(IndexTable::kDisk, [&](const IndexRow& row) {
    Reader key(row.key.key);
    const NodeId id = key.dot();
    if (auto entry = decode_disk_entry(id, *row.value); entry && key.at_end()) {
      if (context_.disk.child(entry->parent, entry->name) == nullptr) context_.disk.put(std::move(*entry));
    }
  });
  (void)context_.disk.take_dirty();
  (void)context_.disk.take_released();
}

// ---- Batches

void SyncPathManager::commit() {
  if (pending_ || !loaded_) return;
  IndexBatch batch;
  Pending pending;
  pending.knowledge = knowledge_;
  pending.lineages = Lineages::over(context_.lineages);
  if (is_running()) {
    if (!take_pages(pending)) return;
    take_findings(pending);
  }
  for (const NodeId& id : std::exchange(rewritten_, {})) {
    if (const Entry* entry = context_.tree.find(id)) pending.entries.try_emplace(id, *entry);
  }
  if (pending.is_ours) {
    record_.mark = context_.node->rng.next();
    record_dirty_ = true;
    marking_ = context_.submit(
        std::make_unique<MarkWork>(context_.folder, record_.mark, context_.config().folder_fsync));
  }
  add_rows(batch, pending);
  if (batch.rows.empty()) {
    if (pages_.empty()) has_other_names_ = false;  // they told nothing new
    return;
  }
  pending_ = std::move(pending);
  commit_ = owner_.commit(std::move(batch));
}

// False: a replica has forked, and nothing is taken until what we have after its fork has another name.
bool SyncPathManager::take_pages(Pending& pending) {
  for (ReceivedChanges& page : std::exchange(pages_, {})) {
    auto forks = pending.lineages.reconcile(page.lineages);
    if (!forks) {
      // It was right when it came. Pages after it were asked for as if it were taken.
      ++context_.counters.refused_pages;
      reopen_clients();
      break;
    }
    if (!forks->ours.empty()) {
      pending.lineages.trim(forks->ours(knowledge_));
      on_fork({std::move(forks->ours), std::move(pending.lineages)});
      return false;
    }
    for (const Entry& entry : page.entries) receive(pending, forks->theirs(entry));
    pending.knowledge.add(with_room_for(forks->theirs(page.knowledge), pending.knowledge));
  }
  return true;
}

// The changes of this batch, from counter `first` on.
void SyncPathManager::take_own(Pending& pending, std::uint64_t first) {
  Lineage own = pending.lineages.find(replica_);
  // A machine that goes on from a snapshot of its memory has not been started, but its wall clock jumps.
  const std::int64_t clocks_apart = context_.wall_ns() - context_.now().time_since_epoch().count();
  const bool has_jumped = std::abs(clocks_apart - std::exchange(clocks_apart_, clocks_apart)) > kClockJumpNs;
  if (!run_begun_ || has_jumped) {
    Bytes bytes;  // also of the time: a machine that was copied while it ran draws the same numbers
    append_u64(context_.node->rng.next(), bytes);
    append_u64(static_cast<std::uint64_t>(context_.wall_ns()), bytes);
    const std::uint64_t mark = read_u64(sha256(bytes).view());
    own.runs.push_back({first, std::clamp(mark, Lineage::kUnknownMark + 1, Lineage::kClosedMark - 1)});
    pending.begins_run = true;
    run_begun_ = true;
  }
  own.end = pending.knowledge.of(replica_);
  pending.lineages.put(replica_, std::move(own));
}

// What the entry is once this batch is joined; nothing when it is new.
const Entry* SyncPathManager::pending_entry(const Pending& pending, const NodeId& id) const {
  const auto found = pending.entries.find(id);
  return found != pending.entries.end() ? &found->second : context_.tree.find(id);
}

void SyncPathManager::merge_into(Pending& pending, Entry entry) {
  if (const Entry* before = pending_entry(pending, entry.id)) {
    Entry joined = *before;
    joined.join(entry);
    entry = std::move(joined);
  }
  pending.entries[entry.id] = std::move(entry);
}

// An entry that would pass its bound stays as it is here. Its new versions count as known: they are not asked
// for again and again. The fingerprints then differ, so hosts that lack them are not taken for equal; a write
// that replaces the versions is small, and settles it everywhere.
void SyncPathManager::receive(Pending& pending, const Entry& entry) {
  const Entry* before = pending_entry(pending, entry.id);
  Entry joined = before != nullptr ? *before : Entry{entry.id, {}, {}, {}, {}, {}};
  joined.join(entry);
  const bool is_within = fits(joined, kReceivedEntryBytesMax) ||
                         (before != nullptr && entry_bytes(joined) <= entry_bytes(*before));
  if (!is_within) {
    ++context_.counters.entries_refused;
    if (refused_.size() < kRefusedMax) refused_.emplace(entry.id, entry.place.winner().value.name);
    return;
  }
  refused_.erase(entry.id);
  pending.entries[entry.id] = std::move(joined);
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
  add_lineage_rows(batch, pending);
  if (auto row = verifier_.take_row()) add(IndexTable::kFolder, kVerifierKey, std::move(row));
  if (record_dirty_) add(IndexTable::kFolder, {}, encode_folder_record(record_));
  record_dirty_ = false;
}

void SyncPathManager::add_lineage_rows(IndexBatch& batch, const Pending& pending) const {
  const auto add = [&](Bytes key, std::optional<std::uint64_t> value) {
    std::optional<Bytes> bytes;
    if (value) append_u64(*value, bytes.emplace());
    batch.rows.push_back({{context_.group, IndexTable::kFolder, std::move(key)}, std::move(bytes)});
  };
  std::set<ReplicaId> changed;
  for (const auto& [replica, lineage] : pending.lineages.changed()) {
    changed.insert(replica);
    const std::vector<Run>& before = context_.lineages.find(replica).runs;
    const auto [gone, come] = std::ranges::mismatch(before, lineage.runs);
    for (auto run = gone; run != before.end(); ++run) add(run_key(replica, *run), std::nullopt);
    for (auto run = come; run != lineage.runs.end(); ++run) add(run_key(replica, *run), run->mark);
  }
  for (const Dot& dot : pending.knowledge.counters()) {
    if (knowledge_.of(dot.replica) != dot.counter) changed.insert(dot.replica);
  }
  for (const ReplicaId& replica : changed) {
    const std::uint64_t end = pending.lineages.find(replica).end;
    if (end != pending.knowledge.of(replica)) {
      add(end_key(replica), end);
    } else if (context_.lineages.find(replica).end != knowledge_.of(replica)) {
      add(end_key(replica), std::nullopt);
    }
  }
}

void SyncPathManager::add_content_rows(IndexBatch& batch) {
  for (const auto& [content, parts] : std::exchange(lists_, {})) {
    batch.rows.push_back(list_row(context_.group, content, parts));
  }
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
  if (pending.renames) return on_renamed();
  for (const auto& [id, entry] : pending.entries) context_.tree.join(entry);
  knowledge_ = std::move(pending.knowledge);
  context_.lineages.take(pending.lineages);
  pulled_.add(knowledge_);
  if (pages_.empty()) has_other_names_ = false;
  for (const NodeId& id : context_.tree.take_changed()) applier_.consider(id);
  // Also what the tree shows as before: the disk may be another.
  for (const NodeId& id : pending.found) applier_.consider(id);
  for (const NodeId& id : pending.new_directories) scanner_.rescan(id, true, context_.now());
  if (pending.is_ours) announce(pending.begins_run);
}

}  // namespace shoal::sync
