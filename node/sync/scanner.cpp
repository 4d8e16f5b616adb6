#include "node/sync/scanner.h"

#include <algorithm>
#include <utility>

namespace shoal::sync {
namespace {

constexpr std::size_t kDirectoriesPerWork = 64;
constexpr std::size_t kListsMax = 4;
constexpr std::size_t kFilesPerHash = 64;
constexpr std::uint64_t kBytesPerHash = 8 << 20;
// Deletions are told together while they go on, so that one sees how many they are, but no longer than this.
constexpr int kGracesMax = 10;
// A file that is written to while it is read is tried again after this.
constexpr Duration kChangingRetry = std::chrono::seconds(1);

}  // namespace

void Scanner::rescan(const NodeId& directory, bool recursive, Instant when) {
  Due& due = due_[directory];
  due.when = std::min(due.when, when);
  due.recursive |= recursive;
}

Instant Scanner::next() const {
  if (phase_ != Phase::kIdle) return kNever;
  Instant next = kNever;
  for (const auto& [directory, due] : due_) next = std::min(next, due.when);
  return next;
}

void Scanner::abort(const std::string& reason) {
  const bool was_scanning = is_scanning();
  phase_ = Phase::kIdle;
  ++epoch_;
  due_.clear();
  queued_.clear();
  new_.clear();
  vanished_.clear();
  touched_.clear();
  missing_.clear();
  to_hash_.clear();
  stretches_.clear();
  stretched_.clear();
  lists_under_way_ = hashes_under_way_ = 0;
  if (!was_scanning) return;
  ++context_.counters.scans_aborted;
  listener_.on_scan_aborted(reason);
}

void Scanner::advance(bool may_begin) {
  if (phase_ == Phase::kIdle && may_begin && next() <= context_.now()) begin();
  if (phase_ == Phase::kHashing) hash_queued();
}

void Scanner::begin() {
  phase_ = Phase::kListing;
  ++epoch_;
  listed_.clear();
  recursive_.clear();
  const Instant now = context_.now();
  for (auto due = due_.begin(); due != due_.end();) {
    if (due->second.when > now) {
      ++due;
      continue;
    }
    queued_.insert(due->first);
    if (due->second.recursive) recursive_.insert(due->first);
    due = due_.erase(due);
  }
  ++context_.counters.scans_started;
  listener_.on_scan_started();
  list_queued();
}

void Scanner::list_queued() {
  while (!queued_.empty() && lists_under_way_ < kListsMax) {
    auto work = std::make_unique<ListWork>(context_.folder);
    while (!queued_.empty() && work->directories.size() < kDirectoriesPerWork) {
      const NodeId directory = *queued_.begin();
      queued_.erase(queued_.begin());
      if (!context_.disk.is_directory(directory) || !listed_.insert(directory).second) continue;
      work->directories.push_back({directory, *context_.disk.path(directory), {}});
    }
    if (work->directories.empty()) continue;
    ++lists_under_way_;
    work_epoch_[context_.submit(std::move(work))] = epoch_;
  }
  if (lists_under_way_ == 0) sort_out();
}

void Scanner::on_work(ListWork& work) {
  const auto epoch = work_epoch_.extract(work.number);
  if (epoch.empty() || epoch.mapped() != epoch_ || phase_ != Phase::kListing) return;
  --lists_under_way_;
  unwatched_ |= work.unwatched;
  for (ListWork::Directory& directory : work.directories) {
    take_listing(directory);
    if (phase_ != Phase::kListing) return;  // aborted
  }
  list_queued();
}

void Scanner::take_listing(ListWork::Directory& directory) {
  if (!directory.entries) {
    const Error& error = directory.entries.error();
    if (directory.id == kRoot) return abort(error.code == ErrorCode::kNotFound ? "path_missing" : "io_error");
    // One that has gone, or is no directory any longer, is told by its parent's listing.
    if (error.code != ErrorCode::kNotFound) {
      listener_.on_scan_trouble(directory.path, ScanTrouble{"io_error", error.message});
    }
    const DiskEntry* known = context_.disk.find(directory.id);
    const bool is_other = error.code == ErrorCode::kNotFound || error.code == ErrorCode::kInvalidArgument;
    if (is_other && known != nullptr) queued_.insert(known->parent);
    return;
  }
  const auto is_own = [](const DirectoryEntry& entry) { return entry.name == kPrivateDirectory; };
  if (directory.id == kRoot && std::ranges::none_of(*directory.entries, is_own))
    return abort("marker_missing");
  listener_.on_scan_trouble(directory.path, std::nullopt);
  if (const auto told = unsyncable_.extract(directory.id)) {
    for (const std::string& path : told.mapped()) listener_.on_scan_trouble(path, std::nullopt);
  }
  find_node_data(directory);
  const auto is_ignored = [&](const std::string& name, bool is_directory) {
    return context_.is_ignored(join_path(directory.path, name), is_directory);
  };
  Listing listing{directory.id, std::move(*directory.entries)};
  for (Difference& difference : compare(context_.disk, listing, is_ignored)) {
    take_difference(std::move(difference), directory.id);
  }
  // What is there again was not deleted.
  const std::int64_t old_ns = context_.wall_ns() - kYoung.count();
  for (const DiskEntry* child : context_.disk.children(directory.id)) {
    if (!vanished_.contains(child->id)) missing_.erase(child->id);
    const bool rehash = child->rehash && !is_ignored(child->name, false);
    if (rehash && !touched_.contains(child->id) && !vanished_.contains(child->id)) {
      if (child->stat.mtime_ns <= old_ns) {
        touched_.emplace(child->id, child->stat);
      } else {
        rescan(directory.id, false, context_.now() + kYoung);
      }
    }
    const bool is_directory = child->content.kind == NodeKind::kDirectory &&
                              !context_.is_node_data(join_path(directory.path, child->name));
    if (is_directory && recursive_.contains(directory.id) && !vanished_.contains(child->id)) {
      queued_.insert(child->id);
      recursive_.insert(child->id);
    }
  }
  listener_.on_listed(directory.id);
}

void Scanner::find_node_data(const ListWork::Directory& directory) {
  const auto is_node_data = [](const DirectoryEntry& entry) {
    return entry.stat.kind == FileKind::kNodeData;
  };
  if (context_.node_data.empty() && std::ranges::none_of(*directory.entries, is_node_data)) return;
  std::set<std::string> directories;  // that are there
  for (const DirectoryEntry& entry : *directory.entries) {
    std::string path = join_path(directory.path, entry.name);
    if (is_node_data(entry)) {
      context_.node_data.insert(path);
      listener_.on_scan_trouble(path, ScanTrouble{"node_data", {}});
      unsyncable_[directory.id].push_back(path);
    } else {
      context_.node_data.erase(path);
    }
    if (is_node_data(entry) || entry.stat.kind == FileKind::kDirectory) directories.insert(std::move(path));
  }
  const std::string below = directory.path.empty() ? "" : directory.path + "/";
  std::erase_if(context_.node_data, [&](const std::string& path) {
    return path.starts_with(below) && !directories.contains(path.substr(0, path.find('/', below.size())));
  });
}

void Scanner::take_difference(Difference difference, const NodeId& directory) {
  switch (difference.kind) {
    case Difference::Kind::kNew:
      new_.push_back({directory, std::move(difference.name), std::move(difference.stat)});
      break;
    case Difference::Kind::kVanished:
      vanished_.insert(difference.id);
      break;
    case Difference::Kind::kForgotten:
      context_.disk.erase_tree(difference.id);
      break;
    case Difference::Kind::kTouched:
      touched_.emplace(difference.id, difference.stat);
      break;
    case Difference::Kind::kMode:
    case Difference::Kind::kTarget: {
      const DiskEntry& known = *context_.disk.find(difference.id);
      Finding finding;
      finding.kind =
          difference.kind == Difference::Kind::kMode ? Finding::Kind::kMode : Finding::Kind::kEdited;
      finding.id = difference.id;
      finding.content = known.content;
      finding.content.target = difference.stat.link_target;
      finding.stat = std::move(difference.stat);
      finding.known = known.stat;
      listener_.on_finding(std::move(finding));
      break;
    }
    case Difference::Kind::kUnsyncable: {
      std::string path = path_of(directory, difference.name);
      listener_.on_scan_trouble(
          path,
          ScanTrouble{"unsyncable", "neither a file, a directory nor a link, or a name that is reserved"});
      unsyncable_[directory].push_back(std::move(path));
      break;
    }
  }
}

bool Scanner::is_vanished(const NodeId& id) const {
  for (NodeId at = id; at != kRoot;) {
    if (vanished_.contains(at) || missing_.contains(at)) return true;
    const DiskEntry* entry = context_.disk.find(at);
    if (entry == nullptr) return false;
    at = entry->parent;
  }
  return false;
}

// Everything is listed: moves are told from the rest. Something new with the inode of something that we
// believe elsewhere makes us look there first.
void Scanner::sort_out() {
  for (const New& found : new_) {
    const auto same = context_.disk.with_inode(found.stat.inode);
    if (!same || is_vanished(*same)) continue;
    const DiskEntry& known = *context_.disk.find(*same);
    if (known.stat.kind == found.stat.kind && !listed_.contains(known.parent)) queued_.insert(known.parent);
  }
  if (!queued_.empty()) return list_queued();

  phase_ = Phase::kHashing;
  std::vector<New> rest;
  // The outermost first: what lies in a directory that has moved has not.
  for (New& found : std::exchange(new_, {})) {
    if (!take_move(found)) rest.push_back(std::move(found));
  }
  take_vanished();
  for (const New& found : rest) take_new(found);
  for (const auto& [id, stat] : std::exchange(touched_, {})) {
    const DiskEntry* known = context_.disk.find(id);
    if (known != nullptr) queue_hash(id, std::nullopt, known->parent, known->name, stat);
  }
  hash_queued();
}

bool Scanner::take_move(const New& found) {
  const auto same = context_.disk.with_inode(found.stat.inode);
  if (!same || !is_vanished(*same)) return false;
  const DiskEntry& known = *context_.disk.find(*same);
  if (!same_file(known.stat, found.stat)) return false;
  vanished_.erase(*same);
  missing_.erase(*same);
  Finding finding;
  finding.kind = Finding::Kind::kMoved;
  finding.id = *same;
  finding.parent = found.parent;
  finding.name = found.name;
  finding.content = known.content;
  finding.replaces = known_at(found);
  finding.stat = found.stat;
  finding.rehash = known.rehash;
  listener_.on_finding(std::move(finding));
  // Its watches know another path, and so do those of all below it.
  if (found.stat.kind == FileKind::kDirectory) rescan(*same, true, context_.now());
  return true;
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
    listener_.on_finding(std::move(finding));
  }
}

void Scanner::take_new(const New& found) {
  if (found.stat.kind == FileKind::kFile)
    return queue_hash(std::nullopt, known_at(found), found.parent, found.name, found.stat);
  Finding finding;
  finding.kind = Finding::Kind::kCreated;
  finding.parent = found.parent;
  finding.name = found.name;
  finding.replaces = known_at(found);
  finding.stat = found.stat;
  const bool is_link = found.stat.kind == FileKind::kLink;
  finding.content.kind = is_link ? NodeKind::kLink : NodeKind::kDirectory;
  finding.content.target = found.stat.link_target;
  listener_.on_finding(std::move(finding));
}

// What was known where this was found.
std::optional<NodeId> Scanner::known_at(const New& found) const {
  const DiskEntry* known = context_.disk.child(found.parent, found.name);
  if (known == nullptr) return std::nullopt;
  return known->id;
}

std::string Scanner::path_of(const NodeId& parent, const std::string& name) const {
  return join_path(context_.disk.path(parent).value_or(std::string()), name);
}

// ---- Hashing

void Scanner::queue_hash(std::optional<NodeId> id, std::optional<NodeId> replaces, const NodeId& parent,
                         const std::string& name, const FileStat& stat) {
  HashWork::File file;
  file.id = id;
  file.replaces = replaces;
  if (id) file.known = context_.disk.find(*id)->stat;
  file.parent = parent;
  file.name = name;
  file.path = path_of(parent, name);
  if (stat.size >= 2 * kStretchBytes && context_.pool.width() > 1) {
    queue_stretches(std::move(file), stat.size);
  } else {
    to_hash_.push_back({std::move(file), stat.size});
  }
}

void Scanner::queue_stretches(HashWork::File file, std::uint64_t bytes) {
  const std::size_t count = bytes / kStretchBytes;
  file.stretches.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t begin = i * kStretchBytes;
    const std::uint64_t end = i + 1 < count ? begin + kStretchBytes : UINT64_MAX;
    auto work = std::make_unique<StretchWork>(context_.folder, file.path, begin, end);
    work->file = files_stretched_;
    work->index = i;
    stretches_.push_back(std::move(work));
  }
  stretched_.emplace(files_stretched_++, Stretched{std::move(file), count});
}

void Scanner::hash_queued() {
  const std::size_t under_way_max = context_.pool.width();
  while (!stretches_.empty() && hashes_under_way_ < under_way_max) {
    submit_hash(std::move(stretches_.front()));
    stretches_.pop_front();
  }
  while (!to_hash_.empty() && hashes_under_way_ < under_way_max) {
    auto work = std::make_unique<HashWork>(context_.folder);
    std::uint64_t bytes = 0;
    while (!to_hash_.empty() && work->files.size() < kFilesPerHash && bytes < kBytesPerHash) {
      bytes += to_hash_.front().bytes;
      work->files.push_back(std::move(to_hash_.front().file));
      to_hash_.pop_front();
    }
    submit_hash(std::move(work));
  }
  end_if_done();
}

void Scanner::submit_hash(std::unique_ptr<FolderWork> work) {
  ++hashes_under_way_;
  work_epoch_[context_.submit(std::move(work))] = epoch_;
}

// False for work of a scan that was aborted.
bool Scanner::has_ended(const FolderWork& work) {
  const auto epoch = work_epoch_.extract(work.number);
  if (epoch.empty() || epoch.mapped() != epoch_ || phase_ != Phase::kHashing) return false;
  --hashes_under_way_;
  return true;
}

void Scanner::on_work(StretchWork& work) {
  if (!has_ended(work)) return;
  const auto found = stretched_.find(work.file);
  auto& [file, missing] = found->second;
  if (!work.found) {
    file.stat = tl::unexpected(work.found.error());
  } else {
    file.stretches[work.index] = std::move(*work.found);
  }
  if (--missing == 0) {
    if (file.stat) {
      to_hash_.push_front({std::move(file), 0});
    } else {
      take_hash(file);
    }
    stretched_.erase(found);
  }
  hash_queued();
}

void Scanner::on_work(HashWork& work) {
  if (!has_ended(work)) return;
  for (HashWork::File& file : work.files) take_hash(file);
  hash_queued();
}

void Scanner::take_hash(HashWork::File& file) {
  if (!file.stat) {
    const ErrorCode code = file.stat.error().code;
    if (code == ErrorCode::kNotFound || code == ErrorCode::kInvalidArgument) {  // gone, or no file any longer
      rescan(file.parent, false, context_.now() + context_.config().folder_settle);
    } else {
      const bool is_changing = code == ErrorCode::kBusy;
      listener_.on_scan_trouble(
          file.path, ScanTrouble{is_changing ? "changing" : "io_error", file.stat.error().message});
      if (is_changing) rescan(file.parent, false, context_.now() + kChangingRetry);
    }
    return;
  }
  listener_.on_scan_trouble(file.path, std::nullopt);
  ++context_.counters.files_hashed;
  context_.counters.bytes_hashed += file.content.size;
  Finding finding;
  finding.kind = file.id ? Finding::Kind::kEdited : Finding::Kind::kCreated;
  if (file.id) finding.id = *file.id;
  finding.replaces = file.replaces;
  finding.known = std::move(file.known);
  finding.parent = file.parent;
  finding.name = std::move(file.name);
  finding.content.kind = NodeKind::kFile;
  finding.content.root = file.content.root;
  finding.content.depth = file.content.depth;
  finding.content.size = file.content.size;
  finding.content.mtime_ns = file.stat->mtime_ns;
  finding.stat = *file.stat;
  finding.parts = std::move(file.parts);
  finding.rehash = context_.wall_ns() - file.stat->mtime_ns < kYoung.count();
  if (finding.rehash) rescan(file.parent, false, context_.now() + kYoung);
  listener_.on_finding(std::move(finding));
}

void Scanner::end_if_done() {
  if (phase_ != Phase::kHashing || hashing() > 0) return;
  phase_ = Phase::kIdle;
  ++context_.counters.scans_complete;
  listener_.on_scan_complete();
}

}  // namespace shoal::sync
