// FsManager: turns hints of the file system, and the clock, into directories that are due for a scan.
//
// Hints come in bursts: a directory is scanned folder_settle after its first hint, and later the longer its
// last scan took, so that one that is always being written to costs a fixed share of the time. Where the host
// could not watch a directory, or has lost hints, everything is scanned: at once, and every
// folder_poll_interval instead of folder_rescan_interval. What we do ourselves in the folder gives hints too,
// and is no change, since the DiskState has it already.
#pragma once

#include <map>
#include <string>

#include "node/sync/folder_context.h"

namespace shoal::sync {

class FsManagerListener {
 public:
  virtual ~FsManagerListener() = default;
  virtual void on_scan_due(const NodeId& directory, bool recursive, Instant when) = 0;
  virtual void on_root_gone() = 0;
  // The shared or the local list has perhaps changed.
  virtual void on_ignore_changed() = 0;
};

class FsManager {
 public:
  FsManager(FolderContext& context, FsManagerListener& listener) : context_(context), listener_(listener) {}

  // Everything is due now, and again from time to time.
  void start();
  void stop();
  void on_event(const FolderEvent& event);
  // A scan has begun: what was hinted at is seen by it. It has ended: how long it took.
  void on_scan_started();
  void on_scan_ended(bool is_watched);
  void advance();
  Instant next() const { return full_at_; }
  Duration scan_took() const { return scan_took_; }
  bool is_watching() const { return is_watching_; }

 private:
  FolderContext& context_;
  FsManagerListener& listener_;
  Instant full_at_ = kNever;
  Instant scan_began_{};
  Duration scan_took_{};
  bool is_watching_ = true;
};

}  // namespace shoal::sync
