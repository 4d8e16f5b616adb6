#include "node/sync/sync_manager.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "node/wire/codec.h"

namespace shoal::sync {
namespace {

// A full session takes more soon.
constexpr Duration kReplyRetry = std::chrono::milliseconds(1);

}  // namespace

void SyncManager::belong_to(NodeContext& node, Rpc& rpc, Groups& groups) {
  node_ = &node;
  rpc_ = &rpc;
  groups_ = &groups;
  sessions_.clear();
  replies_.clear();
  armed_ = kNever;
  for (auto& [group, folder] : folders_) folder->belong_to(node);
}

void SyncManager::start() {
  for (const Id& group : ports_.index.groups()) {
    const auto row = ports_.index.find({group, IndexTable::kFolder, {}});
    if (!row || folders_.size() == kFoldersMax) continue;
    auto record = decode_folder_record(*row);
    if (record) insert(group, std::move(*record)).open();
  }
  go_on_with_all();
}

void SyncManager::stop() {
  for (auto& [group, folder] : folders_) folder->shutdown();
}

SyncPathManager& SyncManager::insert(const Id& group, FolderRecord record) {
  auto folder = std::make_unique<SyncPathManager>(group, ++ordinals_, std::move(record), ports_.index,
                                                  ports_.pool, ports_.folders, *node_, *this);
  SyncPathManager& inserted = *folder;
  folders_.insert_or_assign(group, std::move(folder));
  for (const auto& [connection, session] : sessions_) {
    if (std::ranges::binary_search(session.groups, group)) inserted.on_peer(connection, session.contact);
  }
  return inserted;
}

const SyncPathManager* SyncManager::find(const Id& group) const {
  const auto found = folders_.find(group);
  return found == folders_.end() ? nullptr : found->second.get();
}

// ---- Events

void SyncManager::on_shared_groups(Guid connection, const Contact& contact, const std::vector<Id>& groups) {
  Session& session = sessions_[connection];
  session.contact = contact;
  const std::vector<Id> before = std::exchange(session.groups, groups);
  for (auto& [group, folder] : folders_) {
    const bool was_shared = std::ranges::binary_search(before, group);
    const bool is_shared = std::ranges::binary_search(groups, group);
    if (is_shared && !was_shared) folder->on_peer(connection, contact);
    if (was_shared && !is_shared) folder->on_peer_lost(connection);
  }
  go_on_with_all();
}

void SyncManager::on_session_lost(Guid connection) {
  if (sessions_.erase(connection) == 0) return;
  std::erase_if(replies_, [&](const Reply& reply) { return reply.origin.connection == connection; });
  for (auto& [group, folder] : folders_) folder->on_peer_lost(connection);
  go_on_with_all();
}

void SyncManager::on_fs_event(const Id& group, const Id& origin, ByteView event) {
  const auto folder = folders_.find(group);
  if (folder == folders_.end()) return;
  folder->second->on_news(origin, event);
  go_on(*folder->second);
}

void SyncManager::on_folder_event(const FolderEvent& event) {
  const auto folder = folders_.find(event.group);
  if (folder == folders_.end()) return;
  folder->second->on_folder_event(event);
  go_on(*folder->second);
}

void SyncManager::on_work_done(std::unique_ptr<Work> work) {
  const auto folder = folders_.find(work->group);
  // Only folders submit work.
  std::unique_ptr<FolderWork> of_folder(static_cast<FolderWork*>(work.release()));
  if (folder == folders_.end()) return on_work_of_removed(*of_folder);
  if (of_folder->kind() == FolderWork::Kind::kTrash) end_trash_work(static_cast<TrashWork&>(*of_folder));
  folder->second->on_work(std::move(of_folder));
  go_on(*folder->second);
}

void SyncManager::on_work_of_removed(FolderWork& work) {
  if (work.kind() == FolderWork::Kind::kTrash) end_trash_work(static_cast<TrashWork&>(work));
  const auto leaving = leaving_.find(work.group);
  if (leaving != leaving_.end() && --leaving->second == 0) leaving_.erase(leaving);
}

bool SyncManager::on_committed(CommitId commit, const Result<void>& outcome) {
  if (std::erase(forgetting_, commit) > 0) return true;
  for (auto& [group, folder] : folders_) {
    if (!folder->is_waiting_for(commit)) continue;
    folder->on_committed(outcome);
    go_on(*folder);
    return true;
  }
  return false;
}

void SyncManager::on_answer(const Answer& answer) {
  for (auto& [group, folder] : folders_) {
    if (folder->context().ordinal != answer.completion.index) continue;
    folder->on_answer(answer);
    return go_on(*folder);
  }
}

void SyncManager::on_deadline() {
  armed_ = kNever;
  send_waiting();
  go_on_with_all();
}

void SyncManager::go_on(SyncPathManager& folder) {
  folder.advance(*rpc_);
  arm();
}

void SyncManager::go_on_with_all() {
  for (auto& [group, folder] : folders_) folder->advance(*rpc_);
  arm();
}

void SyncManager::arm() {
  Instant next = replies_.empty() ? kNever : node_->now() + kReplyRetry;
  for (const auto& [group, folder] : folders_) next = std::min(next, folder->next());
  if (next >= armed_) return;
  armed_ = next;
  node_->at(next, DeadlineKind::kSync);
}

// ---- Speaking to peers

SyncPathManager* SyncManager::shared_with(const Origin& origin, const Id& group) {
  const auto session = sessions_.find(origin.connection);
  if (session == sessions_.end() || !std::ranges::binary_search(session->second.groups, group))
    return nullptr;
  const auto folder = folders_.find(group);
  return folder == folders_.end() ? nullptr : folder->second.get();
}

void SyncManager::announce(const Id& group, Bytes event) {
  (void)groups_->broadcast_fs_event(group, std::move(event));
}

void SyncManager::respond(const Origin& origin, std::uint64_t request_id, wire::RequestKind kind,
                          wire::ResponseBody body) {
  const bool has_room = replies_.empty() && rpc_->has_room(origin, wire::kMessageBytesMax);
  if (has_room) return rpc_->respond(origin, request_id, kind, std::move(body));
  if (replies_.size() == kRepliesWaitingMax) return;  // the asker asks somebody else
  replies_.push_back({origin, request_id, kind, std::move(body)});
}

void SyncManager::send_waiting() {
  for (std::size_t waiting = replies_.size(); waiting > 0; --waiting) {
    Reply reply = std::move(replies_.front());
    replies_.pop_front();
    if (rpc_->has_room(reply.origin, wire::kMessageBytesMax)) {
      rpc_->respond(reply.origin, reply.request_id, reply.kind, std::move(reply.body));
    } else {
      replies_.push_back(std::move(reply));
    }
  }
}

// ---- Commands

void SyncManager::answer(CommandId id, CommandResult result) {
  node_->results.emplace_back(id, std::move(result));
}

// What the folder says, and of what stands between it and its peers what it cannot know.
FolderStatus SyncManager::status(const SyncPathManager& folder) const {
  using State = FolderStatus::State;
  FolderStatus status = folder.status();
  const bool waits_for_peers =
      status.state == State::kWaiting || status.state == State::kSyncing || status.state == State::kInSync;
  if (!waits_for_peers || status.peers_connected > 0) return status;
  if (!groups_->has(status.group)) {
    status.state = State::kWaiting;
    status.reason = "no_key";
    status.next_step =
        "this host has no key of this folder: shoal join with the key, which its other hosts show by shoal "
        "key "
        "show, and with this directory gives it back";
  } else if (const Duration ahead = groups_->clock_ahead(status.group); ahead != Duration::zero()) {
    status.reason = "clock";
    status.next_step = fmt::format(
        "the clock of this host is {} min {} that of its peers, and more than {} min make sessions "
        "impossible: "
        "set the wrong one right",
        std::chrono::round<std::chrono::minutes>(std::chrono::abs(ahead)).count(),
        ahead > Duration::zero() ? "ahead of" : "behind", SessionGroups::kMinutesApartMax);
  }
  return status;
}

std::vector<FolderStatus> SyncManager::status() const {
  std::vector<FolderStatus> all;
  for (const auto& [group, folder] : folders_) all.push_back(status(*folder));
  return all;
}

std::vector<FolderStop> SyncManager::stopped() const {
  std::vector<FolderStop> all;
  for (const auto& [group, folder] : folders_) {
    if (auto stop = folder->stop()) all.push_back(std::move(*stop));
  }
  return all;
}

StatusResult::Folders SyncManager::summary() const {
  StatusResult::Folders summary;
  for (const FolderStatus& folder : status()) {
    ++summary.count;
    summary.in_sync += folder.state == FolderStatus::State::kInSync ? 1 : 0;
    summary.bytes_needed += folder.bytes_needed;
  }
  return summary;
}

void SyncManager::execute(CommandId id, const AddFolderCommand& command) {
  if (!groups_->has(command.group)) {
    return answer(id, fail(ErrorCode::kNotFound, "this host has no key of group " + command.group.hex()));
  }
  const auto known = folders_.find(command.group);
  // Its key may have been away.
  if (known != folders_.end() && known->second->record().root == command.root) {
    return answer(id, AddFolderResult{status(*known->second)});
  }
  if (known != folders_.end()) {
    return answer(
        id, fail(ErrorCode::kExists, "this group's folder is " + known->second->record().root + " already"));
  }
  // Its works would be taken for those of the new one.
  if (leaving_.contains(command.group)) {
    return answer(id, fail(ErrorCode::kBusy, "this group's folder is being removed: try again in a moment"));
  }
  if (folders_.size() == kFoldersMax) {
    return answer(id,
                  fail(ErrorCode::kBusy, "a node keeps " + std::to_string(kFoldersMax) + " folders at most"));
  }
  for (const auto& [group, folder] : folders_) {
    const std::string& other = folder->record().root;
    const bool is_nested = command.root == other || command.root.starts_with(other + "/") ||
                           other.starts_with(command.root + "/");
    if (is_nested) {
      return answer(id, fail(ErrorCode::kInvalidArgument,
                             command.root + " overlaps the synced folder " + other +
                                 ": take a directory outside of it, or remove that folder first"));
    }
  }
  FolderRecord record;
  record.root = command.root;
  record.name = command.name.empty() ? command.group.short_hex() : command.name;
  record.replica_seed = node_->rng.seed();
  SyncPathManager& folder = insert(command.group, std::move(record));
  folder.begin_new();
  const FolderStatus status = folder.status();
  if (!status.reason.empty()) {
    const std::string why = status.next_step;
    folders_.erase(command.group);
    return answer(id, fail(ErrorCode::kIo, why));
  }
  answer(id, AddFolderResult{status});
  go_on(folder);
}

void SyncManager::execute(CommandId id, const FolderCommand& command) {
  std::vector<FolderStatus> all = status();
  const bool is_of_all = command.folder.empty() && command.directory.empty();
  if (command.verb == FolderCommand::Verb::kList ||
      (command.verb == FolderCommand::Verb::kStatus && is_of_all)) {
    return answer(id, FoldersResult{std::move(all)});
  }
  const auto found = find_folder(all, command);
  if (!found) return answer(id, tl::unexpected(found.error()));
  execute(id, command, *folders_.at(all[*found].group));
}

void SyncManager::execute(CommandId id, const FolderCommand& command, SyncPathManager& folder) {
  using Verb = FolderCommand::Verb;
  switch (command.verb) {
    case Verb::kList:
      return;
    case Verb::kStatus: {
      FolderStatusResult result{status(folder), {}, false};
      result.paths = folder.path_status(command.path, kFolderRowsMax, result.more);
      return answer(id, std::move(result));
    }
    case Verb::kPause:
      folder.pause();
      break;
    case Verb::kResume:
      folder.resume();
      break;
    case Verb::kRemove: {
      FolderDoneResult result{status(folder)};
      remove(folder);
      return answer(id, std::move(result));
    }
    case Verb::kRescan:
      if (const auto begun = folder.rescan(command.path); !begun)
        return answer(id, tl::unexpected(begun.error()));
      break;
    case Verb::kConflicts:
      return answer(id, folder.conflicts());
    case Verb::kVerify: {
      auto verified = folder.verify(command.path, command.pass);
      if (!verified) return answer(id, tl::unexpected(verified.error()));
      answer(id, std::move(*verified));
      return go_on(folder);
    }
    case Verb::kRestore:
    case Verb::kTrash:
    case Verb::kIgnore:
      return begin_trash_work(id, command, folder);
  }
  answer(id, FolderDoneResult{status(folder)});
  go_on(folder);
}

void SyncManager::remove(SyncPathManager& folder) {
  folder.shutdown();
  if (const std::size_t works = folder.context().works_under_way; works > 0) {
    leaving_.emplace(folder.group(), works);
  }
  IndexBatch batch;
  batch.forget.push_back(folder.group());
  forgetting_.push_back(commit(std::move(batch)));
  folders_.erase(folder.group());
}

void SyncManager::begin_trash_work(CommandId id, const FolderCommand& command, SyncPathManager& folder) {
  if (folder.disk() == nullptr) {
    return answer(id, fail(ErrorCode::kIo, "the folder cannot be used now: " + folder.status().next_step));
  }
  TrashWork::Task task = TrashWork::Task::kList;
  if (command.verb == FolderCommand::Verb::kRestore) task = TrashWork::Task::kRestore;
  if (command.verb == FolderCommand::Verb::kIgnore) task = TrashWork::Task::kIgnore;
  auto work = std::make_unique<TrashWork>(folder.disk(), task);
  work->path = command.path;
  work->at = command.at;
  work->patterns = command.patterns;
  trash_commands_.emplace(std::pair(folder.group(), folder.begin(std::move(work))), id);
}

void SyncManager::end_trash_work(TrashWork& work) {
  const auto command = trash_commands_.extract({work.group, work.number});
  if (command.empty()) return;
  const CommandId id = command.mapped();
  if (!work.outcome) return answer(id, tl::unexpected(work.outcome.error()));
  switch (work.task()) {
    case TrashWork::Task::kList:
      return answer(id, FolderTrashResult{std::move(work.found), work.more});
    case TrashWork::Task::kRestore:
      return answer(id, RestoreResult{work.restored_to, work.restored_files});
    case TrashWork::Task::kIgnore:
      return answer(id, FolderIgnoreResult{std::move(work.lines)});
    case TrashWork::Task::kExpire:
      return;
  }
}

}  // namespace shoal::sync
