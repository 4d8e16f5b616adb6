#include "node/sync/scanner.h"

#include <algorithm>
#include <utility>

namespace shoal::sync {
namespace {

constexpr std::size_t kDirectoriesPerWork = 64;
constexpr std::size_t kListsMax = 4;
constexpr std::size_t kFilesPerHash = 64;
constexpr std::uint64_t kBytesPerHash = 8 << 20;
// A file that is written to while it is read is tried again after this.
constexpr Duration kChangingRetry = std::chrono::seconds(1);
// What is covered by a mount, or cannot be listed, is looked at again after this.
constexpr Duration kOutOfSightRetry = std::chrono::seconds(10);

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
  remade_.clear();
  vanished_.clear();
  touched_.clear();
  held_.clear();
  doubtful_ = 0;
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
  std::erase_if(left_, [&](const auto& left) { return left.second.until < now; });
  std::erase_if(missing_, [&](const auto& each) { return context_.disk.find(each.first) == nullptr; });
  std::erase_if(context_.covered, [&](const NodeId& id) { return context_.disk.find(id) == nullptr; });
  for (auto due = due_.begin(); due != due_.end();) {
    if (due->second.when > now) {
      ++due;
      continue;
    }
    queued_.insert(due->first);
    if (due->second.recursive) recursive_.insert(due->first);
    due = due_.erase(due);
  }
  // All is listed again, and perhaps there are watches for all now.
  if (recursive_.contains(kRoot)) unwatched_ = false;
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
      work->directories.push_back({directory, *context_.disk.path(directory), {}, {}});
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
  if (!directory.entries) return take_failure(directory);
  const auto is_own = [](const DirectoryEntry& entry) { return entry.name == kPrivateDirectory; };
  if (directory.id == kRoot && std::ranges::none_of(*directory.entries, is_own))
    return abort("marker_missing");
  if (!is_as_known(directory)) return;
  listener_.on_scan_trouble(directory.path, std::nullopt);
  if (const auto told = unsyncable_.extract(directory.id)) {
    for (const std::string& path : told.mapped()) listener_.on_scan_trouble(path, std::nullopt);
  }
  find_node_data(directory);
  const auto is_ignored = [&](const std::string& name, bool is_directory) {
    return context_.is_ignored(join_path(directory.path, name), is_directory);
  };
  std::vector<NodeId> uncovered;
  for (const NodeId& id : context_.covered) {
    const DiskEntry* covered = context_.disk.find(id);
    if (covered != nullptr && covered->parent == directory.id) uncovered.push_back(id);
  }
  for (const NodeId& id : uncovered) context_.covered.erase(id);
  Listing listing{directory.id, std::move(*directory.entries)};
  for (Difference& difference : compare(context_.disk, listing, is_ignored)) {
    take_difference(std::move(difference), directory.id);
  }
  for (const NodeId& id : uncovered) {
    if (!context_.covered.contains(id)) rescan(id, true, context_.now());
  }
  take_children(directory);
  listener_.on_listed(directory.id);
}

void Scanner::take_failure(const ListWork::Directory& directory) {
  const Error& error = directory.entries.error();
  if (directory.id == kRoot) return abort(error.code == ErrorCode::kNotFound ? "path_missing" : "io_error");
  const DiskEntry* known = context_.disk.find(directory.id);
  if (known == nullptr) return;
  // Its parent's listing shows it missing, or what is in its place.
  queued_.insert(known->parent);
  if (error.code == ErrorCode::kNotFound) return;
  if (error.code != ErrorCode::kInvalidArgument) {
    listener_.on_scan_trouble(directory.path, ScanTrouble{"io_error", error.message});
  }
  // Nobody tells when it can be listed again.
  rescan(directory.id, recursive_.contains(directory.id), context_.now() + kOutOfSightRetry);
}

// Otherwise this name holds another directory now, and what was listed is not what lies in the known one.
bool Scanner::is_as_known(const ListWork::Directory& directory) {
  if (directory.id == kRoot) return true;
  const DiskEntry* known = context_.disk.find(directory.id);
  if (known == nullptr) return false;
  if (same_inode(known->stat, directory.stat) || context_.is_ignored(directory.path, true)) return true;
  queued_.insert(known->parent);
  rescan(directory.id, recursive_.contains(directory.id), context_.now() + kChangingRetry);
  return false;
}

void Scanner::take_children(const ListWork::Directory& directory) {
  for (const DiskEntry* child : context_.disk.children(directory.id)) {
    const NodeId& id = child->id;
    if (vanished_.contains(id)) continue;
    // What is there again was not deleted. A directory may be one that was made again.
    const bool is_back = missing_.erase(id) > 0;
    if (remade_.contains(id) || context_.covered.contains(id)) continue;
    const bool is_directory = child->content.kind == NodeKind::kDirectory;
    if (!is_directory && !child->rehash) continue;
    const std::string path = join_path(directory.path, child->name);
    if (is_directory && (is_back || recursive_.contains(directory.id)) && !context_.is_node_data(path)) {
      queued_.insert(id);
      recursive_.insert(id);
    }
    if (!child->rehash || touched_.contains(id) || context_.is_ignored(path, false)) continue;
    if (is_young(child->stat)) {
      rescan(directory.id, false, context_.now() + kYoung);
    } else {
      touched_.emplace(id, child->stat);
    }
  }
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
    case Difference::Kind::kRemade:
      remade_.emplace(difference.id,
                      New{directory, context_.disk.find(difference.id)->name, std::move(difference.stat)});
      break;
    case Difference::Kind::kMode:
      tell_mode(difference.id, std::move(difference.stat));
      break;
    case Difference::Kind::kTarget: {
      const DiskEntry& known = *context_.disk.find(difference.id);
      Finding finding;
      finding.kind = Finding::Kind::kEdited;
      finding.id = difference.id;
      finding.content = known.content;
      finding.content.target = difference.stat.link_target;
      finding.stat = std::move(difference.stat);
      finding.known = known.stat;
      tell(std::move(finding));
      break;
    }
    case Difference::Kind::kCovered:
      take_covered(difference, directory);
      break;
    case Difference::Kind::kUnsyncable:
      tell_unsyncable(directory, difference.name,
                      {"unsyncable",
                       "neither a file, a directory nor a link, a mount point, or a name that is reserved"});
      break;
  }
}

void Scanner::take_covered(const Difference& difference, const NodeId& directory) {
  const bool is_mount = difference.stat.kind == FileKind::kMount;
  context_.covered.insert(difference.id);
  tell_unsyncable(directory, difference.name,
                  is_mount ? ScanTrouble{"mounted_over", "something is mounted there"}
                           : ScanTrouble{"unsyncable", "a device, socket or FIFO is in its place"});
  // Nobody tells when it is unmounted.
  rescan(directory, false, context_.now() + kOutOfSightRetry);
}

void Scanner::tell_unsyncable(const NodeId& directory, const std::string& name, ScanTrouble trouble) {
  std::string path = path_of(directory, name);
  listener_.on_scan_trouble(path, std::move(trouble));
  unsyncable_[directory].push_back(std::move(path));
}

void Scanner::tell_mode(const NodeId& id, FileStat stat) {
  Finding finding;
  finding.kind = Finding::Kind::kMode;
  finding.id = id;
  finding.stat = std::move(stat);
  tell(std::move(finding));
}

// Moves of one scan are told together.
void Scanner::tell(Finding finding) {
  if (doubtful_ > 0) {
    held_.push_back(std::move(finding));
  } else {
    listener_.on_finding(std::move(finding));
  }
}

std::string Scanner::path_of(const NodeId& parent, const std::string& name) const {
  return join_path(context_.disk.path(parent).value_or(std::string()), name);
}

// ---- Hashing

HashWork::File Scanner::file_at(const New& found) const {
  HashWork::File file;
  file.parent = found.parent;
  file.name = found.name;
  file.path = path_of(found.parent, found.name);
  return file;
}

void Scanner::queue_hash(HashWork::File file, std::uint64_t bytes) {
  if (bytes >= 2 * kStretchBytes && context_.pool.width() > 1) {
    queue_stretches(std::move(file), bytes);
  } else {
    to_hash_.push_back({std::move(file), bytes});
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

void Scanner::take_hash_trouble(const HashWork::File& file) {
  const ErrorCode code = file.stat.error().code;
  if (code == ErrorCode::kNotFound || code == ErrorCode::kInvalidArgument) {  // gone, or no file any longer
    return rescan(file.parent, false, context_.now() + context_.config().folder_settle);
  }
  const bool is_changing = code == ErrorCode::kBusy;
  listener_.on_scan_trouble(file.path,
                            ScanTrouble{is_changing ? "changing" : "io_error", file.stat.error().message});
  if (is_changing) rescan(file.parent, false, context_.now() + kChangingRetry);
}

void Scanner::take_hash(HashWork::File& file) {
  if (!file.stat) {
    take_hash_trouble(file);
    if (file.moved) end_doubt();
    return;
  }
  listener_.on_scan_trouble(file.path, std::nullopt);
  ++context_.counters.files_hashed;
  context_.counters.bytes_hashed += file.content.size;
  Finding finding;
  finding.kind = file.id ? Finding::Kind::kEdited : Finding::Kind::kCreated;
  if (file.id) finding.id = *file.id;
  finding.replaces = file.replaces;
  finding.parent = file.parent;
  finding.name = std::move(file.name);
  finding.content.kind = NodeKind::kFile;
  finding.content.root = file.content.root;
  finding.content.depth = file.content.depth;
  finding.content.size = file.content.size;
  finding.content.mtime_ns = file.stat->mtime_ns;
  finding.stat = *file.stat;
  finding.parts = std::move(file.parts);
  finding.rehash = must_rehash(*file.stat, file.known);
  finding.known = std::move(file.known);
  if (finding.rehash) rescan(file.parent, false, context_.now() + kYoung);
  const DiskEntry* moved = file.moved ? context_.disk.find(*file.moved) : nullptr;
  if (moved != nullptr && is_vanished(moved->id) && moved->content.same_bytes(finding.content)) {
    tell_move(moved->id, {finding.parent, finding.name, finding.stat}, finding.rehash);
  } else {
    if (!file.id && !file.moved) take_back(finding);
    tell(std::move(finding));
  }
  if (file.moved) end_doubt();
}

// Is it the new content of a file that left this name?
void Scanner::take_back(Finding& finding) {
  const Left* left = left_at(finding.parent, finding.name);
  if (left == nullptr) return;
  finding.returning = Finding::Returning{left->id, left->content, !is_vanished(left->id)};
  missing_.erase(left->id);
  left_.erase({finding.parent, finding.name});
}

// Of two writes within one tick of the clock the second shows in no time.
bool Scanner::is_young(const FileStat& stat) const {
  const std::int64_t now = context_.wall_ns();
  const auto is_near = [&](std::int64_t time_ns) {
    return time_ns < now ? now - time_ns < kYoung.count() : time_ns - now < kYoung.count();
  };
  return is_near(stat.mtime_ns) && is_near(stat.ctime_ns);
}

// The clock of a file server may be ahead of ours. Then it is the first look that may be too early.
bool Scanner::must_rehash(const FileStat& stat, const FileStat& known) const {
  if (is_young(stat)) return true;
  const std::int64_t now = context_.wall_ns();
  return stat.ctime_ns > now && stat.mtime_ns > now && stat.ctime_ns != known.ctime_ns;
}

void Scanner::end_doubt() {
  if (--doubtful_ > 0) return;
  for (Finding& finding : std::exchange(held_, {})) tell(std::move(finding));
}

void Scanner::end_if_done() {
  if (phase_ != Phase::kHashing || hashing() > 0) return;
  phase_ = Phase::kIdle;
  ++context_.counters.scans_complete;
  listener_.on_scan_complete();
}

}  // namespace shoal::sync
