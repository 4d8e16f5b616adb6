#include "sim/folder_disk.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <vector>

#include "node/base/relative_path.h"
#include "node/sync/entry.h"

namespace shoal::sim {

FolderDisk::FolderDisk(CommitSink& sink, Rng rng, Later later, std::function<WallTime()> wall_time)
    : rng_(std::move(rng)), later_(std::move(later)), wall_time_(std::move(wall_time)), index_(sink) {
  disk_.observe(*this);
}

FolderDisk::~FolderDisk() {
  disk_.forget(*this);
}

MemoryDisk& FolderDisk::disk() {
  disk_.now_ns =
      std::chrono::duration_cast<std::chrono::nanoseconds>(wall_time_().time_since_epoch()).count();
  return disk_;
}

void FolderDisk::mount() {
  folders_.emplace(disk(), [this](const FolderEvent& event) { on_event(event); });
  if (hooks_.wrap) wrapped_ = hooks_.wrap(*folders_);
}

void FolderDisk::stop(bool crashed) {
  works_.clear();
  events_.clear();
  written_.clear();
  wrapped_.reset();
  folders_.reset();
  if (!crashed) {
    for (const CommitId commit : writing_) index_.settle(commit);
  } else {
    index_.crash();
    const bool journal = rng_.below(2) == 0;
    disk().crash(rng_, journal ? MemoryDisk::CrashOrder::kJournal : MemoryDisk::CrashOrder::kAny);
    hashed_.clear();
  }
  writing_.clear();
  changed_ = true;
}

void FolderDisk::set_full(bool full) {
  full_ = full;
  disk_.capacity_bytes = full ? 0 : std::numeric_limits<std::uint64_t>::max();
  index_.set_full(full);
}

void FolderDisk::flush(const std::string& path) {
  if (const auto file = disk_.find(MemoryDisk::kRoot, path, "flush");
      file && disk_.stat(*file).kind == FileKind::kFile) {
    disk_.sync_file(*file);
  }
  for (std::string at = path; !at.empty();) {
    at = split_path(at).parent;
    const auto directory = disk_.find(MemoryDisk::kRoot, at, "flush");
    if (directory) disk_.sync_directory(*directory);
  }
}

// ---- The index

CommitId FolderDisk::commit(IndexBatch batch) {
  if (hooks_.spoil) hooks_.spoil(batch);
  writing_.push_back(index_.commit(std::move(batch)));
  return writing_.back();
}

bool FolderDisk::keeps(const CommitCompletion& done) {
  if (!std::ranges::binary_search(writing_, done.commit)) return false;
  written_.push_back(done);
  later_(kWriteTime, [this](PortEvents& node) { end_write(node); });
  return true;
}

void FolderDisk::end_write(PortEvents& node) {
  const CommitCompletion done = written_.front();
  written_.pop_front();
  writing_.pop_front();
  index_.settle(done.commit);
  node.on_committed(done.commit, done.outcome);
}

// ---- Works

void FolderDisk::submit(std::unique_ptr<Work> work) {
  const std::uint64_t number = ++works_begun_;
  works_.emplace(number, std::move(work));
  const double factor = std::pow(to_seconds(kWorkTimeMax) / to_seconds(kWorkTimeMin), rng_.unit());
  later_(from_seconds(to_seconds(kWorkTimeMin) * factor),
         [this, number](PortEvents& node) { run(number, node); });
}

void FolderDisk::run(std::uint64_t number, PortEvents& node) {
  std::unique_ptr<Work> work = std::move(works_.extract(number).mapped());
  disk();  // at the present time
  work->run();
  node.on_work_done(std::move(work));
}

// ---- Events

// One that waits to be told already says as much.
void FolderDisk::on_event(const FolderEvent& event) {
  const auto same = [&](const FolderEvent& other) {
    return other.group == event.group && other.kind == event.kind && other.path == event.path;
  };
  if (std::ranges::any_of(events_, same)) return;
  events_.push_back(event);
  if (events_.size() == 1) later_(Duration::zero(), [this](PortEvents& node) { tell_events(node); });
}

void FolderDisk::tell_events(PortEvents& node) {
  for (const FolderEvent& event : std::exchange(events_, {})) node.on_folder_event(event);
}

// ---- Looks

FolderPicture FolderDisk::look(const std::string& root) {
  FolderPicture picture;
  const auto directory = disk_.find(MemoryDisk::kRoot, root.substr(1), "look at");
  if (directory) look_below(*directory, {}, picture);
  picture.erase(std::string(sync::kPrivateDirectory));
  return picture;
}

std::set<ContentKey> FolderDisk::look_into_trash(const std::string& root) {
  std::set<ContentKey> kept;
  const std::string trash = root.substr(1) + "/" + std::string(sync::kPrivateDirectory) + "/trash";
  const auto directory = disk_.find(MemoryDisk::kRoot, trash, "look at");
  if (!directory) return kept;
  FolderPicture picture;
  look_below(*directory, {}, picture);
  for (const auto& [path, thing] : picture) {
    if (thing.kind == FileKind::kFile) kept.insert(thing.content);
  }
  return kept;
}

void FolderDisk::look_below(MemoryDisk::Inode directory, const std::string& path, FolderPicture& picture) {
  for (const auto& [name, inode] : disk_.entries(directory)) {
    const std::string below = join_path(path, name);
    const FolderThing& seen = picture[below] = thing(inode);
    if (seen.kind == FileKind::kDirectory && below != sync::kPrivateDirectory) {
      look_below(inode, below, picture);
    }
  }
}

FolderThing FolderDisk::thing(MemoryDisk::Inode inode) {
  const FileStat stat = disk_.stat(inode);
  if (stat.kind != FileKind::kFile) return {stat.kind, 0, false};
  Hashed& known = hashed_[inode];
  if (known.stat != stat) {
    known.stat = stat;
    known.thing = {stat.kind, content_key(disk_.data(inode)), begins_with_mark(disk_.data(inode))};
  }
  return known.thing;
}

}  // namespace shoal::sim
