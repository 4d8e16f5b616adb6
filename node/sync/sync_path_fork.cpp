// SyncPathManager: a replica of the folder has forked (lineage.h): what we have after the fork gets other
// names.

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "node/sync/reader.h"
#include "node/sync/sync_path_manager.h"

namespace shoal::sync {

// Pages that are not taken yet have the old names; peers are asked again under the new ones.
void SyncPathManager::on_fork(Fork fork) {
  fork_ = std::move(fork);
  pages_.clear();
  halt("renaming");
}

// Once nothing is under way that knows the old names.
void SyncPathManager::rename_forked() {
  const bool is_idle = loaded_ && !pending_ && !setting_up_ && !applier_.is_installing();
  if (!is_idle) return;
  halt("renaming");
  const Renaming& renaming = fork_->renaming;
  ++context_.counters.forks;
  Pending pending;
  pending.renames = true;
  pending.knowledge = renaming(knowledge_);
  pending.lineages = std::move(fork_->lineages);
  if (pending.lineages.find(replica_).is_closed()) take_new_replica();
  IndexBatch batch;
  add_renamed_entries(batch, pending);
  rename_disk();
  for (std::set<NodeId>* ids : {&deletions_.shown, &deletions_.confirmed, &context_.covered}) {
    for (const NodeId& id : std::exchange(*ids, {})) ids->insert(renaming(id));
  }
  for (auto& [id, name] : std::exchange(refused_, {})) refused_.emplace(renaming(id), std::move(name));
  verifier_.rename(renaming);
  add_rows(batch, pending);
  pending_ = std::move(pending);
  commit_ = owner_.commit(std::move(batch));
}

void SyncPathManager::add_renamed_entries(IndexBatch& batch, Pending& pending) const {
  const auto join = [&](const Entry& entry) {
    Entry& joined = pending.entries[entry.id];
    joined.id = entry.id;
    joined.join(entry);
  };
  for (const NodeId& id : context_.tree.ids()) {
    const Entry* before = context_.tree.find(id);
    if (before == nullptr) continue;  // a conflict copy
    Entry now = fork_->renaming(*before);
    if (now == *before) continue;
    if (now.id != id) {
      // Rows that come stand after those that go, and so win.
      batch.rows.push_back({{context_.group, IndexTable::kEntry, key_of(id)}, std::nullopt});
      const Entry* same = context_.tree.find(now.id);
      if (same != nullptr) join(fork_->renaming(*same));
    }
    join(now);
  }
}

void SyncPathManager::rename_disk() {
  std::vector<DiskEntry> renamed;
  for (const NodeId& id : context_.disk.ids()) {
    const DiskEntry before = *context_.disk.find(id);
    DiskEntry now = fork_->renaming(before);
    if (now == before) continue;
    context_.disk.erase(id);
    renamed.push_back(std::move(now));
  }
  for (DiskEntry& entry : renamed) context_.disk.put(std::move(entry));
}

void SyncPathManager::on_renamed() {
  fork_.reset();
  announced_ = {};
  load();
  reopen_clients();
  if (stopped_for_.empty()) open();
}

// What peers are known to have is forgotten, and what they are about to answer is not taken.
void SyncPathManager::reopen_clients() {
  pulled_ = knowledge_;
  has_other_names_ = false;
  std::map<Guid, Contact> peers;
  for (const auto& [connection, client] : clients_) peers.emplace(connection, client.contact());
  clients_.clear();
  for (const auto& [connection, contact] : peers) on_peer(connection, contact);
}

}  // namespace shoal::sync
