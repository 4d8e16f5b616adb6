#include "node/sync/folder_work.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "node/secure/keys.h"
#include "node/sync/trash.h"

namespace shoal::sync {
namespace {

constexpr std::size_t kReadBytes = 1 << 20;
// Files that are flushed one by one rather than with everything else that waits on the disk.
constexpr std::size_t kFlushedSinglyMax = 4;

const std::string kDisplacedPrefix = kStagingDirectory + "/" + std::string(kDisplacedName);
const std::string kSmallPrefix = kStagingDirectory + "/small-";

std::string small_path(const InstallStep& step) {
  return kSmallPrefix + step.id.replica.hex() + "-" + std::to_string(step.id.counter);
}

bool unchanged(const FileStat& a, const FileStat& b) {
  return same_file(a, b) && a.ctime_ns == b.ctime_ns;
}

tl::unexpected<Error> written_to(const std::string& path) {
  return fail(ErrorCode::kBusy, path + " is being written to");
}

}  // namespace

Result<std::vector<PartRef>> cut_parts(FolderFile& file, std::uint64_t begin, std::uint64_t end,
                                       std::uint64_t file_bytes) {
  ContentHasher hasher;
  const std::uint64_t rest_bytes = file_bytes - std::min(begin, file_bytes);
  Bytes buffer(static_cast<std::size_t>(std::min<std::uint64_t>(rest_bytes + 1, kReadBytes)));
  for (std::uint64_t offset = begin; begin + hasher.bytes_cut() < end;) {
    const auto count = file.read(offset, buffer);
    if (!count) return tl::unexpected(count.error());
    hasher.add(ByteView(buffer).first(*count));
    offset += *count;
    if (*count == buffer.size()) continue;
    hasher.end();
    break;
  }
  std::uint64_t position = begin + hasher.bytes_cut();
  std::vector<PartRef> parts = hasher.take_parts();
  // A read may have held more than the last of them.
  while (!parts.empty() && position - parts.back().bytes >= end) {
    position -= parts.back().bytes;
    parts.pop_back();
  }
  return parts;
}

namespace {

Result<std::vector<PartRef>> join_found(FolderFile& file, const FileStat& stat, HashWork::File& wanted) {
  std::vector<Stretch> stretches;
  for (StretchWork::Found& found : wanted.stretches) {
    if (!unchanged(found.stat, stat)) return written_to(wanted.path);
    stretches.push_back(std::move(found.stretch));
  }
  return join_stretches(std::move(stretches), [&](std::uint64_t offset, MutableByteView buffer) {
    return file.read(offset, buffer);
  });
}

Result<void> hash_file(Folder& folder, HashWork::File& wanted) {
  auto file = folder.open(wanted.path, OpenMode::kRead);
  if (!file) return tl::unexpected(file.error());
  const auto before = (*file)->stat();
  if (!before) return tl::unexpected(before.error());
  auto parts = wanted.stretches.empty() ? cut_parts(**file, 0, UINT64_MAX, before->size)
                                        : join_found(**file, *before, wanted);
  if (!parts) return tl::unexpected(parts.error());
  wanted.content = build_tree(*parts, nullptr);
  if (wanted.content.depth > 0) wanted.parts = std::move(*parts);
  const auto after = (*file)->stat();
  if (!after) return tl::unexpected(after.error());
  if (!unchanged(*before, *after) || wanted.content.size != after->size) return written_to(wanted.path);
  wanted.stat = *after;
  return {};
}

}  // namespace

bool same_file(const FileStat& a, const FileStat& b) {
  if (!same_inode(a, b)) return false;
  if (a.kind == FileKind::kLink) return a.link_target == b.link_target;
  if (a.kind == FileKind::kDirectory) return true;
  return a.size == b.size && a.mtime_ns == b.mtime_ns;
}

Result<void> make_directories(Folder& folder, const std::string& path, std::uint32_t mode) {
  for (std::size_t end = path.find('/');; end = path.find('/', end + 1)) {
    const Result<void> made = folder.change(MakeDirectory{path.substr(0, end), mode});
    if (!made && made.error().code != ErrorCode::kExists) return made;
    if (end == std::string::npos) return {};
  }
}

Result<NamedContent> name_content(Folder& folder, const std::string& path) {
  HashWork::File file;
  file.path = path;
  if (Result<void> hashed = hash_file(folder, file); !hashed) return tl::unexpected(hashed.error());
  return NamedContent{file.content, std::move(file.parts)};
}

Result<void> make_like(Folder& folder, const std::string& path, const std::string& model) {
  const Result<void> made = folder.change(MakeDirectory{path, 0700});
  if (!made && made.error().code == ErrorCode::kExists) return {};
  if (!made) return made;
  const auto stat = folder.stat(model);
  if (!stat || stat->kind != FileKind::kDirectory) return {};
  return folder.change(SetMetadata{path, stat->mode | 0700, std::nullopt});
}

// ---- Setting up

void SetUpWork::run() {
  outcome = make();
  if (outcome && began) {
    read_trash();
    outcome = clean_staging();
  }
  if (!outcome) return;
  // Watched from now on: people edit the list. Without a watch the next start reads it.
  (void)folder().list(std::string(kPrivateDirectory), ListMode::kWatched);
  shared_ignore = read_list(std::string(kSharedIgnoreFile));
  local_ignore = read_list(kLocalIgnoreFile);
  const std::string text = read_list(kMarkFile);
  std::from_chars(text.data(), text.data() + text.size(), mark);
}

Result<void> SetUpWork::make() {
  if (!may_make_) {
    const auto there = folder().stat(std::string(kPrivateDirectory));
    if (!there) return tl::unexpected(there.error());
  }
  for (const std::string* path : {&kStagingDirectory, &kTrashDirectory}) {
    if (Result<void> made = make_directories(folder(), *path); !made) return made;
  }
  // Once the index says that the folder is set up, a missing marker stops it.
  for (const std::string& path : {std::string(), std::string(kPrivateDirectory)}) {
    if (Result<void> flushed = folder().change(SyncDirectory{path}); !flushed) return flushed;
  }
  return {};
}

void SetUpWork::read_trash() {
  trash_clock = TrashClock::decode(read_list(kTrashClockFile));
  const auto entries = folder().list(kTrashDirectory, ListMode::kOnce);
  if (!entries) return;
  for (const DirectoryEntry& entry : *entries) {
    trash_lived_ms = std::max(trash_lived_ms, sync::trash_lived_ms(entry.name).value_or(0));
  }
}

Result<void> SetUpWork::clean_staging() {
  const std::int64_t lived_ms = std::max(trash_lived_ms, trash_clock ? trash_clock->lived_ms : 0);
  const std::string trash = kTrashDirectory + "/" + trash_name(*began, number, lived_ms) + "/recovered";
  const auto entries = folder().list(kStagingDirectory, ListMode::kOnce);
  if (!entries) return tl::unexpected(entries.error());
  for (const DirectoryEntry& entry : *entries) {
    const std::string path = kStagingDirectory + "/" + entry.name;
    if (OpenedDirectories::put_back(folder(), path)) continue;
    if (path.starts_with(kPartsPrefix)) {
      staged.push_back(path);
    } else if (path.starts_with(kSmallPrefix)) {
      (void)folder().change(Remove{path});
    } else if (path.starts_with(kDisplacedPrefix)) {
      if (Result<void> made = make_directories(folder(), trash); !made) return made;
      const Rename aside{path, trash + "/" + entry.name, Rename::Mode::kNoReplace};
      if (Result<void> moved = folder().change(aside); !moved) return moved;
    }
  }
  return {};
}

std::string SetUpWork::read_list(const std::string& path) {
  auto file = folder().open(path, OpenMode::kRead);
  if (!file) return {};
  Bytes bytes(kIgnoreBytesMax);
  const auto count = (*file)->read(0, bytes);
  if (!count) return {};
  return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(*count)};
}

// Nothing depends on its success: a mark that is missing or old costs a new replica id.
void MarkWork::run() {
  (void)write();
}

Result<std::unique_ptr<FolderFile>> MarkWork::open(bool& is_new) {
  auto found = folder().open(kMarkFile, OpenMode::kWrite);
  is_new = !found;
  if (found) return found;
  return folder().open(kMarkFile, OpenMode::kCreate);
}

// In place: one that is torn is another one.
Result<void> MarkWork::write() {
  bool is_new = false;
  const auto file = open(is_new);
  if (!file) return tl::unexpected(file.error());
  const std::string text = fmt::format("{:020}\n", mark_);
  if (Result<void> done = (*file)->write(0, Bytes(text.begin(), text.end())); !done) return done;
  if (!flush_) return {};
  if (Result<void> flushed = (*file)->sync(); !flushed) return flushed;
  return is_new ? folder().change(SyncDirectory{kStagingDirectory}) : Result<void>{};
}

// ---- Reading

void ListWork::list(Directory& directory) {
  directory.entries = folder().list(directory.path, unwatched ? ListMode::kOnce : ListMode::kWatched);
  if (directory.entries || directory.entries.error().code != ErrorCode::kStoreFull) return;
  unwatched = true;
  directory.entries = folder().list(directory.path, ListMode::kOnce);
}

void ListWork::run() {
  for (Directory& directory : directories) {
    list(directory);
    if (!directory.entries) continue;
    if (const auto stat = folder().stat(directory.path)) {
      directory.stat = *stat;
    } else {
      directory.entries = tl::unexpected(stat.error());
    }
  }
}

void HashWork::run() {
  for (File& file : files) {
    if (Result<void> hashed = hash_file(folder(), file); !hashed) {
      file.stat = tl::unexpected(hashed.error());
    }
  }
}

void StretchWork::run() {
  found = hash();
}

Result<StretchWork::Found> StretchWork::hash() {
  const auto opened = folder().open(path_, OpenMode::kRead);
  if (!opened) return tl::unexpected(opened.error());
  const auto before = (*opened)->stat();
  if (!before) return tl::unexpected(before.error());
  auto parts = cut_parts(**opened, begin_, end_, before->size);
  if (!parts) return tl::unexpected(parts.error());
  const auto after = (*opened)->stat();
  if (!after) return tl::unexpected(after.error());
  if (!unchanged(*before, *after)) return written_to(path_);
  return Found{{begin_, std::move(*parts)}, *after};
}

void LookWork::run() {
  for (const std::string& path : paths) there += folder().stat(path) ? 1 : 0;
}

void ReadWork::run() {
  for (Range& range : ranges) {
    if (range.path.empty()) continue;
    auto file = folder().open(range.path, OpenMode::kRead);
    if (!file) continue;
    const auto stat = (*file)->stat();
    if (!stat || !same_file(*stat, range.expected)) continue;
    Bytes bytes(range.bytes);
    const auto count = (*file)->read(range.offset, bytes);
    if (count && *count == bytes.size()) range.found = std::move(bytes);
  }
}

// ---- Putting in place

void InstallWork::failed(InstallStep& step, const Error& error) {
  const bool somebody_was_there = error.code == ErrorCode::kExists || error.code == ErrorCode::kNotFound;
  step.outcome = somebody_was_there ? InstallStep::Outcome::kChanged : InstallStep::Outcome::kFailed;
  step.error = error;
}

void InstallWork::run() {
  if (Result<void> made = make_directories(folder(), kStagingDirectory); !made) {
    for (InstallStep& step : steps) failed(step, made.error());
    return;
  }
  std::vector<InstallStep*> staged;
  std::vector<InstallStep*> ready;
  for (InstallStep& step : steps) {
    if (step.kind != InstallStep::Kind::kPlaceFile) {
      ready.push_back(&step);
    } else if (stage(step)) {
      staged.push_back(&step);
      ready.push_back(&step);
    }
  }
  if (flush_ && staged.size() > kFlushedSinglyMax) {
    if (Result<void> flushed = folder().change(SyncAll{}); !flushed) {
      for (InstallStep* step : ready) failed(*step, flushed.error());
      return;
    }
  } else if (flush_) {
    for (InstallStep* step : staged) {
      auto file = folder().open(step->staged, OpenMode::kRead);
      const Result<void> flushed = file ? (*file)->sync() : Result<void>(tl::unexpected(file.error()));
      if (flushed) continue;
      failed(*step, flushed.error());
      std::erase(ready, step);
    }
  }
  opened_.emplace(folder(), number, flush_);
  for (InstallStep* step : ready) {
    open_directories(*step);
    carry_out(*step);
  }
  opened_->close_all();
  if (flush_) flush_names(ready);
}

// The index must not say of a name what a crash may undo: its file would be told as deleted, or a deleted one
// as new.
void InstallWork::flush_names(const std::vector<InstallStep*>& carried_out) {
  std::map<std::string, std::vector<InstallStep*>> directories;
  for (InstallStep* step : carried_out) {
    if (step->outcome != InstallStep::Outcome::kDone) continue;
    directories[parent_of(step->path)].push_back(step);
    if (!step->from.empty()) directories[parent_of(step->from)].push_back(step);
  }
  for (const auto& [directory, changed] : directories) {
    const Result<void> flushed = folder().change(SyncDirectory{directory});
    if (flushed) continue;
    for (InstallStep* step : changed) failed(*step, flushed.error());
  }
}

// The file lies in staging with its bytes, time and mode.
bool InstallWork::stage(InstallStep& step) {
  Result<void> done;
  if (step.staged.empty()) {
    step.staged = small_path(step);
    if (sha256(step.bytes) != step.content.root && step.content.size > 0) {
      failed(step, {ErrorCode::kMalformed, "the bytes of " + step.path + " are others than announced"});
      return false;
    }
    (void)folder().change(Remove{step.staged});  // of an earlier attempt
    auto file = folder().open(step.staged, OpenMode::kCreate);
    done = file ? (*file)->write(0, step.bytes) : Result<void>(tl::unexpected(file.error()));
    Bytes().swap(step.bytes);
  } else if (const auto staged = folder().stat(step.staged); !staged || staged->size != step.content.size) {
    failed(step, {ErrorCode::kMalformed, "the staging file of " + step.path + " is not complete"});
    return false;
  }
  if (done) done = folder().change(SetMetadata{step.staged, step.mode, step.content.mtime_ns});
  if (done) done = look_at_staged(step);
  if (!done) failed(step, done.error());
  return done.has_value();
}

Result<void> InstallWork::look_at_staged(InstallStep& step) {
  auto staged = folder().stat(step.staged);
  if (!staged) return tl::unexpected(staged.error());
  step.stat = std::move(*staged);
  return {};
}

void InstallWork::open_directories(const InstallStep& step) {
  if (step.kind == InstallStep::Kind::kSetMetadata) return opened_->close(step.path);
  opened_->open(parent_of(step.path));
  if (step.from.empty()) return;
  opened_->open(parent_of(step.from));
  // A directory that gets another parent is written to itself.
  if (parent_of(step.from) == parent_of(step.path)) return;
  opened_->open(step.from);
  if (step.kind == InstallStep::Kind::kExchange) opened_->open(step.path);
}

void InstallWork::carry_out(InstallStep& step) {
  switch (step.kind) {
    case InstallStep::Kind::kMakeDirectory: {
      const Result<void> made = folder().change(MakeDirectory{step.path, step.mode | 0700});
      if (!made) return failed(step, made.error());
      // The process's mask has no say in what a peer's folder has.
      (void)folder().change(SetMetadata{step.path, step.mode | 0700, std::nullopt});
      return finish(step);
    }
    case InstallStep::Kind::kPlaceFile:
      return place(step);
    case InstallStep::Kind::kPlaceLink:
      return place_link(step);
    case InstallStep::Kind::kMove:
    case InstallStep::Kind::kExchange:
      return move(step);
    case InstallStep::Kind::kRemove:
      return remove(step);
    case InstallStep::Kind::kSetMetadata: {
      const auto now = folder().stat(step.path);
      if (!now) return failed(step, now.error());
      if (step.expected && !same_file(*now, *step.expected)) {
        return failed(step, {ErrorCode::kExists, step.path + " has changed"});
      }
      const bool is_file = now->kind == FileKind::kFile;
      const Result<void> set = folder().change(SetMetadata{
          step.path, step.mode, is_file ? std::optional<std::int64_t>(step.content.mtime_ns) : std::nullopt});
      if (!set) return failed(step, set.error());
      FileStat put = *now;
      if (is_file) put.mtime_ns = step.content.mtime_ns;
      return finish(step, put);
    }
  }
}

void InstallWork::place_link(InstallStep& step) {
  step.staged = small_path(step);
  (void)folder().change(Remove{step.staged});  // of an earlier attempt
  if (Result<void> made = folder().change(MakeLink{step.staged, step.content.target}); !made) {
    return failed(step, made.error());
  }
  if (Result<void> looked = look_at_staged(step); !looked) return failed(step, looked.error());
  place(step);
}

void InstallWork::place(InstallStep& step) {
  const FileStat put = step.stat;
  if (!step.expected) {
    const Result<void> placed = folder().change(Rename{step.staged, step.path, Rename::Mode::kNoReplace});
    if (!placed) return failed(step, placed.error());
    return finish(step, put);
  }
  const auto now = folder().stat(step.path);
  if (!now) return failed(step, now.error());
  if (!unchanged(*now, *step.expected)) return failed(step, {ErrorCode::kExists, step.path + " has changed"});
  // From here on a crash may leave what is displaced in staging: under a name that says so.
  const std::string placing = kDisplacedPrefix + step.id.replica.hex() + "-" +
                              std::to_string(step.id.counter) + "-" + std::to_string(number);
  if (const Result<void> renamed = folder().change(Rename{step.staged, placing}); !renamed) {
    return failed(step, renamed.error());
  }
  step.staged = placing;
  const Rename exchange{step.staged, step.path, Rename::Mode::kExchange};
  if (const Result<void> exchanged = folder().change(exchange); !exchanged) {
    return failed(step, exchanged.error());
  }
  // Between the look and the exchange somebody may have written: then his file goes back to its place.
  const auto displaced = folder().stat(step.staged);
  if (!displaced || !same_file(*displaced, *step.expected)) {
    (void)folder().change(exchange);
    return failed(step, {ErrorCode::kExists, step.path + " has changed"});
  }
  finish(step, put);
  set_aside(step, step.staged);
}

// What was displaced goes to the trash. Where that does not work it stays in staging, which is emptied into
// the trash at the next start.
void InstallWork::set_aside(const InstallStep& step, const std::string& displaced) {
  if (step.trash.empty()) {
    (void)folder().change(Remove{displaced});
  } else if (make_way_to_trash(step)) {
    (void)folder().change(Rename{displaced, step.trash, Rename::Mode::kNoReplace});
  }
}

Result<void> InstallWork::make_way_to_trash(const InstallStep& step) {
  const std::string above = step.trash.substr(0, step.trash.size() - step.path.size());
  if (Result<void> made = make_directories(folder(), parent_of(above + "x")); !made) return made;
  for (std::size_t end = step.path.find('/'); end != std::string::npos; end = step.path.find('/', end + 1)) {
    const std::string parent = step.path.substr(0, end);
    if (Result<void> made = make_like(folder(), above + parent, parent); !made) return made;
  }
  return {};
}

// The trash keeps its name and mode.
Result<void> InstallWork::remove_directory(const InstallStep& step, const FileStat& now) {
  const Result<void> removed = folder().change(Remove{step.path});
  if (!removed || step.trash.empty() || !make_way_to_trash(step)) return removed;
  if (folder().change(MakeDirectory{step.trash, 0700})) {
    (void)folder().change(SetMetadata{step.trash, now.mode | 0700, std::nullopt});
  }
  return removed;
}

void InstallWork::remove(InstallStep& step) {
  step.outcome = InstallStep::Outcome::kDone;
  const auto now = folder().stat(step.path);
  if (!now && now.error().code == ErrorCode::kNotFound) return;
  if (!now) return failed(step, now.error());
  if (step.expected && !same_file(*now, *step.expected)) {
    return failed(step, {ErrorCode::kExists, step.path + " has changed"});
  }
  if (!step.kept_at.empty()) {
    const auto kept = folder().stat(step.kept_at);
    if (!kept || !same_file(*kept, step.kept)) {
      return failed(step, {ErrorCode::kExists, step.kept_at + " has changed"});
    }
  }
  Result<void> removed;
  if (now->kind == FileKind::kDirectory) {
    removed = remove_directory(step, *now);
  } else if (step.trash.empty()) {
    removed = folder().change(Remove{step.path});
  } else {
    removed = make_way_to_trash(step);
    if (removed) removed = folder().change(Rename{step.path, step.trash, Rename::Mode::kNoReplace});
    const auto aside =
        removed ? folder().stat(step.trash) : Result<FileStat>(tl::unexpected(removed.error()));
    if (aside && step.expected && !same_file(*aside, *step.expected)) {
      (void)folder().change(Rename{step.trash, step.path, Rename::Mode::kNoReplace});
      return failed(step, {ErrorCode::kExists, step.path + " has changed"});
    }
  }
  if (removed) return;
  failed(step, removed.error());
  if (now->kind != FileKind::kDirectory) return;
  if (auto left = folder().list(step.path, ListMode::kOnce)) step.left = std::move(*left);
}

void InstallWork::move(InstallStep& step) {
  const auto now = folder().stat(step.from);
  if (!now) return failed(step, now.error());
  if (step.expected && !same_file(*now, *step.expected)) {
    return failed(step, {ErrorCode::kExists, step.from + " has changed"});
  }
  const bool is_exchange = step.kind == InstallStep::Kind::kExchange;
  const Result<void> moved = folder().change(
      Rename{step.from, step.path, is_exchange ? Rename::Mode::kExchange : Rename::Mode::kNoReplace});
  if (!moved) return failed(step, moved.error());
  opened_->moved(step.from, step.path, is_exchange);
  opened_->close(step.path);
  if (is_exchange) opened_->close(step.from);
  finish(step, *now);
}

// What lies at the place now. If somebody has written to what was `put` there, its stat of before counts, so
// that the next look finds the change.
void InstallWork::finish(InstallStep& step, const std::optional<FileStat>& put) {
  const auto stat = folder().stat(step.path);
  if (!stat) return failed(step, stat.error());
  step.stat = put && !same_file(*stat, *put) ? *put : *stat;
  step.outcome = InstallStep::Outcome::kDone;
}

}  // namespace shoal::sync
