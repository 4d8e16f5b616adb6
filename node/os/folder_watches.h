// FolderWatches: hears from the kernel what changes in the directories of all folders (inotify(7)), on the
// loop's thread. Directories are added and dropped from any thread.
//
// A watch holds on to the directory, not to its path: after a move, events name the old path until the
// directory is watched by its new one. Whoever lists the old path then, and finds nothing, has it forgotten.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "node/base/result.h"
#include "node/os/event_loop.h"
#include "node/os/socket.h"
#include "node/os/uv_handle.h"
#include "node/ports/folder.h"

struct inotify_event;

namespace shoal {

class FolderWatches {
 public:
  FolderWatches(EventLoop& loop, std::function<void(const FolderEvent&)> on_event);

  // A folder, of which nothing is watched yet; its number. `root` is its absolute path.
  std::uint64_t add(const Id& group, int root_fd, const std::string& root);
  void remove(std::uint64_t folder);

  // Errors: kStoreFull, no watches left; kIo. `directory` is open for reading.
  Result<void> watch(std::uint64_t folder, const std::string& path, int directory);
  void forget(std::uint64_t folder, const std::string& path);

 private:
  struct Watched {
    Id group;
    int root_fd = -1;
    std::string root;
    std::map<std::string, int> watches;  // by path
    int parent_watch = -1;               // of the directory in which the root lies
  };
  // What a watch is for: several folders may lie in each other.
  struct Use {
    std::uint64_t folder = 0;
    std::string path;
    bool parent = false;
  };
  // Of one turn, without repetition.
  struct Told {
    std::set<std::pair<Id, std::string>> changed;
    std::set<Id> gone;
    bool overflow = false;
  };

  void receive();
  void tell(const Told& told);
  void note(const inotify_event& event, const std::string& name, Told& told);
  void note_use(const Use& use, const inotify_event& event, const std::string& name, Told& told);
  int watch_parent(std::uint64_t folder, const Watched& watched);
  void drop(int watch, std::uint64_t folder, bool parent);

  std::function<void(const FolderEvent&)> on_event_;
  Descriptor inotify_;
  UvHandle<uv_poll_t> poll_;
  std::mutex mutex_;  // guards all below
  std::map<std::uint64_t, Watched> folders_;
  std::map<int, std::vector<Use>> uses_;  // by the kernel's number of the watch
  std::uint64_t folders_made_ = 0;
};

}  // namespace shoal
