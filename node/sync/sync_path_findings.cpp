// SyncPathManager: what a person did on this disk, as changes of this replica.

#include <algorithm>
#include <utility>

#include "node/sync/sync_path_manager.h"

namespace shoal::sync {
namespace {

// Fewer files go without asking, whatever their share.
constexpr std::uint64_t kMassDeletionMin = 20;
// Deletions with less time between them are one.
constexpr Duration kMassDeletionPause = std::chrono::minutes(1);
constexpr Duration kPutBackRetry = std::chrono::seconds(5);
constexpr std::size_t kPathsLookedForMax = 4096;

}  // namespace

void SyncPathManager::take_findings(Pending& pending) {
  if (findings_.empty()) return;
  if (is_mass_deletion()) {
    stop_for(kMassDeletion,
             "more than half of the files are gone: resume the folder if that was meant, or put them back");
    retry_at_ = context_.now() + kPutBackRetry;
    return;
  }
  Stamp stamp{replica_, pending.knowledge.of(replica_) + 1};
  const std::uint64_t first = stamp.counter;
  for (std::size_t taken = 0; taken < kFindingsPerBatch && !findings_.empty(); ++taken) {
    Finding finding = std::move(findings_.front());
    findings_.pop_front();
    set_time(stamp, finding.stat);
    take(finding, stamp, pending);
  }
  pending.is_ours = stamp.counter != first;
  if (pending.is_ours) pending.knowledge.add(replica_, stamp.counter - 1);
}

// Of what was deleted nothing says when: then it is now.
void SyncPathManager::set_time(Stamp& stamp, const FileStat& found) const {
  const std::int64_t now_ms = context_.node->wall_time().time_since_epoch().count();
  stamp.now_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(now_ms, 1));
  const std::int64_t changed_ms = found.ctime_ns / 1'000'000;
  const bool is_known = changed_ms > 0 && changed_ms < now_ms;
  stamp.changed_ms = is_known ? static_cast<std::uint64_t>(changed_ms) : stamp.now_ms;
}

// Over several scans, and however slow: what counts is how many files the person has made fewer without a
// pause. A program that makes and deletes its temporary files deletes nothing of the folder, and what peers
// delete is not the person's.
bool SyncPathManager::is_mass_deletion() {
  if (!std::exchange(findings_unjudged_, false)) return false;
  std::set<NodeId> shown;
  std::uint64_t created = 0;
  for (const Finding& finding : findings_) {
    if (finding.kind == Finding::Kind::kDeleted) shown.insert(finding.id);
    if (finding.kind == Finding::Kind::kCreated && finding.stat.kind == FileKind::kFile) ++created;
  }
  std::uint64_t gone = 0;
  std::uint64_t deleted = 0;  // of these, what nobody has confirmed
  for (const NodeId& id : shown) {
    if (is_below_one_of(shown, id)) continue;  // it was found missing with its directory, too
    gone += files_below(id, {});
    deleted += files_below(id, deletions_.confirmed);
  }
  if (deleted == 0) return false;
  const Instant now = context_.now();
  if (now - deletions_.last > kMassDeletionPause + 2 * fs_.scan_took()) deletions_.files = 0;
  deletions_.last = now;
  const std::uint64_t fewer = deletions_.files + deleted - std::min(deletions_.files + deleted, created);
  const std::uint64_t left = context_.disk.files() + created - std::min(gone, context_.disk.files());
  if (fewer <= kMassDeletionMin || fewer <= left) return false;
  deletions_.shown = std::move(shown);
  return true;
}

// The files of a deletion that was asked about may be put back: then nobody needs to answer.
void SyncPathManager::look_for_put_back() {
  retry_at_ = context_.now() + kPutBackRetry;
  if (looking_ || context_.folder == nullptr) return;
  auto work = std::make_unique<LookWork>(context_.folder);
  for (const NodeId& id : deletions_.shown) {
    if (work->paths.size() == kPathsLookedForMax) break;
    if (auto path = context_.disk.path(id)) work->paths.push_back(std::move(*path));
  }
  looking_ = context_.submit(std::move(work));
}

// Most of them are there: the scan finds out what is missing all the same, and may stop again.
void SyncPathManager::on_looked(const LookWork& work) {
  if (looking_ != work.number) return;
  looking_.reset();
  if (stopped_for_ == kMassDeletion && 2 * work.there >= work.paths.size()) open();
}

std::uint64_t SyncPathManager::files_below(const NodeId& id, const std::set<NodeId>& but) const {
  const DiskEntry* entry = context_.disk.find(id);
  if (entry == nullptr || but.contains(id)) return 0;
  std::uint64_t files = entry->content.kind == NodeKind::kFile ? 1 : 0;
  for (const DiskEntry* child : context_.disk.children(id)) files += files_below(child->id, but);
  return files;
}

bool SyncPathManager::is_below_one_of(const std::set<NodeId>& ids, const NodeId& id) const {
  for (const DiskEntry* at = context_.disk.find(id); at != nullptr; at = context_.disk.find(at->parent)) {
    if (ids.contains(at->parent)) return true;
  }
  return false;
}

// How many files the person has made fewer.
void SyncPathManager::count_files(const Finding& finding) {
  if (finding.kind == Finding::Kind::kCreated && finding.stat.kind == FileKind::kFile) {
    deletions_.files -= std::min<std::uint64_t>(deletions_.files, 1);
  } else if (finding.kind == Finding::Kind::kDeleted) {
    deletions_.files += files_below(finding.id, deletions_.confirmed);
  }
}

void SyncPathManager::take(Finding& finding, Stamp& stamp, Pending& pending) {
  if (finding.content.depth > 0 && !finding.parts.empty()) {
    contents_.emplace_back(name_of(finding.content), std::move(finding.parts));
  }
  if (finding.kind != Finding::Kind::kCreated) {
    if (context_.disk.find(finding.id) == nullptr) return;
    if (has_no_room(finding.id, pending)) return;
    pending.found.push_back(finding.id);
  }
  count_files(finding);
  switch (finding.kind) {
    case Finding::Kind::kCreated:
      return take_created(finding, stamp, pending);
    case Finding::Kind::kEdited:
      return take_edited(finding, stamp, pending);
    case Finding::Kind::kMode:
      return take_mode(finding, stamp, pending);
    case Finding::Kind::kMoved:
      return take_moved(finding, stamp, pending);
    case Finding::Kind::kDeleted:
      return take_deleted(finding.id, stamp, pending);
  }
}

// A write adds at most one version, with a name or the target of a link. What is found of an entry that has
// no room for it stays untold; each scan finds it again.
bool SyncPathManager::has_no_room(const NodeId& id, const Pending& pending) {
  constexpr std::size_t kWriteBytesMax = kLinkBytesMax + 512;
  const Entry* entry = pending_entry(pending, id);
  if (entry == nullptr || fits(*entry, kEntryBytesMax - kWriteBytesMax)) return false;
  if (refused_.size() < kRefusedMax) refused_.emplace(id, entry->place.winner().value.name);
  return true;
}

void SyncPathManager::add(Pending& pending, std::vector<Entry> entries) {
  for (Entry& entry : entries) merge_into(pending, std::move(entry));
}

// What was known at this place is not there any longer: it has moved, as a finding still to come says, or is
// gone. False: a peer's file has taken the place since, so what was found there is not there either.
bool SyncPathManager::vacate(const Finding& found, Stamp& stamp, Pending& pending) {
  const DiskEntry* there = context_.disk.child(found.parent, found.name);
  if (there == nullptr || there->id == found.id) return true;
  const NodeId id = there->id;
  if (found.replaces != id) {
    on_unexpected(found.parent);
    return false;
  }
  const auto moved = std::ranges::find_if(findings_, [&](const Finding& finding) {
    return finding.kind == Finding::Kind::kMoved && finding.id == id;
  });
  if (moved == findings_.end()) {
    take_deleted(id, stamp, pending);
    return true;
  }
  Finding finding = std::move(*moved);
  findings_.erase(moved);
  take_moved(finding, stamp, pending);
  return context_.disk.child(found.parent, found.name) == nullptr;
}

void SyncPathManager::take_created(Finding& finding, Stamp& stamp, Pending& pending) {
  if (!context_.disk.is_directory(finding.parent)) return;
  if (!vacate(finding, stamp, pending)) return;
  DiskEntry entry;
  entry.parent = finding.parent;
  entry.name = finding.name;
  entry.content = finding.content;
  entry.stat = finding.stat;
  entry.rehash = finding.rehash;
  // What the tree wants there and has not put there yet: it need not be fetched.
  const std::optional<Shown> wanted = context_.tree.child(finding.parent, finding.name);
  if (wanted && context_.disk.find(wanted->id) == nullptr && wanted->content.same_bytes(finding.content)) {
    entry.id = wanted->id;
    entry.content_dot = wanted->content_dot;
    if (const Entry* known = context_.tree.find(wanted->id)) entry.place_dot = known->place.winner().dot;
    applier_.consider(wanted->id);
  } else {
    Entry created_entry =
        created(stamp, finding.parent, finding.name, finding.content, Metadata{finding.stat.mode});
    entry.id = created_entry.id;
    entry.content_dot = created_entry.content.winner().dot;
    entry.place_dot = created_entry.place.winner().dot;
    merge_into(pending, std::move(created_entry));
  }
  if (entry.content.kind == NodeKind::kDirectory) pending.new_directories.push_back(entry.id);
  context_.disk.put(std::move(entry));
}

void SyncPathManager::take_edited(Finding& finding, Stamp& stamp, Pending& pending) {
  DiskEntry entry = *context_.disk.find(finding.id);
  // A peer's version has taken its place since it was looked at.
  if (entry.stat != finding.known) return on_unexpected(entry.parent);
  const bool is_other = !entry.content.same_bytes(finding.content);
  const bool is_touched = entry.content.mtime_ns != finding.content.mtime_ns;
  if (is_other || is_touched) {
    const std::optional<Shown> wanted = context_.tree.shown(finding.id);
    if (wanted && wanted->content.same_bytes(finding.content) &&
        wanted->content.mtime_ns == finding.content.mtime_ns) {
      entry.content_dot = wanted->content_dot;
    } else if (context_.tree.members(finding.id).empty() && !context_.tree.conflict_origin(finding.id)) {
      const auto coming = pending.entries.find(finding.id);
      const Entry* known = coming != pending.entries.end() ? &coming->second : context_.tree.find(finding.id);
      if (known == nullptr) {
        // A conflict copy that a peer has settled meanwhile: what was written into it is a file of its own.
        finding.parent = entry.parent;
        finding.name = entry.name;
        context_.disk.erase(finding.id);
        return take_created(finding, stamp, pending);
      }
      // Deleted by a peer, which we have not done yet: an edit is stronger. Or created in this very batch.
      entry.content_dot = {stamp.replica, stamp.counter};
      merge_into(pending, written_again(stamp, *known, finding.content));
    } else {
      const Dot dot{stamp.replica, stamp.counter};  // the first that is taken
      std::vector<Entry> entries =
          edited(context_.tree, stamp, finding.id, entry.content_dot, finding.content);
      entry.content_dot = dot;
      add(pending, std::move(entries));
    }
  }
  entry.content = finding.content;
  entry.rehash = finding.rehash;
  const std::uint32_t mode_before = entry.stat.mode;
  entry.stat = finding.stat;
  context_.disk.put(std::move(entry));
  if (finding.stat.mode != mode_before && finding.stat.kind == FileKind::kFile)
    take_mode(finding, stamp, pending);
}

void SyncPathManager::take_mode(Finding& finding, Stamp& stamp, Pending& pending) {
  DiskEntry entry = *context_.disk.find(finding.id);
  entry.stat = finding.stat;
  context_.disk.put(std::move(entry));
  const std::optional<Shown> shown = context_.tree.shown(finding.id);
  if (!shown || shown->metadata.mode == finding.stat.mode) return;
  add(pending, mode_changed(context_.tree, stamp, finding.id, Metadata{finding.stat.mode}));
}

void SyncPathManager::take_moved(Finding& finding, Stamp& stamp, Pending& pending) {
  if (!context_.disk.is_directory(finding.parent)) return;
  if (!vacate(finding, stamp, pending)) return;
  const DiskEntry* before = context_.disk.find(finding.id);
  if (before == nullptr) return;
  DiskEntry entry = *before;
  entry.parent = finding.parent;
  entry.name = finding.name;
  entry.stat = finding.stat;
  const std::optional<Shown> shown = context_.tree.shown(finding.id);
  if (shown && (shown->parent != finding.parent || shown->name != finding.name)) {
    std::vector<Entry> entries =
        moved(context_.tree, stamp, finding.id, entry.content_dot, finding.parent, finding.name);
    for (const Entry& written : entries) {
      if (written.id == finding.id) entry.place_dot = written.place.winner().dot;
    }
    add(pending, std::move(entries));
  }
  context_.disk.put(std::move(entry));
}

void SyncPathManager::take_deleted(const NodeId& id, Stamp& stamp, Pending& pending) {
  std::vector<NodeId> below;
  for (const DiskEntry* child : context_.disk.children(id)) below.push_back(child->id);
  for (const NodeId& child : below) take_deleted(child, stamp, pending);
  const DiskEntry* have = context_.disk.find(id);
  if (have == nullptr) return;
  pending.found.push_back(id);
  if (context_.tree.shown(id)) {
    add(pending, deleted(context_.tree, stamp, id, have->content_dot, have->place_dot));
  }
  context_.disk.erase(id);
}

}  // namespace shoal::sync
