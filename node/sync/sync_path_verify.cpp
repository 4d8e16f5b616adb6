// SyncPathManager: what becomes of the damage that the Verifier finds.

#include <algorithm>
#include <utility>

#include "node/sync/sync_path_manager.h"

namespace shoal::sync {

// Folder and index are at rest, so that what differs has no other reason.
bool SyncPathManager::may_verify() const {
  return is_running() && !setting_up_ && !pending_ && findings_.empty() && pages_.empty() &&
         !scanner_.is_scanning() && !applier_.is_installing() && !context_.disk.is_dirty();
}

Result<FolderVerifyResult> SyncPathManager::verify(const std::string& path, std::uint64_t pass) {
  if (!is_running()) {
    return fail(ErrorCode::kIo, "the folder has stopped (" + stopped_for_ + "): " + next_step_);
  }
  if (pass == 0) {
    const auto begun = verifier_.begin(path);
    if (!begun) return tl::unexpected(begun.error());
    pass = *begun;
    // Names, too: what no event has told of.
    const NodeId top = *context_.disk.at(path);
    const bool is_directory = context_.disk.is_directory(top);
    scanner_.rescan(is_directory ? top : context_.disk.find(top)->parent, is_directory, context_.now());
  }
  FolderVerifyResult result;
  const auto found = verifier_.find(pass);
  if (!found) {
    return fail(ErrorCode::kNotFound, "the verification was cut short: the node has started again since");
  }
  result.pass = *found;
  result.damaged = path_status(found->path, kFolderRowsMax, result.more);
  std::erase_if(result.damaged, [](const FolderPathStatus& each) { return each.cause != "damaged"; });
  return result;
}

void SyncPathManager::on_damaged_tree() {
  start_over("the index in memory was damaged: it is read again");
}

// When the bytes are those that the tree shows, the row that says otherwise is what is damaged; or the disk
// could not read them for a while.
void SyncPathManager::on_damaged_file(const DiskEntry& entry, const std::optional<ContentName>& found) {
  DiskEntry seen = entry;
  const std::optional<Shown> shown = context_.tree.shown(entry.id);
  const bool is_right = found && shown && shown->content.kind == NodeKind::kFile &&
                        entry.content.kind == NodeKind::kFile && name_of(shown->content) == *found;
  if (is_right) {
    seen.content = shown->content;
    seen.content.mtime_ns = entry.stat.mtime_ns;
    seen.content_dot = shown->content_dot;
    if (std::exchange(seen.damage, std::nullopt)) ++context_.counters.damage_repaired;
  } else {
    seen.damage = found ? found->root : Id{};
    ++context_.counters.damage_found;
  }
  context_.disk.put(std::move(seen));
  applier_.consider(entry.id);
}

std::optional<std::vector<PartRef>> SyncPathManager::parts_of(const ContentName& content) const {
  return applier_.fetcher().known_parts(content);
}

void SyncPathManager::on_compare_due() {
  for (auto& [connection, client] : clients_) client.open_again();
}

VerifierListener::Comparison SyncPathManager::comparison(Instant since) const {
  Comparison comparison;
  for (const auto& [connection, client] : clients_) {
    if (!client.is_open()) continue;
    ++comparison.peers;
    const bool is_equal = client.equal_at() && *client.equal_at() >= since;
    comparison.at_odds += client.is_at_odds() ? 1 : 0;
    comparison.equal += is_equal && !client.is_at_odds() ? 1 : 0;
    comparison.is_repairing |= client.is_pulling();
  }
  return comparison;
}

bool SyncPathManager::is_waiting(const NodeId& damaged) const {
  return applier_.trouble(damaged) != nullptr;
}

// All that is to be done is to repair files that no peer has.
bool SyncPathManager::has_only_damage_left() const {
  if (context_.disk.damaged().empty()) return false;
  const bool is_busy =
      scanner_.is_scanning() || !findings_.empty() || pending_ || !pages_.empty() || applier_.is_installing();
  return !is_busy && std::ranges::all_of(applier_.unfinished(), [&](const NodeId& id) {
    return context_.disk.damaged().contains(id) && is_waiting(id);
  });
}

}  // namespace shoal::sync
