#include "node/os/folder_watches.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "node/os/beneath.h"

namespace shoal {
namespace {

// Masks add up, since one directory may be watched for two reasons. What is removed while open stays quiet.
constexpr std::uint32_t kEntries = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE |
                                   IN_ATTRIB | IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR |
                                   IN_EXCL_UNLINK | IN_MASK_ADD;
constexpr std::uint32_t kLeaving = IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR | IN_MASK_ADD;
constexpr std::uint32_t kSelf = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT;
constexpr int kReadsOfOneTurnMax = 16;

}  // namespace

FolderWatches::FolderWatches(EventLoop& loop, std::function<void(const FolderEvent&)> on_event)
    : on_event_(std::move(on_event)), inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (!inotify_) return;
  auto* poll = new uv_poll_t;
  if (uv_poll_init(loop.uv(), poll, inotify_.get()) != 0) {
    delete poll;
    inotify_ = Descriptor();
    return;
  }
  poll->data = this;
  poll_.reset(poll);
  uv_poll_start(poll, UV_READABLE,
                [](uv_poll_t* ready, int, int) { static_cast<FolderWatches*>(ready->data)->receive(); });
}

std::uint64_t FolderWatches::add(const Id& group, int root_fd, const std::string& root) {
  const std::lock_guard lock(mutex_);
  Watched watched;
  watched.group = group;
  watched.root_fd = root_fd;
  watched.root = root;
  while (watched.root.size() > 1 && watched.root.back() == '/') watched.root.pop_back();
  folders_.emplace(++folders_made_, std::move(watched));
  return folders_made_;
}

void FolderWatches::remove(std::uint64_t folder) {
  const std::lock_guard lock(mutex_);
  const auto found = folders_.find(folder);
  for (const auto& [path, watch] : found->second.watches) drop(watch, folder, false);
  drop(found->second.parent_watch, folder, true);
  folders_.erase(found);
}

// The lock is held from the kernel's answer on, so that the watch's first event finds it known.
Result<void> FolderWatches::watch(std::uint64_t folder, const std::string& path, int directory) {
  const std::lock_guard lock(mutex_);
  if (!inotify_) return fail(ErrorCode::kStoreFull, "cannot watch " + path + ": no inotify instances left");
  const int watch = ::inotify_add_watch(inotify_.get(), proc_path(directory).c_str(), kEntries);
  if (watch < 0) return fail_at("watch", path, errno);
  Watched& watched = folders_.at(folder);
  const auto [known, added] = watched.watches.emplace(path, watch);
  if (!added && known->second == watch) return {};
  // Another directory has this path now, and this directory another path.
  if (!added) drop(std::exchange(known->second, watch), folder, false);
  std::vector<Use>& uses = uses_[watch];
  const auto use =
      std::find_if(uses.begin(), uses.end(), [&](const Use& u) { return u.folder == folder && !u.parent; });
  if (use == uses.end()) {
    uses.push_back({folder, path, false});
  } else {
    watched.watches.erase(std::exchange(use->path, path));
  }
  if (watched.parent_watch < 0) watched.parent_watch = watch_parent(folder, watched);
  return {};
}

// The root's own watch is not told of its removal as long as the root is open, but that of the directory
// around it is. It may be unreadable: then only a listing tells.
int FolderWatches::watch_parent(std::uint64_t folder, const Watched& watched) {
  const std::size_t slash = watched.root.rfind('/');
  const int watch = ::inotify_add_watch(
      inotify_.get(), watched.root.substr(0, std::max<std::size_t>(slash, 1)).c_str(), kLeaving);
  if (watch >= 0) uses_[watch].push_back({folder, watched.root.substr(slash + 1), true});
  return watch;
}

void FolderWatches::forget(std::uint64_t folder, const std::string& path) {
  const std::lock_guard lock(mutex_);
  std::map<std::string, int>& watches = folders_.at(folder).watches;
  const auto found = watches.find(path);
  if (found == watches.end()) return;
  drop(found->second, folder, false);
  watches.erase(found);
}

void FolderWatches::drop(int watch, std::uint64_t folder, bool parent) {
  const auto uses = uses_.find(watch);
  if (uses == uses_.end()) return;
  std::erase_if(uses->second, [&](const Use& u) { return u.folder == folder && u.parent == parent; });
  if (!uses->second.empty()) return;
  uses_.erase(uses);
  ::inotify_rm_watch(inotify_.get(), watch);
}

void FolderWatches::receive() {
  alignas(inotify_event) std::array<char, 65536> buffer;
  Told told;
  for (int reads = 0; reads < kReadsOfOneTurnMax; ++reads) {
    const ssize_t size = ::read(inotify_.get(), buffer.data(), buffer.size());
    if (size <= 0) break;
    const std::lock_guard lock(mutex_);
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      inotify_event event;
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const char* name = buffer.data() + at + sizeof event;
      note(event, std::string(name, ::strnlen(name, event.len)), told);
      at += sizeof event + event.len;
    }
  }
  tell(told);
}

void FolderWatches::note(const inotify_event& event, const std::string& name, Told& told) {
  if ((event.mask & IN_Q_OVERFLOW) != 0) told.overflow = true;
  const auto uses = uses_.find(event.wd);
  if (uses == uses_.end()) return;
  for (const Use& use : uses->second) note_use(use, event, name, told);
  if ((event.mask & IN_IGNORED) == 0) return;
  for (const Use& use : uses->second) {
    Watched& watched = folders_.at(use.folder);
    if (use.parent) {
      watched.parent_watch = -1;
    } else {
      watched.watches.erase(use.path);
    }
  }
  uses_.erase(uses);
}

void FolderWatches::note_use(const Use& use, const inotify_event& event, const std::string& name,
                             Told& told) {
  const Watched& watched = folders_.at(use.folder);
  if (use.parent) {
    if ((event.mask & (IN_DELETE | IN_MOVED_FROM)) != 0 && name == use.path &&
        !lies_at(watched.root_fd, watched.root))
      told.gone.insert(watched.group);
  } else if ((event.mask & kSelf) != 0 && use.path.empty()) {
    told.gone.insert(watched.group);
  } else if ((event.mask & kSelf) != 0 || !name.empty()) {
    told.changed.emplace(watched.group, use.path);
  }
}

void FolderWatches::tell(const Told& told) {
  for (const auto& [group, path] : told.changed) on_event_({group, FolderEvent::Kind::kChanged, path});
  for (const Id& group : told.gone) on_event_({group, FolderEvent::Kind::kGone, {}});
  if (!told.overflow) return;
  std::set<Id> groups;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [number, watched] : folders_) {
      if (!watched.watches.empty()) groups.insert(watched.group);
    }
  }
  for (const Id& group : groups) on_event_({group, FolderEvent::Kind::kOverflow, {}});
}

}  // namespace shoal
