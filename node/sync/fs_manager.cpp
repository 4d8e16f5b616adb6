#include "node/sync/fs_manager.h"

#include <algorithm>

namespace shoal::sync {
namespace {

// Of the time, for scans of what is always being written to.
constexpr int kRestPerScan = 4;
constexpr Duration kRestMax = std::chrono::seconds(2);

}  // namespace

void FsManager::start() {
  full_at_ = context_.now();
  is_watching_ = true;
}

void FsManager::stop() {
  full_at_ = kNever;
}

void FsManager::on_event(const FolderEvent& event) {
  switch (event.kind) {
    case FolderEvent::Kind::kGone:
      return listener_.on_root_gone();
    case FolderEvent::Kind::kOverflow:
      full_at_ = context_.now();
      return;
    case FolderEvent::Kind::kChanged:
      break;
  }
  if (event.path == kPrivateDirectory) return listener_.on_ignore_changed();
  if (event.path.starts_with(std::string(kPrivateDirectory) + "/")) return;
  // A directory that is not known yet is found by the scan of its parent.
  std::string path = event.path;
  std::optional<NodeId> directory = context_.disk.at(path);
  while (!directory || !context_.disk.is_directory(*directory)) {
    path = parent_of(path);
    directory = context_.disk.at(path);
  }
  const Duration rest = std::min(kRestPerScan * scan_took_, kRestMax);
  const Duration settle = std::max(context_.config().folder_settle, rest);
  listener_.on_scan_due(*directory, false, context_.now() + settle);
}

void FsManager::on_scan_started() {
  scan_began_ = context_.now();
}

void FsManager::on_scan_ended(bool is_watched) {
  scan_took_ = context_.now() - scan_began_;
  is_watching_ = is_watched;
  // The scan before could not know.
  if (!is_watching_) full_at_ = std::min(full_at_, context_.now() + context_.config().folder_poll_interval);
}

void FsManager::advance() {
  const Instant now = context_.now();
  if (full_at_ > now) return;
  const NodeConfig& config = context_.config();
  full_at_ = now + (is_watching_ ? config.folder_rescan_interval : config.folder_poll_interval);
  listener_.on_scan_due(kRoot, true, now);
}

}  // namespace shoal::sync
