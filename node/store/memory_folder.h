// MemoryFolders: folders on a MemoryDisk. They belong to the host that a crash ends; the disk does not.
#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>

#include "node/ports/folder.h"
#include "node/store/memory_disk.h"

namespace shoal {

class MemoryFolder;

class MemoryFolders final : public Folders, private MemoryDisk::Observer {
 public:
  // on_event is called during the call that makes the change: remember it, and tell the node later, as an
  // event of its own. Events are not put together.
  MemoryFolders(MemoryDisk& disk, std::function<void(const FolderEvent&)> on_event);
  ~MemoryFolders() override;
  MemoryFolders(const MemoryFolders&) = delete;
  MemoryFolders& operator=(const MemoryFolders&) = delete;

  // "/" is the disk's root.
  Result<std::shared_ptr<Folder>> open(const Id& group, const std::string& root) override;

  // Directories that can be watched at one time.
  std::size_t watches_max = std::numeric_limits<std::size_t>::max();
  // Events are lost, as when too many come at once.
  void overflow();

 private:
  friend class MemoryFolder;
  // One for each group.
  struct Watched {
    MemoryDisk::Inode root = 0;
    std::map<MemoryDisk::Inode, std::string> paths;
  };

  void on_changed(MemoryDisk::Inode directory) override;
  void on_moved(MemoryDisk::Inode directory) override;
  Result<void> watch(const Id& group, MemoryDisk::Inode directory, const std::string& path);
  void forget(const Id& group, const std::string& path);

  MemoryDisk& disk_;
  std::function<void(const FolderEvent&)> on_event_;
  std::map<Id, Watched> watched_;
};

}  // namespace shoal
