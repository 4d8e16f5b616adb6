// Scanner: what the listings of one scan say together: what has moved, what is gone, what is new.

#include <algorithm>
#include <map>
#include <utility>

#include "node/sync/scanner.h"

namespace shoal::sync {
namespace {

// Deletions are told together while they go on, so that one sees how many they are, but no longer than this.
constexpr int kGracesMax = 10;
// A directory that is another one in each of two scans is listed after this only.
constexpr Duration kRemadeRetry = std::chrono::seconds(1);
// Names that files have left, which are remembered.
constexpr std::size_t kLeftMax = 4096;

}  // namespace

bool Scanner::is_vanished(const NodeId& id) const {
  for (NodeId at = id; at != kRoot;) {
    if (vanished_.contains(at) || missing_.contains(at)) return true;
    const DiskEntry* entry = context_.disk.find(at);
    if (entry == nullptr) return false;
    at = entry->parent;
  }
  return false;
}

// Everything is listed: moves are told from the rest.
void Scanner::sort_out() {
  std::erase_if(remade_, [&](const auto& each) { return context_.disk.find(each.first) == nullptr; });
  bool looks_elsewhere = false;
  for (const New& found : new_) looks_elsewhere |= look_where_it_was(found);
  for (const auto& [id, found] : remade_) looks_elsewhere |= look_where_it_was(found);
  if (looks_elsewhere) return list_queued();

  phase_ = Phase::kHashing;
  sort_remade();
  std::vector<New> rest;
  // The outermost first: what lies in a directory that has moved has not.
  for (New& found : std::exchange(new_, {})) {
    if (!take_return(found) && !take_move(found)) rest.push_back(std::move(found));
  }
  take_vanished();
  for (const New& found : rest) take_new(found);
  for (const auto& [id, stat] : std::exchange(touched_, {})) {
    const DiskEntry* known = context_.disk.find(id);
    if (known == nullptr) continue;
    HashWork::File file = file_at({known->parent, known->name, stat});
    file.id = id;
    file.known = known->stat;
    queue_hash(std::move(file), stat.size);
  }
  hash_queued();
}

// Something has the inode of what we believe elsewhere: whether that is still there is to be known first.
bool Scanner::look_where_it_was(const New& found) {
  const auto same = context_.disk.with_inode(found.stat.inode);
  if (!same || is_vanished(*same) || remade_.contains(*same)) return false;
  const DiskEntry& known = *context_.disk.find(*same);
  if (!same_inode(known.stat, found.stat) || listed_.contains(known.parent)) return false;
  queued_.insert(known.parent);
  return true;
}

// Directories whose names hold others. Where both the old and the new inode are strangers elsewhere, the
// directory was made again, or the folder was copied. Otherwise directories have moved.
void Scanner::sort_remade() {
  std::map<std::uint64_t, FileStat> places;
  for (const New& found : new_) places.emplace(found.stat.inode, found.stat);
  for (const auto& [id, found] : remade_) places.emplace(found.stat.inode, found.stat);
  std::vector<NodeId> moved;
  for (const auto& [id, found] : remade_) {
    const auto elsewhere = places.find(context_.disk.find(id)->stat.inode);
    const bool has_left =
        elsewhere != places.end() && same_inode(elsewhere->second, context_.disk.find(id)->stat);
    const auto other = context_.disk.with_inode(found.stat.inode);
    const bool has_come = other && (remade_.contains(*other) || is_vanished(*other)) &&
                          same_inode(context_.disk.find(*other)->stat, found.stat);
    if (has_left || has_come) moved.push_back(id);
  }
  for (const NodeId& id : moved) {
    vanished_.insert(id);
    new_.push_back(std::move(remade_.extract(id).mapped()));
  }
  // Some file systems give a directory another inode number each time.
  const std::set<NodeId> before = std::exchange(remade_before_, {});
  for (auto& [id, found] : std::exchange(remade_, {})) {
    remade_before_.insert(id);
    tell_mode(id, std::move(found.stat));
    rescan(id, true, context_.now() + (before.contains(id) ? kRemadeRetry : Duration::zero()));
  }
}

// The file that left this name a moment ago, when it may take it back.
const Scanner::Left* Scanner::left_at(const NodeId& parent, const std::string& name) const {
  const auto left = left_.find({parent, name});
  if (left == left_.end() || context_.disk.child(parent, name) != nullptr) return nullptr;
  const DiskEntry* entry = context_.disk.find(left->second.id);
  return entry != nullptr && entry->content.kind == NodeKind::kFile ? &left->second : nullptr;
}

bool Scanner::take_return(const New& found) {
  const Left* left = found.stat.kind == FileKind::kFile ? left_at(found.parent, found.name) : nullptr;
  if (left == nullptr) return false;
  const DiskEntry& away = *context_.disk.find(left->id);
  if (same_file(away.stat, found.stat)) return false;  // it has moved back
  const Instant now = context_.now();
  left_.find({found.parent, found.name})->second.until = now + kReturnWindow;
  // The backup may be gone already. The entry is not, as long as its new content is to come.
  if (vanished_.erase(away.id) > 0) {
    missing_.insert_or_assign(away.id, now);
    rescan(away.parent, false, now + context_.config().folder_deletion_grace);
  }
  queue_hash(file_at(found), found.stat.size);
  return true;
}

bool Scanner::take_move(const New& found) {
  const auto same = context_.disk.with_inode(found.stat.inode);
  if (!same || !is_vanished(*same)) return false;
  const DiskEntry& known = *context_.disk.find(*same);
  if (!same_file(known.stat, found.stat)) return false;
  const bool is_file = found.stat.kind == FileKind::kFile;
  HashWork::File file = file_at(found);
  if (is_file && (known.stat.birth_ns == 0 || found.stat.birth_ns == 0)) {
    ++doubtful_;
    file.moved = known.id;
    file.replaces = known_at(found);
    queue_hash(std::move(file), found.stat.size);
    return true;
  }
  // Its stat may be that of before an edit, set back; and ctime tells of the move alone.
  const bool may_be_edited = is_file && (known.rehash || known.stat.ctime_ns != found.stat.ctime_ns);
  file.id = known.id;
  file.known = found.stat;
  tell_move(known.id, found, may_be_edited);
  if (may_be_edited) queue_hash(std::move(file), found.stat.size);
  return true;
}

void Scanner::tell_move(const NodeId& id, const New& found, bool rehash) {
  const DiskEntry& known = *context_.disk.find(id);
  vanished_.erase(id);
  missing_.erase(id);
  if (known.content.kind == NodeKind::kFile && left_.size() < kLeftMax) {
    left_.insert_or_assign({known.parent, known.name},
                           Left{id, known.content_dot, context_.now() + kReturnWindow});
  }
  Finding finding;
  finding.kind = Finding::Kind::kMoved;
  finding.id = id;
  finding.parent = found.parent;
  finding.name = found.name;
  finding.content = known.content;
  finding.replaces = known_at(found);
  finding.stat = found.stat;
  finding.rehash = rehash;
  tell(std::move(finding));
  // Its watches know another path, and so do those of all below it.
  if (found.stat.kind == FileKind::kDirectory) rescan(id, true, context_.now());
}

void Scanner::take_vanished() {
  const Instant now = context_.now();
  const Duration grace = context_.config().folder_deletion_grace;
  for (const NodeId& id : std::exchange(vanished_, {})) {
    const DiskEntry* known = context_.disk.find(id);
    if (known == nullptr) continue;
    const auto [missing, is_new] = missing_.try_emplace(id, now);
    if (is_new) last_missed_ = now;
    const Instant due = std::min(last_missed_ + grace, missing->second + kGracesMax * grace);
    if (now < due) {
      rescan(known->parent, false, due);
      continue;
    }
    missing_.erase(id);
    Finding finding;
    finding.kind = Finding::Kind::kDeleted;
    finding.id = id;
    tell(std::move(finding));
  }
}

void Scanner::take_new(const New& found) {
  if (found.stat.kind == FileKind::kFile) {
    HashWork::File file = file_at(found);
    file.replaces = known_at(found);
    return queue_hash(std::move(file), found.stat.size);
  }
  Finding finding;
  finding.kind = Finding::Kind::kCreated;
  finding.parent = found.parent;
  finding.name = found.name;
  finding.replaces = known_at(found);
  finding.stat = found.stat;
  const bool is_link = found.stat.kind == FileKind::kLink;
  finding.content.kind = is_link ? NodeKind::kLink : NodeKind::kDirectory;
  finding.content.target = found.stat.link_target;
  tell(std::move(finding));
}

// What was known where this was found.
std::optional<NodeId> Scanner::known_at(const New& found) const {
  const DiskEntry* known = context_.disk.child(found.parent, found.name);
  if (known == nullptr) return std::nullopt;
  return known->id;
}

}  // namespace shoal::sync
