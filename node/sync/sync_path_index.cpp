// SyncPathManager: what of a folder stands in the index, and the batches that go there.

#include <algorithm>
#include <utility>

#include "node/sync/reader.h"
#include "node/sync/sync_path_manager.h"

namespace shoal::sync {
namespace {

constexpr std::uint8_t kRecordVersion = 2;
constexpr std::size_t kRootBytesMax = 4096;
constexpr std::size_t kRowsPerRead = 4096;

const Bytes kKnowledgeKey = {'k', 'n', 'o', 'w', 'l', 'e', 'd', 'g', 'e'};

Bytes key_of(const NodeId& id) {
  Bytes key;
  append_dot(id, key);
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
  pulled_ = knowledge_;
  for (auto& [connection, client] : clients_) client.pull_what_is_missing();  // what was lost with a batch
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

// ---- Batches

void SyncPathManager::commit() {
  if (pending_ || !loaded_) return;
  IndexBatch batch;
  Pending pending;
  pending.knowledge = knowledge_;
  if (is_running()) {
    take_pages(pending);
    take_findings(pending);
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
  for (ReceivedChanges& page : std::exchange(pages_, {})) {
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
