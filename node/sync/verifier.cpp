#include "node/sync/verifier.h"

#include <algorithm>
#include <utility>

#include "node/secure/keys.h"
#include "node/sync/chunker.h"
#include "node/sync/reader.h"

namespace shoal::sync {
namespace {

constexpr std::size_t kIndexBytesPerStep = 64 << 10;
constexpr std::size_t kRowsPerStep = 256;
constexpr std::size_t kLookedAtPerStep = 4096;
// Bytes that could be read in the time that finding and opening a file takes.
constexpr std::uint64_t kBytesPerFile = 4096;
constexpr std::size_t kEndedMax = 4;
constexpr Duration kLook = std::chrono::milliseconds(500);
// A peer may be asked twice before it is said that nobody has a file.
constexpr Duration kRepairMin = std::chrono::seconds(3);
// A pass of its own goes by what is still being fetched after this.
constexpr Duration kRepairMax = std::chrono::hours(1);
// Peers that cannot be compared with, since somebody is writing, are gone by after this.
constexpr Duration kCompareMax = std::chrono::seconds(30);
// A comparison says nothing while something is on its way to the index, so it is asked for again.
constexpr Duration kCompareAgain = std::chrono::seconds(2);
constexpr Duration kCompareRepairMax = std::chrono::minutes(10);

constexpr NodeId kEndOfIds = [] {
  NodeId end;
  for (std::uint8_t& byte : end.replica.bytes) byte = 0xff;
  end.counter = ~std::uint64_t{0};
  return end;
}();

NodeId next_id(const NodeId& id) {
  return {id.replica, id.counter + 1};
}

IndexKey row_key(const Id& group, IndexTable table, const NodeId& id) {
  IndexKey key{group, table, {}};
  key.key.reserve(kReplicaIdBytes + 8);
  append_dot(id, key.key);
  return key;
}

}  // namespace

// ---- Passes

void Verifier::stop() {
  if (pass_) {
    pass_->at = resume_at();
    pass_->is_read = false;
  }
  works_.clear();
  suspects_.clear();
  large_.reset();
}

void Verifier::rename(const Renaming& renaming) {
  for (std::optional<Pass>* pass : {&pass_, &suspended_}) {
    if (!*pass) continue;
    (*pass)->top = renaming((*pass)->top);
    for (const NodeId& id : std::exchange((*pass)->found, {})) (*pass)->found.insert(renaming(id));
  }
}

void Verifier::schedule() {
  const Duration interval = context_.config().folder_verify_interval;
  due_ = kNever;
  if (interval == Duration::zero() || !slow_began_) return;
  const Duration passed = std::clamp<Duration>(wall_now() - *slow_began_, Duration::zero(), interval);
  due_ = context_.now() + (interval - passed);
}

Verifier::Pass Verifier::make_pass(const NodeId& top, bool is_fast) {
  Pass pass;
  pass.top = top;
  pass.is_fast = is_fast;
  pass.phase = top == kRoot ? Phase::kIndex : Phase::kFiles;
  pass.told.number = ++passes_;
  pass.told.began = wall_now();
  pass.told.path = context_.disk.path(top).value_or(std::string());
  pass.told.files = context_.disk.files();
  pass.told.bytes = context_.disk.bytes();
  pass.began = context_.now();
  pass.entries_repaired_before = context_.counters.entries_repaired;
  return pass;
}

Result<std::uint64_t> Verifier::begin(const std::string& path) {
  const auto top = context_.disk.at(path);
  if (!top) return fail(ErrorCode::kNotFound, "nothing is known at '" + path + "' in " + context_.root);
  if (pass_ && pass_->is_fast) {
    if (pass_->top == *top) return pass_->told.number;
    return fail(ErrorCode::kBusy, "the folder is being verified: try again when that has ended");
  }
  if (pass_) {
    stop();
    suspended_ = std::exchange(pass_, std::nullopt);
  }
  pass_ = make_pass(*top, true);
  if (*top != kRoot) count_below(pass_->told, *top);
  read_at_ = context_.now();
  is_row_dirty_ = true;
  listener_.on_compare_due();
  return pass_->told.number;
}

void Verifier::count_below(FolderVerification& told, const NodeId& top) const {
  told.files = told.bytes = 0;
  std::vector<const DiskEntry*> rest = {context_.disk.find(top)};
  while (!rest.empty()) {
    const DiskEntry* entry = rest.back();
    rest.pop_back();
    for (const DiskEntry* child : context_.disk.children(entry->id)) rest.push_back(child);
    if (entry->content.kind != NodeKind::kFile) continue;
    ++told.files;
    told.bytes += entry->content.size;
  }
}

void Verifier::advance(bool may_work) {
  if (!may_work || !is_started_) return;
  const Instant now = context_.now();
  if (!pass_ && due_ <= now) {
    pass_ = make_pass(kRoot, false);
    slow_began_ = pass_->told.began;
    schedule();
    is_row_dirty_ = true;
    listener_.on_compare_due();
  }
  if (!pass_) return;
  if (save_at_ <= now) {
    save_at_ = now + kSaveInterval;
    is_row_dirty_ = true;
  }
  step_suspects();
  switch (pass_->phase) {
    case Phase::kIndex:
      return step_index();
    case Phase::kDisk:
      return step_disk();
    case Phase::kFiles:
      return step_files();
    case Phase::kRepair:
      return step_repair();
  }
}

Instant Verifier::next() const {
  if (!is_started_) return kNever;
  if (!pass_) return due_;
  Instant next = kNever;
  const bool has_room = works_.size() < works_max();
  if (has_room) {
    for (const auto& [id, suspect] : suspects_) next = std::min(next, suspect.when);
  }
  if (pass_->phase == Phase::kRepair) return std::min(next, look_at_);
  const bool may_go_on = pass_->is_read ? works_.empty() && suspects_.empty() : has_room;
  return may_go_on ? std::min(next, read_at_) : next;
}

void Verifier::enter(Phase phase) {
  pass_->phase = phase;
  pass_->at = {};
  is_row_dirty_ = true;
}

std::size_t Verifier::works_max() const {
  return pass_->is_fast ? std::max(1u, context_.pool.width() - 1) : 1;
}

void Verifier::spend(std::uint64_t bytes) {
  if (pass_->is_fast) return;
  const double rate = static_cast<double>(context_.config().folder_verify_rate);
  const double seconds = static_cast<double>(bytes) / rate;
  read_at_ = std::max(read_at_, context_.now()) +
             std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

// ---- The index

void Verifier::step_index() {
  if (read_at_ > context_.now()) return;
  const Tree& tree = context_.tree;
  const ChangesPage page = tree.entries_in(next_id(pass_->at.done), kEndOfIds, kIndexBytesPerStep);
  for (const Entry& entry : page.entries) {
    const Bytes row = encode_entry(entry);
    if (sha256(row) != tree.range_fingerprint(entry.id, next_id(entry.id))) {
      ++pass_->told.rows_repaired;
      return listener_.on_damaged_tree();
    }
    if (context_.index.find(row_key(context_.group, IndexTable::kEntry, entry.id)) != row) {
      ++pass_->told.rows_repaired;
      listener_.on_damaged_row(entry.id);
    }
    pass_->at.done = entry.id;
  }
  spend(kIndexBytesPerStep);
  if (page.more) return;
  if (tree.range_fingerprint({}, kEndOfIds) != tree.fingerprint()) {
    ++pass_->told.rows_repaired;
    return listener_.on_damaged_tree();
  }
  enter(Phase::kDisk);
}

void Verifier::step_disk() {
  if (read_at_ > context_.now()) return;
  DiskState& disk = context_.disk;
  for (std::size_t rows = 0; rows < kRowsPerStep; ++rows) {
    const DiskEntry* entry = disk.after(pass_->at.done);
    if (entry == nullptr) return enter(Phase::kFiles);
    pass_->at.done = entry->id;
    const auto row = context_.index.find(row_key(context_.group, IndexTable::kDisk, entry->id));
    if (row == encode_disk_entry(*entry)) continue;
    ++pass_->told.rows_repaired;
    disk.put(DiskEntry(*entry));
  }
  spend(kIndexBytesPerStep);
}

// ---- Files

void Verifier::step_files() {
  const Instant now = context_.now();
  std::size_t looked_at = 0;
  bool is_end = pass_->is_read;
  while (!is_end && works_.size() < works_max() && read_at_ <= now && looked_at < kLookedAtPerStep) {
    auto work = std::make_unique<VerifyWork>(context_.folder);
    const Position from = pass_->at;
    std::uint64_t bytes = 0;
    while (!is_end && work->files.size() < kFilesPerWork && bytes < kBytesPerWork &&
           looked_at++ < kLookedAtPerStep) {
      is_end = !add_next(*work, bytes);
    }
    if (!work->files.empty()) {
      spend(bytes + kBytesPerFile * work->files.size());
      submit(std::move(work), from);
    }
  }
  pass_->is_read = is_end;
  if (is_end && works_.empty() && suspects_.empty()) enter(Phase::kRepair);
}

// The next entry, or more parts of the file that the pass is in, as far as there is something to be read.
// False: there is none.
bool Verifier::add_next(VerifyWork& work, std::uint64_t& bytes) {
  if (large_) {
    const DiskEntry* entry = context_.disk.find(large_->id);
    const bool is_it = entry != nullptr && !entry->damage && name_of(entry->content) == large_->content;
    if (is_it) {
      add_large(work, *entry, bytes);
    } else {
      leave_large();
    }
    return true;
  }
  const DiskEntry* entry = context_.disk.after(pass_->at.done);
  if (entry == nullptr) return false;
  if (!is_to_be_read(*entry)) {
    pass_->at = {entry->id, 0};
    return true;
  }
  if (entry->content.kind == NodeKind::kLink) {
    pass_->at = {entry->id, 0};
    work.files.push_back(file_of(*entry));
    return true;
  }
  auto parts = parts_to_compare(name_of(entry->content));
  if (!parts) {
    pass_->at = {entry->id, 0};
    suspect(*entry, false);
    return true;
  }
  begin_large(*entry, std::move(*parts));
  add_large(work, *entry, bytes);
  return true;
}

bool Verifier::is_to_be_read(const DiskEntry& entry) {
  if (entry.content.kind == NodeKind::kDirectory || !is_below(entry.id)) return false;
  if (entry.damage) {  // it may have been the reading that failed
    pass_->found.insert(entry.id);
    suspects_[entry.id] = {context_.now(), true};
    return false;
  }
  if (entry.content.kind == NodeKind::kFile && entry.content.size == 0) {
    checked(entry);
    return false;
  }
  const auto path = context_.disk.path(entry.id);
  return path && !entry.rehash && !context_.is_ignored(*path, false);
}

bool Verifier::is_below(const NodeId& id) const {
  for (NodeId at = id; at != pass_->top;) {
    const DiskEntry* entry = context_.disk.find(at);
    if (entry == nullptr) return false;
    at = entry->parent;
  }
  return true;
}

// Nothing: the index has no list, or none that can be that of the content. One with wrong hashes shows when
// the file is read as a whole.
std::optional<std::vector<PartRef>> Verifier::parts_to_compare(const ContentName& content) const {
  if (!is_plausible(content)) return std::nullopt;
  auto parts = listener_.parts_of(content);
  const auto is_possible = [](const PartRef& part) { return part.bytes <= kPartBytesMax; };
  if (!parts || !std::ranges::all_of(*parts, is_possible)) return std::nullopt;
  return parts;
}

VerifyWork::File Verifier::file_of(const DiskEntry& entry) const {
  VerifyWork::File file;
  file.id = entry.id;
  file.path = context_.disk.path(entry.id).value_or(std::string());
  file.expected = entry.stat;
  file.content = name_of(entry.content);
  file.link_target = entry.content.target;
  return file;
}

void Verifier::begin_large(const DiskEntry& entry, std::vector<PartRef> parts) {
  large_ = Large{entry.id, name_of(entry.content), std::move(parts), 0, 0};
  while (large_->next < large_->parts.size() && large_->offset < pass_->at.bytes) {
    large_->offset += large_->parts[large_->next++].bytes;
  }
}

void Verifier::add_large(VerifyWork& work, const DiskEntry& entry, std::uint64_t& bytes) {
  VerifyWork::File file = file_of(entry);
  file.offset = large_->offset;
  while (large_->next < large_->parts.size() && bytes < kBytesPerWork) {
    const PartRef& part = large_->parts[large_->next++];
    file.parts.push_back(part);
    large_->offset += part.bytes;
    bytes += part.bytes;
  }
  file.is_last = large_->next == large_->parts.size();
  pass_->at.bytes = large_->offset;
  if (file.is_last) leave_large();
  if (!file.parts.empty()) work.files.push_back(std::move(file));
}

void Verifier::leave_large() {
  pass_->at = {large_->id, 0};
  large_.reset();
}

void Verifier::submit(std::unique_ptr<VerifyWork> work, const Position& from) {
  works_.emplace(context_.submit(std::move(work)), from);
}

// ---- What was read

void Verifier::on_work(VerifyWork& work) {
  if (works_.erase(work.number) == 0 || !pass_) return;
  for (VerifyWork::File& file : work.files) take(file);
}

void Verifier::take(VerifyWork::File& file) {
  const DiskEntry* entry = context_.disk.find(file.id);
  const bool is_it =
      entry != nullptr && entry->stat == file.expected && name_of(entry->content) == file.content;
  if (!is_it) {
    suspects_.erase(file.id);
    return;
  }
  if (suspects_.contains(file.id) && file.parts.empty()) return take_whole(file, *entry);
  // Other parts of it may have been on their way.
  if (suspects_.contains(file.id) || entry->damage) return;
  if (file.outcome == VerifyWork::Outcome::kIntact) {
    for (const PartRef& part : file.parts) pass_->told.bytes_checked += part.bytes;
    if (file.is_last && file.expected.kind == FileKind::kFile) ++pass_->told.files_checked;
    return;
  }
  if (large_ && large_->id == file.id) leave_large();
  if (file.outcome == VerifyWork::Outcome::kDamaged) return suspect(*entry, true);
  if (file.outcome == VerifyWork::Outcome::kUnreadable) ++pass_->told.files_unreadable;
  listener_.on_unexpected(entry->parent);
}

void Verifier::checked(const DiskEntry& entry) {
  if (entry.content.kind != NodeKind::kFile) return;
  ++pass_->told.files_checked;
  pass_->told.bytes_checked = std::min(pass_->told.bytes_checked + entry.content.size, pass_->told.bytes);
}

void Verifier::suspect(const DiskEntry& entry, bool differs) {
  const Instant now = context_.now();
  if (!differs) {
    suspects_[entry.id] = {now, false};
    return;
  }
  const std::int64_t wall = context_.wall_ns();
  const std::int64_t written = entry.stat.mtime_ns <= wall ? entry.stat.mtime_ns : entry.stat.ctime_ns;
  const Duration age = std::chrono::nanoseconds(
      std::clamp<std::int64_t>(wall - written, 0, std::chrono::nanoseconds(kWrittenBefore).count()));
  suspects_[entry.id] = {now + std::max<Duration>(kAgainAfter, kWrittenBefore - age), true};
}

void Verifier::step_suspects() {
  const Instant now = context_.now();
  for (auto suspect = suspects_.begin(); suspect != suspects_.end() && works_.size() < works_max();) {
    const auto at = suspect++;
    if (at->second.when > now) continue;
    const DiskEntry* entry = context_.disk.find(at->first);
    if (entry == nullptr || !context_.disk.path(entry->id)) {
      suspects_.erase(at);
      continue;
    }
    at->second.when = kNever;
    auto work = std::make_unique<VerifyWork>(context_.folder);
    work->flush = at->second.differs;
    work->files.push_back(file_of(*entry));
    spend(entry->content.size);
    submit(std::move(work), pass_->at);
  }
}

void Verifier::take_whole(VerifyWork::File& file, const DiskEntry& entry) {
  const bool differed = suspects_.at(file.id).differs;
  if (file.outcome == VerifyWork::Outcome::kDamaged && !differed) return suspect(entry, true);
  suspects_.erase(file.id);
  switch (file.outcome) {
    case VerifyWork::Outcome::kDamaged:
      return confirm(file, entry);
    case VerifyWork::Outcome::kIntact:
      checked(entry);
      if (entry.damage) listener_.on_damaged_file(entry, file.content);
      if (file.content.depth == 0 || listener_.parts_of(file.content) == file.found_parts) return;
      ++pass_->told.rows_repaired;
      return listener_.on_content(file.content, std::move(file.found_parts));
    case VerifyWork::Outcome::kUnreadable:
      ++pass_->told.files_unreadable;
      break;
    case VerifyWork::Outcome::kChanged:
      break;
  }
  listener_.on_unexpected(entry.parent);
}

void Verifier::confirm(VerifyWork::File& file, const DiskEntry& entry) {
  checked(entry);
  if (entry.damage) return;
  DiskEntry seen = entry;
  seen.stat = file.stat;
  listener_.on_damaged_file(seen, file.found);
  const DiskEntry* now = context_.disk.find(file.id);
  if (now != nullptr && now->damage) {
    pass_->found.insert(file.id);
    is_row_dirty_ = true;
  } else {
    ++pass_->told.rows_repaired;
  }
}

// ---- Repairing

void Verifier::step_repair() {
  const Instant now = context_.now();
  if (pass_->repairing_since == kNever) pass_->repairing_since = now;
  if (pass_->repairing_since != now && look_at_ > now) return;
  look_at_ = now + kLook;
  const Duration waited = now - pass_->repairing_since;
  const auto is_settled = [&](const NodeId& id) {
    const DiskEntry* entry = context_.disk.find(id);
    return entry == nullptr || !entry->damage || (waited >= kRepairMin && listener_.is_waiting(id));
  };
  const bool is_repaired = std::ranges::all_of(pass_->found, is_settled);
  if (!is_repaired && (pass_->is_fast || waited < kRepairMax)) return;
  const VerifierListener::Comparison peers = listener_.comparison(pass_->began);
  const bool is_compared = peers.equal + peers.at_odds >= peers.peers && !peers.is_repairing;
  if (is_compared || waited >= (peers.is_repairing ? kCompareRepairMax : kCompareMax)) return end_pass();
  if (peers.is_repairing || compare_at_ > now) return;
  compare_at_ = now + kCompareAgain;
  listener_.on_compare_due();
}

void Verifier::end_pass() {
  FolderVerification told = this->told(*pass_);
  told.ended = wall_now();
  ended_.push_back(std::move(told));
  if (ended_.size() > kEndedMax) ended_.pop_front();
  if (pass_->is_fast && pass_->top == kRoot) {  // one of its own would look at the same
    slow_began_ = pass_->told.began;
    suspended_.reset();
    schedule();
  }
  pass_ = std::exchange(suspended_, std::nullopt);
  large_.reset();
  suspects_.clear();
  is_row_dirty_ = true;
}

FolderVerification Verifier::told(const Pass& pass) const {
  FolderVerification told = pass.told;
  const auto is_repaired = [&](const NodeId& id) { return !context_.disk.damaged().contains(id); };
  told.files_repaired =
      pass.repaired_before + static_cast<std::uint64_t>(std::ranges::count_if(pass.found, is_repaired));
  told.files_damaged = pass.repaired_before + pass.found.size();
  const VerifierListener::Comparison peers = listener_.comparison(pass.began);
  told.peers_equal = peers.equal;
  told.peers_at_odds = peers.at_odds;
  told.rows_repaired += context_.counters.entries_repaired - pass.entries_repaired_before;
  return told;
}

std::optional<FolderVerification> Verifier::running() const {
  if (!pass_) return std::nullopt;
  return told(*pass_);
}

std::optional<FolderVerification> Verifier::last() const {
  if (ended_.empty()) return std::nullopt;
  return ended_.back();
}

std::optional<FolderVerification> Verifier::find(std::uint64_t number) const {
  for (const std::optional<Pass>* pass : {&pass_, &suspended_}) {
    if (*pass && (*pass)->told.number == number) return told(**pass);
  }
  const auto ended = std::ranges::find(ended_, number, &FolderVerification::number);
  if (ended == ended_.end()) return std::nullopt;
  return *ended;
}

}  // namespace shoal::sync
