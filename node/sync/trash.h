// The trash of a folder: .shoal/trash/<time>-<number>/<path as it was>, one directory for all that was
// displaced together. TrashWork looks through it, takes things out of it, and empties it of what is too old;
// and it keeps the local ignore list, which lies beside it.
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

namespace shoal::sync {

// "20261128T113207.123Z-17", and back; nothing for what is no such name.
std::string trash_name(WallTime when, std::uint64_t number);
std::optional<WallTime> trash_time(std::string_view name);

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
  WallTime expire_before{};           // kExpire
  std::vector<std::string> patterns;  // kIgnore: lines to add
  // Results
  std::vector<FolderTrashResult::Deleted> found;  // kList, newest first
  bool more = false;
  std::string restored_to;  // kRestore: the file, or the directory
  std::uint64_t restored_files = 0;
  std::vector<std::string> lines;  // kIgnore
  Result<void> outcome;

 private:
  struct Kept {
    WallTime when;
    std::string directory;  // its name in the trash
  };
  Result<std::vector<Kept>> directories();
  void list();
  void list_below(const Kept& kept, const std::string& path_in_it);
  // Of each file at or below `path`: where in the trash lies the version that is meant.
  using Versions = std::map<std::string, std::string>;
  Versions versions(const std::vector<Kept>& kept);
  void find_versions(const Kept& kept, const std::string& below, Versions& meant);
  void restore();
  Result<std::string> restore_file(const std::string& to, const std::string& from);
  void expire();
  Result<void> remove_all(const std::string& path_in_folder);
  void ignore();

  Task task_;
};

}  // namespace shoal::sync
