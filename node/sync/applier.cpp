#include "node/sync/applier.h"

#include <algorithm>
#include <utility>

#include "node/sync/trash.h"

namespace shoal::sync {
namespace {

constexpr std::uint64_t kBytesPerBatchMax = 16 << 20;

const std::string kCaseCollision = "case_collision";

// Directories stay ours to look into, whatever mode a peer gives them.
std::uint32_t mode_on_disk(NodeKind kind, std::uint32_t mode) {
  return kind == NodeKind::kDirectory ? mode | 0500 : mode;
}

// On his own disk a person may give a directory any mode.
bool has_mode(const DiskEntry& have, const Shown& desired) {
  return have.stat.mode == desired.metadata.mode ||
         have.stat.mode == mode_on_disk(desired.content.kind, desired.metadata.mode);
}

bool has_bytes(const DiskEntry& have) {
  return have.content.kind == NodeKind::kFile && have.content.size > 0;
}

}  // namespace

Applier::Applier(FolderContext& context, ApplierListener& listener)
    : context_(context), listener_(listener), fetcher_(context, *this) {}

// ---- What is to be done

// What failed waits for its time all the same, unless the scan has found that nothing is left to do.
void Applier::on_scanned() {
  to_do_.merge(after_scan_);
  after_scan_.clear();
  for (const auto& [id, when] : retry_) {
    if (is_done(desired_here(id), context_.disk.find(id))) to_do_.insert(id);
  }
}

void Applier::on_ignore_changed() {
  to_do_.insert(ignored_.begin(), ignored_.end());
  to_do_.merge(kept_);
  kept_.clear();
}

void Applier::stop() {
  fetcher_.cancel_all();
  to_do_.clear();
  fetching_.clear();
  ready_.clear();
  retry_.clear();
  failures_.clear();
  after_scan_.clear();
  surprised_.clear();
  ignored_.clear();
  kept_.clear();
  wanted_.clear();
  needed_.clear();
  troubles_.clear();
}

Instant Applier::next() const {
  Instant next = fetcher_.next();
  for (const auto& [id, when] : retry_) next = std::min(next, when);
  return next;
}

std::vector<NodeId> Applier::unfinished() const {
  std::set<NodeId> all = to_do_;
  all.insert(fetching_.begin(), fetching_.end());
  all.insert(after_scan_.begin(), after_scan_.end());
  for (const auto& [id, file] : ready_) all.insert(id);
  for (const auto& [id, when] : retry_) all.insert(id);
  for (const auto& [id, file] : installing_files_) all.insert(id);
  return {all.begin(), all.end()};
}

const Trouble* Applier::trouble(const NodeId& id) const {
  const auto found = troubles_.find(id);
  return found == troubles_.end() ? nullptr : &found->second;
}

void Applier::advance(Rpc& rpc, bool may_install) {
  const Instant now = context_.now();
  for (auto retry = retry_.begin(); retry != retry_.end();) {
    if (retry->second > now) {
      ++retry;
      continue;
    }
    to_do_.insert(retry->first);
    retry = retry_.erase(retry);
  }
  // What is being installed now is looked at afterwards.
  tree_paths_.clear();
  while (!installing_ && !to_do_.empty()) {
    for (const NodeId& id : std::exchange(to_do_, {})) classify(id);
  }
  fetcher_.advance(rpc);
  if (may_install && !installing_) install();
}

bool Applier::is_as_shown(const DiskEntry& have, const Shown& desired) const {
  return !have.damage && have.parent == desired.parent && have.name == desired.name &&
         have.content.same_bytes(desired.content) &&
         (desired.content.kind != NodeKind::kFile || have.content.mtime_ns == desired.content.mtime_ns) &&
         (desired.content.kind == NodeKind::kLink || has_mode(have, desired));
}

bool Applier::is_done(const std::optional<Shown>& desired, const DiskEntry* have) const {
  if (!desired || have == nullptr) return !desired && have == nullptr;
  return is_as_shown(*have, *desired);
}

bool Applier::needs_content(const std::optional<Shown>& desired, const DiskEntry* have) const {
  return desired && desired->content.kind == NodeKind::kFile && desired->content.size > 0 &&
         (have == nullptr || have->damage || !have->content.same_bytes(desired->content));
}

void Applier::forget(const NodeId& id) {
  fetcher_.cancel(id);
  fetching_.erase(id);
  ready_.erase(id);
  kept_.erase(id);
  troubles_.erase(id);
  wanted_.clear(id);
  needed_.clear(id);
}

void Applier::classify(const NodeId& id) {
  kept_.erase(id);
  if (leave_alone(id)) return;
  const std::optional<Shown> desired = desired_here(id);
  const DiskEntry* have = context_.disk.find(id);
  if (desired && have == nullptr && adopt(*desired)) have = context_.disk.find(id);
  if (is_done(desired, have)) {
    forget(id);
    after_scan_.erase(id);
    retry_.erase(id);
    surprised_.erase(id);
    failures_.erase(id);
    if (have == nullptr) return;
    DiskEntry entry = *have;
    fill_in(entry, *desired);
    if (entry != *have) context_.disk.put(std::move(entry));
    return;
  }
  if (!needs_content(desired, have)) {
    fetcher_.cancel(id);
    fetching_.erase(id);
    ready_[id] = std::nullopt;
    return;
  }
  if (const DiskEntry* there = has_collided(id) ? taken_for(desired->parent, desired->name) : nullptr;
      there != nullptr && there != have) {
    retry_[id] = context_.now() + kRetry;  // not fetched before there is a place for it
    return;
  }
  const ContentName content = name_of(desired->content);
  if (const auto ready = ready_.find(id); ready != ready_.end()) {
    if (ready->second && ready->second->content == content) return;
    forget(id);
  }
  if (const auto under_way = fetcher_.fetching(id); under_way && *under_way != content) forget(id);
  fetching_.insert(id);
  wanted_.set(id, content);
  needed_.set(id, content);
  fetcher_.fetch(id, content);
}

// On a disk that folds names (case, normal forms): what lies where this name belongs, under another name.
const DiskEntry* Applier::taken_for(const NodeId& parent, const std::string& name) const {
  const std::string folded = fold_name(name);
  for (const DiskEntry* sibling : context_.disk.children(parent)) {
    if (sibling->name != name && fold_name(sibling->name) == folded) return sibling;
  }
  return nullptr;
}

bool Applier::has_collided(const NodeId& id) const {
  const Trouble* known = trouble(id);
  return known != nullptr && known->cause == kCaseCollision;
}

// Something is there that no listing has under this name.
bool Applier::is_collision(const InstallStep& step) {
  if (step.error.code != ErrorCode::kExists || context_.disk.child(step.parent, step.name) != nullptr) {
    return false;
  }
  const DiskEntry* other = taken_for(step.parent, step.name);
  if (other == nullptr) return false;
  troubles_[step.id] = {kCaseCollision, "this disk takes its name for that of " + other->name};
  return true;
}

// The dots that the disk reflects, once it is as shown.
void Applier::fill_in(DiskEntry& entry, const Shown& desired) const {
  entry.content_dot = desired.content_dot;
  const Entry* known = context_.tree.find(desired.id);
  if (known != nullptr && !known->place.empty()) entry.place_dot = known->place.winner().dot;
}

// What lies at its place may be it already, under another id: put there by hand on both hosts, or by us
// before a crash.
bool Applier::adopt(const Shown& desired) {
  const DiskEntry* there = context_.disk.child(desired.parent, desired.name);
  if (there == nullptr || context_.tree.shown(there->id)) return false;
  if (!there->content.same_bytes(desired.content)) return false;
  DiskEntry entry = *there;
  const NodeId before = there->id;
  std::vector<DiskEntry> children;
  for (const DiskEntry* child : context_.disk.children(before)) children.push_back(*child);
  context_.disk.erase(before);
  entry.id = desired.id;
  fill_in(entry, desired);
  context_.disk.put(std::move(entry));
  for (DiskEntry& child : children) {
    child.parent = desired.id;
    to_do_.insert(child.id);
    context_.disk.put(std::move(child));
  }
  // A scan that was due under the id of before finds no such directory.
  if (context_.disk.is_directory(desired.id)) listener_.on_directory(desired.id, false);
  return true;
}

// ---- Fetching

void Applier::on_fetched(FetchedFile file) {
  const NodeId id = file.id;
  fetching_.erase(id);
  troubles_.erase(id);
  wanted_.clear(id);
  ready_[id] = std::move(file);
}

void Applier::on_fetch_trouble(const NodeId& id, const std::string& cause, const std::string& message,
                               bool ended) {
  if (cause.empty()) {
    troubles_.erase(id);
    return;
  }
  troubles_[id] = {cause, message};
  if (!ended) return;
  fetching_.erase(id);
  retry_later(id);
}

void Applier::retry_later(const NodeId& id) {
  unsigned& failures = failures_[id];
  retry_[id] = context_.now() + kRetry * (1u << failures);
  failures = std::min(failures + 1, kRetryDoubledMax);
}

// ---- Installing

std::optional<std::string> Applier::directory_path(const Batch& batch, const NodeId& directory) const {
  if (const auto made = batch.made.find(directory); made != batch.made.end()) return made->second;
  if (!context_.disk.is_directory(directory)) return std::nullopt;
  return context_.disk.path(directory);
}

// Is it being fetched for another entry? Other rows with its bytes may be of files that have gone already.
bool Applier::is_wanted(const DiskEntry& have) const {
  return has_bytes(have) && !have.damage && wanted_.has_other_than(have.id, name_of(have.content));
}

// Has another entry its content as one to come? It may be fetched already, and not yet in its place.
bool Applier::is_needed(const DiskEntry& have) const {
  return has_bytes(have) && needed_.has_other_than(have.id, name_of(have.content));
}

// .shoal/trash/20261128T113207.123Z-17-86400000/photos/a.jpg
// Empty: it is removed. What another entry needs is kept in any case: its own copy is not in place yet.
std::string Applier::trash_path(const std::string& path, const DiskEntry& displaced) const {
  const bool keeps_trash = context_.config().folder_trash_lifetime != Duration::zero();
  if (!keeps_trash && !is_needed(displaced)) return {};
  const std::string name = trash_name(context_.node->clock.wall_time(), context_.works_begun,
                                      context_.trash_clock.lived_ms(context_.now()));
  return kTrashDirectory + "/" + name + "/" + path;
}

InstallStep Applier::step_for(InstallStep::Kind kind, const Shown& desired, std::string path) const {
  InstallStep step;
  step.kind = kind;
  step.id = desired.id;
  step.parent = desired.parent;
  step.name = desired.name;
  step.path = std::move(path);
  step.content = desired.content;
  step.content_dot = desired.content_dot;
  step.mode = mode_on_disk(desired.content.kind, desired.metadata.mode);
  return step;
}

void Applier::give_bytes(InstallStep& step) {
  const auto ready = ready_.find(step.id);
  if (ready == ready_.end() || !ready->second) return;
  step.staged = ready->second->staged;
  step.bytes = std::move(ready->second->bytes);
  installing_files_[step.id] = {step.id, ready->second->content, step.staged, {}};
}

void Applier::add(Batch& batch, InstallStep step) {
  batch.touched.insert(step.id);
  if (step.displaced) batch.touched.insert(*step.displaced);
  batch.places.emplace(step.parent, step.name);
  if (step.kind == InstallStep::Kind::kMakeDirectory) batch.made.emplace(step.id, step.path);
  const bool moves_paths =
      (step.kind == InstallStep::Kind::kMove || step.kind == InstallStep::Kind::kExchange);
  batch.is_closed |= moves_paths && (step.content.kind == NodeKind::kDirectory || step.displaced.has_value());
  batch.bytes += step.content.size;
  batch.steps.push_back(std::move(step));
}

Applier::Attempt Applier::attempt(Batch& batch, const NodeId& id) {
  const std::optional<Shown> desired = desired_here(id);
  const DiskEntry* have = context_.disk.find(id);
  if (is_done(desired, have)) return Attempt::kDone;
  if (is_out_of_reach(desired, have)) {
    troubles_[id] = {"mounted_over", "something is mounted over it, or over a directory above it"};
    return Attempt::kBlocked;
  }
  if (!desired) return attempt_remove(batch, *have);
  if (const auto ready = ready_.find(id); needs_content(desired, have)) {
    if (!ready->second || ready->second->content != name_of(desired->content)) return Attempt::kDone;
  }
  if (have != nullptr && have->content.kind != desired->content.kind) return attempt_remove(batch, *have);
  if (have != nullptr && (have->damage || !have->content.same_bytes(desired->content))) {
    return attempt_content(batch, *desired, *have);
  }
  const auto directory = directory_path(batch, desired->parent);
  if (!directory) return Attempt::kBlocked;
  const std::string path = join_path(*directory, desired->name);
  // A directory above it still has a name that is.
  if (context_.is_ignored(path, desired->content.kind == NodeKind::kDirectory)) return Attempt::kBlocked;
  if (have == nullptr || have->parent != desired->parent || have->name != desired->name) {
    return attempt_place(batch, *desired, have, path);
  }
  InstallStep step = step_for(InstallStep::Kind::kSetMetadata, *desired, path);
  step.expected = have->stat;
  add(batch, std::move(step));
  return Attempt::kStep;
}

Applier::Attempt Applier::attempt_remove(Batch& batch, const DiskEntry& have) {
  const auto path = context_.disk.path(have.id);
  if (!path || is_wanted(have)) return Attempt::kBlocked;
  if (const auto children = context_.disk.children(have.id); !children.empty()) {
    const auto stays = [&](const DiskEntry* child) {
      return kept_.contains(child->id) || ignored_.contains(child->id);
    };
    if (!std::ranges::all_of(children, stays)) return Attempt::kBlocked;
    std::vector<std::string> paths;
    for (const DiskEntry* child : children) paths.push_back(join_path(*path, child->name));
    keep(have.id, paths);
    return Attempt::kKept;
  }
  InstallStep step;
  step.kind = InstallStep::Kind::kRemove;
  step.id = have.id;
  step.parent = have.parent;
  step.name = have.name;
  step.path = *path;
  step.content.kind = have.content.kind;
  step.expected = have.stat;
  // It has become one with another entry: its file goes only once that one's file is there.
  if (const auto shown_as = context_.tree.shown_as(have.id);
      shown_as && have.content.kind == NodeKind::kFile) {
    const DiskEntry* kept = context_.disk.find(*shown_as);
    if (kept == nullptr || batch.touched.contains(*shown_as)) return Attempt::kBlocked;
    if (kept->content.same_bytes(have.content)) {
      step.kept_at = *context_.disk.path(*shown_as);
      step.kept = kept->stat;
    }
  }
  step.trash = trash_path(*path, have);
  add(batch, std::move(step));
  return Attempt::kStep;
}

Applier::Attempt Applier::attempt_content(Batch& batch, const Shown& desired, const DiskEntry& have) {
  const auto path = context_.disk.path(have.id);
  if (!path || is_wanted(have)) return Attempt::kBlocked;
  const bool is_link = desired.content.kind == NodeKind::kLink;
  InstallStep step =
      step_for(is_link ? InstallStep::Kind::kPlaceLink : InstallStep::Kind::kPlaceFile, desired, *path);
  step.parent = have.parent;  // it moves afterwards
  step.name = have.name;
  step.expected = have.stat;
  step.trash = trash_path(*path, have);
  give_bytes(step);
  add(batch, std::move(step));
  return Attempt::kStep;
}

Applier::Attempt Applier::attempt_place(Batch& batch, const Shown& desired, const DiskEntry* have,
                                        const std::string& path) {
  if (batch.places.contains({desired.parent, desired.name})) return Attempt::kBlocked;
  InstallStep step = step_for(InstallStep::Kind::kMove, desired, path);
  const DiskEntry* there = context_.disk.child(desired.parent, desired.name);
  if (there != nullptr) {
    const bool gives_way = have == nullptr && desired.content.kind == NodeKind::kFile &&
                           there->content.kind == NodeKind::kFile && !context_.tree.shown(there->id);
    if (kept_.contains(there->id)) {
      troubles_[desired.id] = {"blocked", "its place is taken: " + troubles_.at(there->id).message};
    }
    if (!gives_way || batch.touched.contains(there->id) || is_wanted(*there)) {
      return Attempt::kBlocked;
    }
    step.expected = there->stat;
    step.displaced = there->id;
    step.trash = trash_path(path, *there);
  }
  if (have != nullptr) {
    step.from = *context_.disk.path(have->id);
    step.expected = have->stat;
    step.content = have->content;
    // On a disk that folds names a new name that differs in case only is the old one: by way of a third.
    if (has_collided(have->id) && taken_for(desired.parent, desired.name) == have) {
      step.name = conflict_name(have->name, have->id);
      step.path = join_path(parent_of(path), step.name);
      if (context_.disk.child(step.parent, step.name) != nullptr) return Attempt::kBlocked;
    }
    // A directory cannot go below itself; the tree will not ask for it once the other moves are done.
    if (path.starts_with(step.from + "/")) return Attempt::kBlocked;
    // The node would lose its own database.
    if (context_.holds_node_data(step.from)) {
      troubles_[desired.id] = {
          "blocked", "a peer moved this directory, in which a node keeps its keys: move it by hand"};
      return Attempt::kBlocked;
    }
  } else if (desired.content.kind == NodeKind::kDirectory) {
    step.kind = InstallStep::Kind::kMakeDirectory;
  } else if (desired.content.kind == NodeKind::kLink) {
    step.kind = InstallStep::Kind::kPlaceLink;
  } else {
    step.kind = InstallStep::Kind::kPlaceFile;
    give_bytes(step);
  }
  add(batch, std::move(step));
  return Attempt::kStep;
}

// Where it is, or is to be, something is mounted over.
bool Applier::is_out_of_reach(const std::optional<Shown>& desired, const DiskEntry* have) const {
  return (have != nullptr && context_.is_covered(have->id)) ||
         (desired && context_.is_covered(desired->parent));
}

void Applier::install() {
  Batch batch;
  // What makes room, and directories that others wait for, may stand anywhere in the order: so twice.
  for (int round = 0; round < 2; ++round) {
    for (auto ready = ready_.begin(); ready != ready_.end();) {
      if (batch.is_closed || batch.steps.size() >= kStepsMax || batch.bytes >= kBytesPerBatchMax) break;
      const NodeId id = ready->first;
      ++ready;
      if (batch.touched.contains(id)) continue;
      if (attempt(batch, id) == Attempt::kDone) {
        forget(id);
        to_do_.insert(id);
      }
    }
  }
  if (!batch.steps.empty()) return submit(std::move(batch));
  const bool is_stuck = !ready_.empty() && to_do_.empty() && after_scan_.empty();
  if (is_stuck) resolve_blocked();
}

// Entries whose places are each other's change them; one that only stands in the way goes to its own place,
// though its content is still to come, or steps aside.
void Applier::resolve_blocked() {
  for (const auto& [id, file] : ready_) {
    const std::optional<Shown> desired = desired_here(id);
    if (!desired || !context_.disk.is_directory(desired->parent)) continue;
    const DiskEntry* there = context_.disk.child(desired->parent, desired->name);
    if (there == nullptr || there->id == id) continue;
    if (!ready_.contains(there->id) && !fetching_.contains(there->id)) continue;
    if (context_.holds_node_data(*context_.disk.path(there->id))) continue;
    const DiskEntry* have = context_.disk.find(id);
    if (is_out_of_reach(desired, have) || context_.is_covered(there->id)) continue;
    const std::string path = *context_.disk.path(there->id);
    Batch batch;
    InstallStep step = step_for(InstallStep::Kind::kExchange, *desired, path);
    if (have != nullptr) {
      step.from = *context_.disk.path(id);
      step.expected = have->stat;
      step.content = have->content;
      if (context_.holds_node_data(step.from) || path.starts_with(step.from + "/")) continue;
      if (step.from.starts_with(path + "/")) {
        // It lies in the directory whose name it gets: out of it first.
        step.kind = InstallStep::Kind::kMove;
        step.name = conflict_name(desired->name, id);
        step.path = join_path(parent_of(path), step.name);
        if (context_.disk.child(step.parent, step.name) != nullptr) continue;
      } else {
        step.displaced = there->id;
      }
    } else {
      step.kind = InstallStep::Kind::kMove;
      step.id = there->id;
      step.name = conflict_name(there->name, there->id);
      const std::optional<Shown> other = context_.tree.shown(there->id);
      if (other && context_.disk.is_directory(other->parent) &&
          context_.disk.child(other->parent, other->name) == nullptr) {
        step.parent = other->parent;
        step.name = other->name;
      }
      step.from = path;
      step.path = join_path(*context_.disk.path(step.parent), step.name);
      step.expected = there->stat;
      step.content = there->content;
      if (step.path.starts_with(path + "/")) continue;
      if (context_.disk.child(step.parent, step.name) != nullptr) continue;
    }
    add(batch, std::move(step));
    return submit(std::move(batch));
  }
}

void Applier::submit(Batch batch) {
  // A fetched file that no step has taken is still to be placed.
  for (const NodeId& id : batch.touched) {
    const auto ready = ready_.find(id);
    if (ready == ready_.end()) continue;
    if (!ready->second || installing_files_.contains(id)) ready_.erase(ready);
  }
  auto work = std::make_unique<InstallWork>(context_.folder, context_.config().folder_fsync);
  work->steps = std::move(batch.steps);
  installing_ = true;
  context_.submit(std::move(work));
}

void Applier::on_work(InstallWork& work) {
  installing_ = false;
  for (InstallStep& step : work.steps) take_step(step);
}

void Applier::used(const NodeId& id) {
  const auto file = installing_files_.extract(id);
  if (!file.empty()) fetcher_.used(file.mapped());
}

void Applier::take_step(InstallStep& step) {
  std::vector<PartRef> parts;
  if (step.outcome == InstallStep::Outcome::kDone && step.kind == InstallStep::Kind::kPlaceFile &&
      step.content.depth > 0) {
    if (auto known = fetcher_.parts_of(step.id)) parts = std::move(*known);
  }
  used(step.id);
  if (step.displaced) to_do_.insert(*step.displaced);
  switch (step.outcome) {
    case InstallStep::Outcome::kDone:
      step_done(step);
      if (!parts.empty()) listener_.on_content(name_of(step.content), std::move(parts));
      to_do_.insert(step.id);
      return;
    case InstallStep::Outcome::kChanged:
      if (is_collision(step)) {
        retry_[step.id] = context_.now() + kRetry;
        return;
      }
      // A scan finds out, or else there is something that no scan sees.
      if (surprised_.insert(step.id).second) {
        after_scan_.insert(step.id);
      } else {
        surprised_.erase(step.id);
        retry_later(step.id);
      }
      listener_.on_unexpected(step.parent);
      if (const DiskEntry* have = context_.disk.find(step.id)) listener_.on_unexpected(have->parent);
      return;
    case InstallStep::Outcome::kFailed:
      break;
  }
  // A directory that is not empty has something that we do not know.
  if (step.kind == InstallStep::Kind::kRemove && step.content.kind == NodeKind::kDirectory) {
    if (keep(step)) return;
    listener_.on_unexpected(step.id);
  }
  // Something may have been mounted on the way there.
  if (step.error.code == ErrorCode::kInvalidArgument) {
    listener_.on_unexpected(step.parent);
    if (const DiskEntry* have = context_.disk.find(step.id)) listener_.on_unexpected(have->parent);
  }
  const bool is_full = step.error.code == ErrorCode::kStoreFull;
  troubles_[step.id] = {is_full ? "disk_full" : "io_error", step.error.message};
  retry_later(step.id);
}

void Applier::step_done(InstallStep& step) {
  DiskState& disk = context_.disk;
  if (step.kind == InstallStep::Kind::kRemove) {
    look_again(step.parent);
    // A scan has found something in the directory, and the person has removed it since: the next scan tells.
    if (!disk.children(step.id).empty()) return listener_.on_unexpected(step.parent);
    return disk.erase(step.id);
  }
  if (!disk.is_directory(step.parent)) {
    // A scan has told meanwhile that the directory is gone: a look at everything finds what there is.
    disk.erase_tree(step.id);
    return listener_.on_directory(kRoot, true);
  }
  if (const DiskEntry* there = disk.child(step.parent, step.name);
      there != nullptr && there->id != step.id && there->id != step.displaced) {
    // A scan has found something at the place meanwhile, and it may be what was put there.
    disk.erase_tree(step.id);
    return listener_.on_directory(step.parent, true);
  }
  DiskEntry entry;
  if (const DiskEntry* have = disk.find(step.id)) entry = *have;
  if (step.kind == InstallStep::Kind::kExchange) {
    DiskEntry other = *disk.find(*step.displaced);
    const NodeId parent = entry.parent;
    const std::string name = entry.name;
    disk.erase(step.id);
    other.parent = parent;
    other.name = name;
    disk.put(std::move(other));
  } else if (step.displaced) {
    disk.erase(*step.displaced);
  }
  const bool keeps_content =
      step.kind == InstallStep::Kind::kMove || step.kind == InstallStep::Kind::kExchange;
  entry.id = step.id;
  entry.parent = step.parent;
  entry.name = step.name;
  entry.stat = step.stat;
  if (!keeps_content) {
    entry.content = step.content;
    entry.content_dot = step.content_dot;
    entry.rehash = false;
    if (std::exchange(entry.damage, std::nullopt)) ++context_.counters.damage_repaired;
  }
  if (step.kind == InstallStep::Kind::kPlaceFile) ++context_.counters.files_placed;
  const bool is_directory = entry.content.kind == NodeKind::kDirectory;
  disk.put(std::move(entry));
  if (is_directory && step.kind != InstallStep::Kind::kSetMetadata) {
    listener_.on_directory(step.id, keeps_content);
  }
  if (step.displaced && disk.is_directory(*step.displaced)) listener_.on_directory(*step.displaced, true);
}

}  // namespace shoal::sync
