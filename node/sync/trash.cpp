#include "node/sync/trash.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <set>
#include <tuple>
#include <utility>

#include "node/base/relative_path.h"
#include "node/sync/tree.h"

namespace shoal::sync {
namespace {

constexpr std::size_t kStampBytes = std::string_view("20261128T113207.123Z").size();

constexpr int kNamesTried = 100;  // "x", "x (restored)", "x (restored 2)", ...

bool read_number(std::string_view text, std::size_t offset, std::size_t digits, int& into) {
  const char* begin = text.data() + offset;
  const auto read = std::from_chars(begin, begin + digits, into);
  return read.ec == std::errc() && read.ptr == begin + digits;
}

}  // namespace

std::string trash_name(WallTime when, std::uint64_t number, std::int64_t lived_ms) {
  const auto day = std::chrono::floor<std::chrono::days>(when);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss of_day(when - day);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}.{:03}Z-{}-{}", int(date.year()), unsigned(date.month()),
                     unsigned(date.day()), of_day.hours().count(), of_day.minutes().count(),
                     of_day.seconds().count(), of_day.subseconds().count(), number, lived_ms);
}

std::optional<std::int64_t> trash_lived_ms(std::string_view name) {
  if (!trash_time(name)) return std::nullopt;
  const std::size_t dash = name.rfind('-');
  if (dash == std::string_view::npos || dash <= kStampBytes) return std::nullopt;
  std::int64_t lived_ms = 0;
  const char* end = name.data() + name.size();
  const auto read = std::from_chars(name.data() + dash + 1, end, lived_ms);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return lived_ms >= 0 && lived_ms <= TrashClock::kNumberMax ? std::optional(lived_ms) : std::nullopt;
}

std::optional<WallTime> trash_time(std::string_view name) {
  if (name.size() < kStampBytes || name[8] != 'T' || name[15] != '.' || name[19] != 'Z') return std::nullopt;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, millisecond = 0;
  if (!read_number(name, 0, 4, year) || !read_number(name, 4, 2, month) || !read_number(name, 6, 2, day) ||
      !read_number(name, 9, 2, hour) || !read_number(name, 11, 2, minute) ||
      !read_number(name, 13, 2, second) || !read_number(name, 16, 3, millisecond)) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(unsigned(month)),
                                         std::chrono::day(unsigned(day))};
  if (!date.ok()) return std::nullopt;
  return WallTime(std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(hour) +
                  std::chrono::minutes(minute) + std::chrono::seconds(second) +
                  std::chrono::milliseconds(millisecond));
}

void TrashWork::run() {
  switch (task_) {
    case Task::kList:
      return list();
    case Task::kRestore:
      return restore();
    case Task::kExpire:
      return expire();
    case Task::kIgnore:
      return ignore();
  }
}

// Newest first.
Result<std::vector<TrashWork::Kept>> TrashWork::directories() {
  auto entries = folder().list(kTrashDirectory, ListMode::kOnce);
  std::vector<Kept> kept;
  if (!entries && entries.error().code == ErrorCode::kNotFound) return kept;  // nothing was displaced yet
  if (!entries) return tl::unexpected(entries.error());
  for (const DirectoryEntry& entry : *entries) {
    const auto when = trash_time(entry.name);
    if (!when || entry.stat.kind != FileKind::kDirectory) continue;
    kept.push_back({trash_lived_ms(entry.name).value_or(0), *when, entry.name});
  }
  std::ranges::stable_sort(kept, [](const Kept& a, const Kept& b) {
    return std::tie(a.lived_ms, a.when) > std::tie(b.lived_ms, b.when);
  });
  return kept;
}

void TrashWork::list() {
  const auto kept = directories();
  if (!kept) {
    outcome = tl::unexpected(kept.error());
    return;
  }
  for (const Kept& directory : *kept) {
    if (!more) list_below(directory, "");
  }
  leave_out_filled_directories();
}

// A directory that had files is in the trash with them, and needs no line of its own.
void TrashWork::leave_out_filled_directories() {
  std::set<std::string> parents;
  for (const auto& row : found) {
    if (row.path.ends_with('/')) continue;
    for (std::string parent = parent_of(row.path); !parent.empty(); parent = parent_of(parent)) {
      if (!parents.insert(parent).second) break;
    }
  }
  std::erase_if(found, [&](const auto& row) {
    return row.path.ends_with('/') && parents.contains(row.path.substr(0, row.path.size() - 1));
  });
}

void TrashWork::list_below(const Kept& kept, const std::string& path_in_it) {
  const std::string root = kTrashDirectory + "/" + kept.directory;
  const auto entries = folder().list(path_in_it.empty() ? root : root + "/" + path_in_it, ListMode::kOnce);
  if (!entries) return;
  if (entries->empty() && !path_in_it.empty() && found.size() < kFolderRowsMax) {
    found.push_back({path_in_it + "/", kept.when, 0});
  }
  for (const DirectoryEntry& entry : *entries) {
    const std::string below = join_path(path_in_it, entry.name);
    if (entry.stat.kind == FileKind::kDirectory) {
      list_below(kept, below);
    } else if (found.size() == kFolderRowsMax) {
      more = true;
      return;
    } else {
      found.push_back({below, kept.when, entry.stat.size});
    }
  }
}

TrashWork::Versions TrashWork::versions(const std::vector<Kept>& kept) {
  Versions meant;
  for (const Kept& directory : kept) {
    if (!at || directory.when >= *at) find_versions(directory, path, meant);
  }
  return meant;
}

// They come newest first: the last one is the oldest.
void TrashWork::find_versions(const Kept& kept, const std::string& below, Versions& meant) {
  const std::string place = kTrashDirectory + "/" + kept.directory + "/" + below;
  const auto stat = folder().stat(place);
  if (!stat) return;
  if (stat->kind != FileKind::kDirectory) {
    if (at) {
      meant.insert_or_assign(below, place);
    } else {
      meant.try_emplace(below, place);
    }
    return;
  }
  const auto entries = folder().list(place, ListMode::kOnce);
  if (!entries) return;
  if (entries->empty()) meant.try_emplace(below, place);
  for (const DirectoryEntry& entry : *entries) find_versions(kept, join_path(below, entry.name), meant);
}

void TrashWork::restore() {
  const auto kept = directories();
  if (!kept) {
    outcome = tl::unexpected(kept.error());
    return;
  }
  Versions meant = versions(*kept);
  const auto itself = meant.find(path);
  const auto found_itself = itself == meant.end() ? Result<FileStat>(fail(ErrorCode::kNotFound, ""))
                                                  : folder().stat(itself->second);
  const bool is_file = found_itself && found_itself->kind != FileKind::kDirectory;
  if (is_file) {
    meant = {{path, meant.at(path)}};
  } else if (!at) {
    std::erase_if(meant, [&](const auto& version) { return folder().stat(version.first).has_value(); });
  }
  if (meant.empty()) {
    outcome = fail(ErrorCode::kNotFound, "the trash has no " + path + (at ? " of that time" : ""));
    return;
  }
  restored_to = path;
  for (const auto& [to, from] : meant) {
    const Result<std::string> restored = restore_one(to, from);
    if (!restored) {
      outcome = tl::unexpected(restored.error());
      return;
    }
    ++restored_files;
    if (is_file) restored_to = *restored;
  }
}

// The directories above it that are missing, with the modes that the trash has of them.
Result<void> TrashWork::make_parents(const std::string& to, const std::string& from) {
  const std::string above = from.substr(0, from.size() - to.size());
  for (std::size_t end = to.find('/'); end != std::string::npos; end = to.find('/', end + 1)) {
    const std::string parent = to.substr(0, end);
    if (Result<void> made = make_like(folder(), parent, above + parent); !made) return made;
  }
  return {};
}

// Where it lies now.
Result<std::string> TrashWork::restore_one(const std::string& to, const std::string& from) {
  if (Result<void> made = make_parents(to, from); !made) return tl::unexpected(made.error());
  if (const auto stat = folder().stat(from); stat && stat->kind == FileKind::kDirectory) {
    if (Result<void> made = make_like(folder(), to, from); !made) return tl::unexpected(made.error());
    (void)folder().change(Remove{from});
    return to;
  }
  const SplitPath split = split_path(to);
  std::string place = to;
  for (int attempt = 1;; ++attempt) {
    const Result<void> done = folder().change(Rename{from, place, Rename::Mode::kNoReplace});
    if (done) return place;
    if (done.error().code != ErrorCode::kExists || attempt == kNamesTried)
      return tl::unexpected(done.error());
    const std::string mark = fmt::format(" (restored{})", attempt == 1 ? "" : " " + std::to_string(attempt));
    place = join_path(split.parent, marked_name(split.name, mark));
  }
}

void TrashWork::expire() {
  const auto kept = directories();
  if (!kept) {
    outcome = tl::unexpected(kept.error());
    return;
  }
  bool any = false;
  for (const Kept& directory : *kept) {
    const Result<bool> expired = expire(directory.directory);
    if (!expired) outcome = tl::unexpected(expired.error());
    any |= !expired || !*expired;
  }
  if (any && outcome) outcome = save_clock();
}

// Whether it has gone. One without a count, of an earlier version, is counted from now on.
Result<bool> TrashWork::expire(const std::string& directory) {
  const std::string path_in_folder = kTrashDirectory + "/" + directory;
  const std::optional<std::int64_t> lived_ms = trash_lived_ms(directory);
  if (!lived_ms) {
    const Result<void> renamed =
        folder().change(Rename{path_in_folder, fmt::format("{}-{}", path_in_folder, clock.lived_ms)});
    return renamed ? Result<bool>(false) : tl::unexpected(renamed.error());
  }
  if (*lived_ms + lifetime.count() > clock.lived_ms) return false;
  const Result<void> removed = remove_all(path_in_folder);
  return removed ? Result<bool>(true) : tl::unexpected(removed.error());
}

Result<void> TrashWork::save_clock() {
  const bool is_there = folder().stat(kTrashClockFile).has_value();
  const auto file = folder().open(kTrashClockFile, is_there ? OpenMode::kWrite : OpenMode::kCreate);
  if (!file) return tl::unexpected(file.error());
  const std::string text = TrashClock::encode(clock);
  return (*file)->write(0, view(text));
}

Result<void> TrashWork::remove_all(const std::string& path_in_folder) {
  const auto entries = folder().list(path_in_folder, ListMode::kOnce);
  if (!entries) return tl::unexpected(entries.error());
  for (const DirectoryEntry& entry : *entries) {
    const std::string below = join_path(path_in_folder, entry.name);
    const Result<void> removed =
        entry.stat.kind == FileKind::kDirectory ? remove_all(below) : folder().change(Remove{below});
    if (!removed) return removed;
  }
  return folder().change(Remove{path_in_folder});
}

// Lines are added by a new file in the place of the old one.
void TrashWork::ignore() {
  std::string text;
  if (auto file = folder().open(kLocalIgnoreFile, OpenMode::kRead)) {
    Bytes bytes(kIgnoreBytesMax);
    const auto count = (*file)->read(0, bytes);
    if (count) text.assign(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(*count));
  }
  if (!text.empty() && text.back() != '\n') text += '\n';
  for (const std::string& pattern : patterns) text += pattern + "\n";
  if (!patterns.empty()) {
    const std::string next = kStagingDirectory + "/small-ignore";
    (void)folder().change(Remove{next});
    auto file = folder().open(next, OpenMode::kCreate);
    outcome = file ? (*file)->write(0, view(text)) : Result<void>(tl::unexpected(file.error()));
    if (outcome) outcome = (*file)->sync();
    if (outcome && folder().stat(kLocalIgnoreFile)) outcome = folder().change(Remove{kLocalIgnoreFile});
    if (outcome) outcome = folder().change(Rename{next, kLocalIgnoreFile, Rename::Mode::kNoReplace});
    if (!outcome) return;
  }
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
}

}  // namespace shoal::sync
