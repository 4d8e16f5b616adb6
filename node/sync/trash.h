// The trash of a folder: .shoal/trash/<date>-<number>-<lived>/<path as it was>, one directory for all that
// was displaced together. Directories on the way have the modes of those that they stand for. `lived` is the
// count of the TrashClock then, in milliseconds: age and order go by it, since a date may be wrong. TrashWork
// looks through the trash, takes things out of it, and empties it of what is too old; and it keeps the local
// ignore list, which lies beside it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/base/instant.h"
#include "node/control/folder_command.h"
#include "node/sync/folder_work.h"
#include "node/sync/trash_clock.h"

namespace shoal::sync {

// "20261128T113207.123Z-17-86400000", and back; nothing for what is no such name. Earlier versions wrote
// names without the count.
std::string trash_name(WallTime when, std::uint64_t number, std::int64_t lived_ms);
std::optional<WallTime> trash_time(std::string_view name);
std::optional<std::int64_t> trash_lived_ms(std::string_view name);

class TrashWork final : public FolderWork {
 public:
  enum class Task : std::uint8_t { kList, kRestore, kExpire, kIgnore };
  TrashWork(std::shared_ptr<Folder> folder, Task task)
      : FolderWork(Kind::kTrash, std::move(folder)), task_(task) {}
  void run() override;
  Task task() const { return task_; }

  // kRestore: a file, or a directory with all files that the trash has of it. As it was at `at`: the version
  // displaced first from then on; without `at` the one displaced last. What lies there now stays, and the
  // file goes beside it; but of a directory, without `at`, only what is missing comes back.
  std::string path;
  std::optional<WallTime> at;
  TrashClock::Saved clock;  // kExpire: is written down while the trash holds anything
  std::chrono::milliseconds lifetime{};
  std::vector<std::string> patterns;  // kIgnore: lines to add
  // Results
  std::vector<FolderTrashResult::Deleted> found;  // kList, newest first; a directory only if it was empty
  bool more = false;
  std::string restored_to;  // kRestore: the file, or the directory
  std::uint64_t restored_files = 0;
  std::vector<std::string> lines;  // kIgnore
  Result<void> outcome;

 private:
  struct Kept {
    std::int64_t lived_ms = 0;
    WallTime when;
    std::string directory;  // its name in the trash
  };
  Result<std::vector<Kept>> directories();
  void list();
  void list_below(const Kept& kept, const std::string& path_in_it);
  void leave_out_filled_directories();
  // Of each file at or below `path`: where in the trash lies the version that is meant.
  using Versions = std::map<std::string, std::string>;
  Versions versions(const std::vector<Kept>& kept);
  void find_versions(const Kept& kept, const std::string& below, Versions& meant);
  void restore();
  Result<std::string> restore_one(const std::string& to, const std::string& from);
  Result<void> make_parents(const std::string& to, const std::string& from);
  void expire();
  Result<bool> expire(const std::string& directory);
  Result<void> save_clock();
  Result<void> remove_all(const std::string& path_in_folder);
  void ignore();

  Task task_;
};

}  // namespace shoal::sync
