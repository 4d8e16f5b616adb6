// PosixFolders: folders on the disks of this machine. Linux only: openat2 (5.6), utimensat by descriptor
// (5.8), inotify, /proc. A folder keeps its root open, so its file system cannot be unmounted meanwhile.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "node/os/event_loop.h"
#include "node/os/folder_watches.h"
#include "node/ports/folder.h"

namespace shoal {

class PosixFolders final : public Folders {
 public:
  // on_event is called on the loop's thread, from the loop. The callback may destroy folders.
  PosixFolders(EventLoop& loop, std::function<void(const FolderEvent&)> on_event)
      : watches_(loop, std::move(on_event)) {}

  Result<std::shared_ptr<Folder>> open(const Id& group, const std::string& root) override;

 private:
  FolderWatches watches_;
};

}  // namespace shoal
