#include "node/sync/opened_directories.h"

#include <fmt/format.h>

#include <charconv>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "node/sync/folder_work.h"

namespace shoal::sync {
namespace {

const std::string kNotePrefix = kStagingDirectory + "/opened-";
constexpr std::uint32_t kOwnerAll = 0700;
constexpr std::uint32_t kOwnerWrites = 0300;
constexpr std::size_t kNoteBytesMax = 1 << 20;  // paths are longer than the kernel's

template <class Number>
bool read_number(std::string_view& text, Number& into, int base) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), into, base);
  if (read.ec != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
  if (!text.starts_with(' ')) return false;
  text.remove_prefix(1);
  return true;
}

// Where `path` is once `from` is at `to`; nothing if it does not lie there.
std::optional<std::string> moved_path(const std::string& path, const std::string& from,
                                      const std::string& to) {
  if (path != from && !path.starts_with(from + "/")) return std::nullopt;
  return to + path.substr(from.size());
}

}  // namespace

void OpenedDirectories::open(const std::string& directory) {
  if (directory.empty() || !looked_at_.insert(directory).second) return;
  const auto stat = folder_.stat(directory);
  if (!stat || stat->kind != FileKind::kDirectory || (stat->mode & kOwnerWrites) == kOwnerWrites) return;
  Opened opened{stat->mode, stat->inode, fmt::format("{}{}-{}", kNotePrefix, work_, ++notes_)};
  if (!write_note(directory, opened)) return;
  if (folder_.change(SetMetadata{directory, stat->mode | kOwnerAll, std::nullopt})) {
    opened_.emplace(directory, std::move(opened));
  } else {
    (void)folder_.change(Remove{opened.note});
  }
}

bool OpenedDirectories::write_note(const std::string& directory, const Opened& opened) {
  (void)folder_.change(Remove{opened.note});  // of a work before the start
  const auto file = folder_.open(opened.note, OpenMode::kCreate);
  if (!file) return false;
  const std::string text = fmt::format("{:o} {} {}", opened.mode, opened.inode, directory);
  return (*file)->write(0, view(text)) && (!flush_ || (*file)->sync());
}

void OpenedDirectories::close(const std::string& directory) {
  looked_at_.erase(directory);
  const auto opened = opened_.extract(directory);
  if (opened.empty()) return;
  put_back(folder_, directory, opened.mapped().mode, opened.mapped().inode);
  (void)folder_.change(Remove{opened.mapped().note});
}

void OpenedDirectories::close_all() {
  while (!opened_.empty()) close(std::prev(opened_.end())->first);  // what lies in others first
  looked_at_.clear();
}

void OpenedDirectories::moved(const std::string& from, const std::string& to, bool is_exchange) {
  looked_at_.clear();
  std::map<std::string, Opened> opened;
  for (auto& [path, each] : std::exchange(opened_, {})) {
    auto now = moved_path(path, from, to);
    if (!now && is_exchange) now = moved_path(path, to, from);
    looked_at_.insert(now.value_or(path));
    opened.emplace(now.value_or(path), std::move(each));
  }
  opened_ = std::move(opened);
}

// Another directory may lie there by now, or a person may have changed the mode.
void OpenedDirectories::put_back(Folder& folder, const std::string& directory, std::uint32_t mode,
                                 std::uint64_t inode) {
  const auto stat = folder.stat(directory);
  if (!stat || stat->kind != FileKind::kDirectory || stat->inode != inode) return;
  if (stat->mode == (mode | kOwnerAll)) (void)folder.change(SetMetadata{directory, mode, std::nullopt});
}

bool OpenedDirectories::put_back(Folder& folder, const std::string& staged) {
  if (!staged.starts_with(kNotePrefix)) return false;
  Bytes bytes(kNoteBytesMax);
  const auto file = folder.open(staged, OpenMode::kRead);
  const auto count = file ? (*file)->read(0, bytes) : Result<std::size_t>(std::size_t{0});
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), count.value_or(0));
  std::uint32_t mode = 0;
  std::uint64_t inode = 0;
  if (read_number(text, mode, 8) && read_number(text, inode, 10) && mode <= 0777u) {
    put_back(folder, std::string(text), mode, inode);
  }
  (void)folder.change(Remove{staged});
  return true;
}

}  // namespace shoal::sync
