// SyncPathManager: what it tells people.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "node/sync/sync_path_manager.h"

namespace shoal::sync {
namespace {

constexpr Duration kProgressStep = std::chrono::seconds(1);
constexpr Duration kProgressWindow = std::chrono::seconds(15);

constexpr const char* kTooFewWatches =
    "raise fs.inotify.max_user_watches (sysctl): there are too few to watch every directory of this folder, "
    "so changes are found only every folder_poll_interval";

std::uint64_t bytes_come(const FolderCounters& counters) {
  return counters.part_bytes_fetched + counters.part_bytes_copied;
}

std::string next_step_for(const std::string& cause) {
  if (cause == "damaged") {
    return "no peer that is connected has it: start a host that has it, or touch the file to keep it as it "
           "is";
  }
  if (cause == "no_peer_has_it") return "start a host that has it, or wait for one";
  if (cause == "disk_full") return "make room on this disk, or empty .shoal/trash";
  if (cause == "changing") return "it is looked at again when nobody writes to it";
  if (cause == "node_data") return "a node keeps its keys and its database there: no peer gets any of it";
  if (cause == "mounted_over")
    return "unmount what is mounted there: until then this waits, and nothing is deleted";
  if (cause == "unsyncable") return "move it out of the folder, or have it ignored";
  if (cause == "bad_pattern") return "fix these ignore patterns, they match nothing";
  if (cause == "ignored") return "take the pattern out of the ignore list to have it here";
  if (cause == "case_collision")
    return "give one of the two another name: this disk does not tell their names apart";
  if (cause == "too_many_versions") return "on one host keep one of its versions, and delete the others";
  return {};
}

}  // namespace

bool SyncPathManager::is_in_sync() const {
  if (!is_running() || setting_up_ || scanner_.is_scanning() || has_findings() || pending_ ||
      !pages_.empty() || !applier_.is_done() || !pulled_.covers(announced_)) {
    return false;
  }
  return std::ranges::none_of(clients_, [](const auto& client) { return client.second.is_pulling(); });
}

FolderStatus SyncPathManager::status() const {
  FolderStatus status;
  status.group = context_.group;
  status.name = record_.name;
  status.root = record_.root;
  status.entries = context_.disk.size();
  status.files = context_.disk.files();
  status.bytes = context_.disk.bytes();
  for (const auto& [connection, client] : clients_) status.peers_connected += client.is_open() ? 1 : 0;
  status.watching = is_running() && fs_.is_watching();
  status.last_scan = last_scan_;
  for (const NodeId& id : applier_.unfinished()) {
    const auto shown = context_.tree.shown(id);
    if (!shown || shown->content.kind != NodeKind::kFile) continue;
    const DiskEntry* have = context_.disk.find(id);
    if (have != nullptr && !have->damage && have->content.same_bytes(shown->content)) continue;
    ++status.files_needed;
    status.bytes_needed += shown->content.size;
  }
  status.bytes_done = applier_.fetcher().bytes_done();
  status.bytes_needed -= std::min(status.bytes_needed, status.bytes_done);
  status.eta = time_left(status.bytes_needed);
  status.forked_replicas = context_.lineages.closed();
  if (loaded_) status.conflicts = conflicts().conflicts.size();
  status.files_damaged = context_.disk.damaged().size();
  status.verifying = verifier_.running();
  status.verified = verifier_.last();
  status.damage_found = context_.counters.damage_found;
  status.damage_repaired = context_.counters.damage_repaired;
  using State = FolderStatus::State;
  if (!stopped_for_.empty()) {
    status.state = record_.is_paused ? State::kPaused : State::kStopped;
    status.reason = stopped_for_;
    status.next_step = next_step_;
  } else if (setting_up_ || scanner_.is_scanning()) {
    status.state = State::kScanning;
  } else if (has_only_damage_left()) {
    status.state = State::kWaiting;
    status.reason = "damaged";
    status.next_step =
        "the disk has damaged files that no connected peer has: see shoal folder status FOLDER";
  } else if (applier_.fetcher().waits_for_room()) {
    status.state = State::kWaiting;
    status.reason = "disk_full";
    status.next_step = room_step();
  } else if (!is_in_sync()) {
    status.state = State::kSyncing;
  } else if (status.peers_connected == 0) {
    status.state = State::kWaiting;
    status.reason = "no_peers";
    status.next_step = "start another host that has the key of this folder";
  } else if (!refused_.empty()) {
    status.state = State::kWaiting;
    status.reason = "too_many_versions";
    status.next_step = "see the paths of this folder's status";
  } else if (std::ranges::any_of(clients_, [](const auto& client) { return client.second.is_at_odds(); })) {
    status.state = State::kWaiting;
    status.reason = "differs_from_peer";
    status.next_step = "the index of a host is damaged: remove the folder there, and join it again";
  } else if (has_too_many_replicas_) {
    status.state = State::kWaiting;
    status.reason = "too_many_replicas";
    status.next_step =
        "more hosts have written to this folder than it can hold: share it again under another key";
  } else {
    status.state = State::kInSync;
  }
  if (is_running() && !fs_.is_watching() && status.next_step.empty()) status.next_step = kTooFewWatches;
  return status;
}

std::optional<FolderStop> SyncPathManager::stop() const {
  FolderStop stop{context_.group, record_.name, record_.root, stopped_for_, next_step_};
  if (stopped_for_.empty() && applier_.fetcher().lacks_room()) {
    stop.reason = "disk_full";
    stop.next_step = room_step();
  } else if (stopped_for_.empty() && !context_.disk.damaged().empty()) {
    stop.reason = "damaged";
    stop.next_step = "see shoal folder status FOLDER, and check the disk";
  }
  return stop.reason.empty() ? std::nullopt : std::optional(std::move(stop));
}

std::string SyncPathManager::room_step() const {
  return fmt::format("{}: {} bytes are missing", next_step_for("disk_full"),
                     applier_.fetcher().room_missing());
}

void SyncPathManager::measure_progress() {
  const Instant now = context_.now();
  while (!progress_.empty() && progress_.front().when + kProgressWindow < now) progress_.pop_front();
  if (!progress_.empty() && now < progress_.back().when + kProgressStep) return;
  progress_.push_back({now, bytes_come(context_.counters)});
}

// As fast as of late. Nothing when nothing is needed, or nothing has come.
std::optional<Duration> SyncPathManager::time_left(std::uint64_t bytes) const {
  if (bytes == 0 || progress_.empty()) return std::nullopt;
  const std::uint64_t come = bytes_come(context_.counters) - progress_.front().bytes;
  const Duration took = context_.now() - progress_.front().when;
  if (come == 0 || took < kProgressStep) return std::nullopt;
  const double left_ns =
      static_cast<double>(took.count()) * static_cast<double>(bytes) / static_cast<double>(come);
  constexpr Duration kLongest = std::chrono::hours(24 * 365);
  return left_ns < static_cast<double>(kLongest.count()) ? Duration(static_cast<std::int64_t>(left_ns))
                                                         : kLongest;
}

std::vector<FolderPathStatus> SyncPathManager::path_status(const std::string& below, std::size_t count_max,
                                                           bool& more) const {
  std::map<std::string, FolderPathStatus> found;
  const auto is_below = [&](const std::string& path) {
    return below.empty() || path == below || path.starts_with(below + "/");
  };
  const auto add = [&](const std::string& path, std::string cause, std::string message) {
    if (!is_below(path)) return;
    if (found.size() == count_max) {
      more = true;
      return;
    }
    FolderPathStatus status;
    status.path = path;
    status.next_step = next_step_for(cause);
    if (!message.empty() && next_step_for(cause).empty()) status.next_step = std::move(message);
    if (cause == "bad_pattern" || cause == "disk_full") status.next_step += ": " + message;
    status.cause = std::move(cause);
    found.emplace(path, std::move(status));
  };
  for (const auto& [path, problems] : ignore_problems_) {
    add(path, "bad_pattern", fmt::format("{}", fmt::join(problems, "; ")));
  }
  for (const auto& [path, trouble] : scan_troubles_) {
    const bool is_there = context_.disk.at(parent_of(path)).has_value();
    if (is_there) add(path, trouble.cause, trouble.message);
  }
  for (const auto& [id, name] : refused_) {
    add(context_.tree.shown(id) ? path_shown(id) : name, "too_many_versions", {});
  }
  for (const NodeId& id : applier_.unfinished()) {
    const std::string path = path_shown(id);
    const Trouble* trouble = applier_.trouble(id);
    const bool is_damaged = context_.disk.damaged().contains(id);
    add(path,
        is_damaged                           ? "damaged"
        : trouble != nullptr                 ? trouble->cause
        : applier_.fetcher().is_fetching(id) ? "fetching"
                                             : "waiting",
        trouble != nullptr ? trouble->message : std::string());
    const auto row = found.find(path);
    if (row != found.end() && is_damaged && trouble == nullptr) {
      row->second.next_step = "it is being fetched from a peer";
    }
    const auto shown = context_.tree.shown(id);
    if (row == found.end() || !shown) continue;
    for (const auto& [connection, client] : clients_) {
      if (client.is_open() && client.peer().knowledge.covers(shown->content_dot)) {
        row->second.who_has_it.push_back(client.contact().key);
      }
    }
  }
  for (const NodeId& id : applier_.kept()) {
    add(path_shown(id), applier_.trouble(id)->cause, applier_.trouble(id)->message);
  }
  // Left alone as the person wants it: told to who asks for it.
  for (const NodeId& id : applier_.ignored()) {
    if (below.empty()) break;
    add(path_shown(id), "ignored", {});
  }
  std::vector<FolderPathStatus> rows;
  for (auto& [path, status] : found) rows.push_back(std::move(status));
  return rows;
}

// Where it is to be; for what is to go, where it is.
std::string SyncPathManager::path_shown(const NodeId& id) const {
  std::string path;
  for (NodeId at = id; at != kRoot;) {
    const auto shown = context_.tree.shown(at);
    if (!shown) return context_.disk.path(id).value_or(path);
    path = path.empty() ? shown->name : shown->name + "/" + path;
    at = shown->parent;
  }
  return path;
}

FolderConflictsResult SyncPathManager::conflicts() const {
  FolderConflictsResult result;
  for (const auto& [id, winner] : context_.tree.conflicts()) {
    const auto shown = context_.tree.shown(id);
    if (!shown) continue;
    if (result.conflicts.size() == kFolderRowsMax) {
      result.more = true;
      break;
    }
    FolderConflictsResult::Conflict conflict;
    conflict.path = path_shown(id);
    conflict.of_path = path_shown(winner);
    conflict.replica = id.replica.short_hex();
    conflict.when = WallTime(std::chrono::milliseconds(shown->content.mtime_ns / 1'000'000));
    result.conflicts.push_back(std::move(conflict));
  }
  return result;
}

}  // namespace shoal::sync
