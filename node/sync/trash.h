// The trash of a folder: .shoal/trash/<time>-<number>/<path as it was>, one directory for all that was
// displaced together. TrashWork looks through it, takes things out of it, and empties it of what is too old;
// and it keeps the local ignore list, which lies beside it.
#pragma once

#include <cstdint>
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

  // kRestore: the newest version that was displaced at or after... `at` says as it was then: the oldest that
  // was displaced later than it; without `at` the one displaced last.
  std::string path;
  std::optional<WallTime> at;
  WallTime expire_before{};           // kExpire
  std::vector<std::string> patterns;  // kIgnore: lines to add
  // Results
  std::vector<FolderTrashResult::Deleted> found;  // kList, newest first
  bool more = false;
  std::string restored_to;         // kRestore
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
  void restore();
  void expire();
  Result<void> remove_all(const std::string& path_in_folder);
  void ignore();

  Task task_;
};

}  // namespace shoal::sync
