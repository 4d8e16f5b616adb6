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

void SyncPathManager::on_finding(Finding finding) {
  if (finding.kind == Finding::Kind::kMoved) {
    moves_.insert_or_assign(finding.id, std::move(finding));
  } else {
    findings_.push_back(std::move(finding));
    findings_unjudged_ = true;
  }
}

void SyncPathManager::take_findings(Pending& pending) {
  if (!has_findings()) return;
  const Lineage& own = pending.lineages.find(replica_);
  if (own.is_closed() || own.runs.size() + 2 > Lineage::kRunsMax) take_new_replica();
  Stamp stamp{replica_, pending.knowledge.of(replica_) + 1};
  const std::uint64_t first = stamp.counter;
  if (!moves_.empty()) take_moves(stamp, pending);
  if (moves_.empty() && is_mass_deletion()) {
    stop_for(kMassDeletion,
             "more than half of the files are gone: resume the folder if that was meant, or put them back");
    retry_at_ = context_.now() + kPutBackRetry;
  }
  for (std::size_t taken = 0; taken < kFindingsPerBatch && moves_.empty() && !findings_.empty(); ++taken) {
    Finding finding = std::move(findings_.front());
    findings_.pop_front();
    set_time(stamp, finding.stat);
    take(finding, stamp, pending);
  }
  pending.is_ours = stamp.counter != first;
  if (!pending.is_ours) return;
  pending.knowledge.add(replica_, stamp.counter - 1);
  take_own(pending, first);
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
// pause, and how many of those that were there at one time are gone. A program that makes and deletes its
// temporary files deletes nothing of the folder, on whichever host it makes them, and what peers delete is
// not the person's.
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
  if (now - deletions_.last > kMassDeletionPause + 2 * fs_.scan_took()) {
    deletions_.files = 0;
    deletions_.most = 0;
  }
  deletions_.last = now;
  const std::uint64_t there = context_.disk.files();
  deletions_.most = std::max(deletions_.most, there);
  const std::uint64_t left = there + created - std::min(gone, there);
  const std::uint64_t by_person = deletions_.files + deleted - std::min(deletions_.files + deleted, created);
  const std::uint64_t fewer = std::min(by_person, deletions_.most - std::min(deletions_.most, left));
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

bool SyncPathManager::is_ignored(const NodeId& id) const {
  const auto path = context_.disk.path(id);
  return path && context_.ignores_anything() && context_.is_ignored(*path, context_.disk.is_directory(id));
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
    case Finding::Kind::kMoved:  // on_finding() has put it into moves_
      return;
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

// What was known at this place is gone: had it moved, it would have been taken before. False: a peer's file
// has taken the place since, so what was found there is not there either.
bool SyncPathManager::vacate(const Finding& found, Stamp& stamp, Pending& pending) {
  const DiskEntry* there = context_.disk.child(found.parent, found.name);
  if (there == nullptr || there->id == found.id) return true;
  if (found.replaces != there->id) {
    on_unexpected(found.parent);
    return false;
  }
  take_deleted(there->id, stamp, pending);
  return true;
}

void SyncPathManager::take_created(Finding& finding, Stamp& stamp, Pending& pending) {
  if (!context_.disk.is_directory(finding.parent)) return;
  if (!vacate(finding, stamp, pending)) return;
  if (finding.returning && take_returning(finding, stamp, pending)) return;
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
  // A change of the mode, or of the owner, does not make an edit of damage.
  const bool is_damaged = entry.damage == finding.content.root && same_file(entry.stat, finding.stat);
  const bool is_other = !is_damaged && !entry.content.same_bytes(finding.content);
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
  if (!is_damaged) {
    entry.content = finding.content;
    entry.damage.reset();
  }
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
  if (!shown || shown->metadata.mode == finding.stat.mode || finding.stat.kind == FileKind::kLink) return;
  add(pending, mode_changed(context_.tree, stamp, finding.id, Metadata{finding.stat.mode}));
}

// Some of the moves that were found, with those whose places they take, so that names which change in a cycle
// or a chain are taken as one renaming.
std::vector<Finding> SyncPathManager::next_moves() {
  std::vector<Finding> moves;
  const auto add = [&](std::map<NodeId, Finding>::iterator move) {
    moves.push_back(std::move(move->second));
    moves_.erase(move);
  };
  std::size_t looked_at = 0;
  while (looked_at < moves.size() || (moves.size() < kFindingsPerBatch && !moves_.empty())) {
    if (looked_at == moves.size()) add(moves_.begin());
    const Finding& move = moves[looked_at++];
    const DiskEntry* there = context_.disk.child(move.parent, move.name);
    if (there == nullptr) continue;
    if (const auto next = moves_.find(there->id); next != moves_.end()) {
      add(next);
    } else if (!context_.disk.children(there->id).empty()) {
      // A directory that is gone; something that lay in it may be among the moves.
      while (!moves_.empty()) add(moves_.begin());
    }
  }
  return moves;
}

// Without those that are no longer as they were found: a peer's file has taken the place since; and without
// those that would put a directory into itself: the directory above it has moved too, and its move is not
// found yet.
void SyncPathManager::refuse_moves(std::vector<Finding>& moves) {
  std::map<NodeId, NodeId> moving;  // and where to
  for (const Finding& move : moves) {
    if (context_.disk.find(move.id) != nullptr) moving.emplace(move.id, move.parent);
  }
  const auto closes_cycle = [&](const NodeId& id) {
    std::set<NodeId> above;
    for (NodeId at = id; at != kRoot;) {
      if (!above.insert(at).second) return true;
      const auto moved = moving.find(at);
      const DiskEntry* entry = context_.disk.find(at);
      if (moved == moving.end() && entry == nullptr) return false;
      at = moved != moving.end() ? moved->second : entry->parent;
    }
    return false;
  };
  const auto is_refused = [&](const Finding& move) {
    if (!moving.contains(move.id) || !context_.disk.is_directory(move.parent)) return true;
    const DiskEntry* there = context_.disk.child(move.parent, move.name);
    if (there != nullptr && !moving.contains(there->id) && move.replaces != there->id) return true;
    return move.stat.kind == FileKind::kDirectory && closes_cycle(move.id);
  };
  for (bool again = true; again;) {
    again = false;
    std::erase_if(moves, [&](const Finding& move) {
      if (!is_refused(move)) return false;
      again |= moving.erase(move.id) > 0;
      on_unexpected(move.parent);
      if (const DiskEntry* known = context_.disk.find(move.id)) on_unexpected(known->parent);
      return true;
    });
  }
}

void SyncPathManager::take_moves(Stamp& stamp, Pending& pending) {
  std::vector<Finding> moves = next_moves();
  refuse_moves(moves);
  std::set<NodeId> moving;
  for (const Finding& move : moves) moving.insert(move.id);
  std::set<NodeId> gone;
  for (const Finding& move : moves) {
    const DiskEntry* there = context_.disk.child(move.parent, move.name);
    if (there != nullptr && !moving.contains(there->id)) gone.insert(there->id);
  }
  // All leave their places before any takes another's: out of what is gone first. No name has a slash.
  const auto leave = [&](const NodeId& id) {
    DiskEntry entry = *context_.disk.find(id);
    entry.parent = kRoot;
    entry.name = "/" + std::to_string(pending.found.size());
    pending.found.push_back(id);
    context_.disk.put(std::move(entry));
  };
  for (const NodeId& id : moving) {
    if (is_below_one_of(gone, id)) leave(id);
  }
  set_time(stamp, {});
  for (const NodeId& id : gone) take_deleted(id, stamp, pending);
  for (const NodeId& id : moving) {
    const DiskEntry* entry = context_.disk.find(id);
    if (entry != nullptr && entry->name.front() != '/') leave(id);
  }
  for (const Finding& move : moves) {
    set_time(stamp, move.stat);
    take_moved(move, stamp, pending);
  }
}

void SyncPathManager::take_moved(const Finding& finding, Stamp& stamp, Pending& pending) {
  if (context_.disk.find(finding.id) == nullptr) return;
  if (!context_.disk.is_directory(finding.parent) ||
      context_.disk.child(finding.parent, finding.name) != nullptr) {
    // A scan finds it again.
    on_unexpected(finding.parent);
    return context_.disk.erase_tree(finding.id);
  }
  DiskEntry entry = *context_.disk.find(finding.id);
  entry.parent = finding.parent;
  entry.name = finding.name;
  entry.stat = finding.stat;
  entry.rehash = finding.rehash;
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

// A file left this name, and this is its new content. So the entry takes its name back, and what it held goes
// on as an entry of its own where it went. False: it is a new file after all.
bool SyncPathManager::take_returning(Finding& finding, Stamp& stamp, Pending& pending) {
  const NodeId id = finding.returning->id;
  const DiskEntry* away = context_.disk.find(id);
  const std::optional<Shown> shown = context_.tree.shown(id);
  if (away == nullptr || !shown || context_.tree.conflict_origin(id)) return false;
  DiskEntry backup = *away;
  DiskEntry entry = *away;
  entry.parent = finding.parent;
  entry.name = finding.name;
  entry.content = finding.content;
  entry.stat = finding.stat;
  entry.rehash = finding.rehash;
  // The person has not seen what a peer has written into it since, but what he has written himself.
  const bool is_own = away->content_dot.replica == replica_;
  const Dot seen = is_own ? away->content_dot : finding.returning->content;
  if (shown->parent != finding.parent || shown->name != finding.name) {
    std::vector<Entry> entries = moved(context_.tree, stamp, id, seen, finding.parent, finding.name);
    for (const Entry& written : entries) {
      if (written.id == id) entry.place_dot = written.place.winner().dot;
    }
    add(pending, std::move(entries));
  }
  if (!finding.content.same_bytes(backup.content) || finding.content.mtime_ns != backup.content.mtime_ns) {
    entry.content_dot = {stamp.replica, stamp.counter};  // the first that is taken
    add(pending, edited(context_.tree, stamp, id, seen, finding.content));
  }
  context_.disk.put(std::move(entry));
  pending.found.push_back(id);
  finding.id = id;
  if (finding.stat.mode != backup.stat.mode) take_mode(finding, stamp, pending);
  on_unexpected(backup.parent);
  if (!finding.returning->leaves_backup) return true;
  Entry kept = created(stamp, backup.parent, backup.name, backup.content, Metadata{backup.stat.mode});
  backup.id = kept.id;
  backup.content_dot = kept.content.winner().dot;
  backup.place_dot = kept.place.winner().dot;
  merge_into(pending, std::move(kept));
  context_.disk.put(std::move(backup));
  return true;
}

// What this host ignores is no part of it: peers keep that, and with it the directory.
void SyncPathManager::take_deleted(const NodeId& of, Stamp& stamp, Pending& pending) {
  const NodeId id = of;  // `of` may be the entry's own, which goes
  std::vector<NodeId> below;
  for (const DiskEntry* child : context_.disk.children(id)) below.push_back(child->id);
  for (const NodeId& child : below) {
    if (is_ignored(child)) {
      context_.disk.erase_tree(child);
    } else {
      take_deleted(child, stamp, pending);
    }
  }
  const DiskEntry* have = context_.disk.find(id);
  if (have == nullptr) return;
  pending.found.push_back(id);
  if (context_.tree.shown(id)) {
    const auto has_own_file = [&](const NodeId& member) { return context_.disk.find(member) != nullptr; };
    add(pending, deleted(context_.tree, stamp, id, have->content_dot, have->place_dot, has_own_file));
  }
  context_.disk.erase(id);
}

}  // namespace shoal::sync
