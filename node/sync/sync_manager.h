// SyncManager: all folders of a host. It brings them the events of overlay, sessions, disk and index, answers
// the commands about them, and speaks for them to the node, of whose host keys there is one after the other.
//
// A peer may ask for a folder in a session in which it has proved to know the folder's key, and in no other:
// who has not learns nothing, not even that there is such a folder.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "node/control/command.h"
#include "node/overlay/groups.h"
#include "node/sync/sync_path_manager.h"
#include "node/sync/trash.h"

namespace shoal::sync {

struct SyncPorts {
  IndexStore& index;
  Folders& folders;
  WorkPool& pool;
};

class SyncManager final : public FolderOwner {
 public:
  static constexpr std::size_t kFoldersMax = 256;
  static constexpr std::size_t kRepliesWaitingMax = 1024;

  explicit SyncManager(SyncPorts ports) : ports_(ports) {}

  // The host that counts, now. The sessions of another one are no longer ours.
  void belong_to(NodeContext& node, Rpc& rpc, Groups& groups);
  // Takes up the folders of the index. Once, after the first belong_to().
  void start();
  // Lets go of all folders.
  void stop();

  void on_shared_groups(Guid connection, const Contact& contact, const std::vector<Id>& groups);
  void on_session_lost(Guid connection);
  void on_fs_event(const Id& group, const Id& origin, ByteView event);
  void on_folder_event(const FolderEvent& event);
  void on_work_done(std::unique_ptr<Work> work);
  // False: it is none of ours.
  bool on_committed(CommitId commit, const Result<void>& outcome);
  void on_answer(const Answer& answer);
  void on_deadline();

  template <class Body>
  void serve(const Origin& origin, const wire::Request& request, const Body& body) {
    SyncPathManager* folder = shared_with(origin, body.group);
    if (folder == nullptr) {
      return respond(origin, request.id, request.kind(), wire::Refusal{ErrorCode::kUnsupported, 0});
    }
    folder->serve(origin, request, body);
    go_on(*folder);
  }

  void execute(CommandId id, const AddFolderCommand& command);
  void execute(CommandId id, const FolderCommand& command);
  std::vector<FolderStatus> status() const;
  StatusResult::Folders summary() const;
  std::vector<FolderStop> stopped() const;
  const SyncPathManager* find(const Id& group) const;

 private:
  struct Session {
    Contact contact;
    std::vector<Id> groups;  // sorted
  };
  struct Reply {
    Origin origin;
    std::uint64_t request_id = 0;
    wire::RequestKind kind{};
    wire::ResponseBody body;
  };

  SyncPathManager* shared_with(const Origin& origin, const Id& group);
  SyncPathManager& insert(const Id& group, FolderRecord record);
  void go_on(SyncPathManager& folder);
  void go_on_with_all();
  void send_waiting();
  void arm();
  void execute(CommandId id, const FolderCommand& command, SyncPathManager& folder);
  FolderStatus status(const SyncPathManager& folder) const;
  void remove(SyncPathManager& folder);
  void begin_trash_work(CommandId id, const FolderCommand& command, SyncPathManager& folder);
  void end_trash_work(TrashWork& work);
  void on_work_of_removed(FolderWork& work);
  void answer(CommandId id, CommandResult result);

  CommitId commit(IndexBatch batch) override { return ports_.index.commit(std::move(batch)); }
  void announce(const Id& group, Bytes event) override;
  void respond(const Origin& origin, std::uint64_t request_id, wire::RequestKind kind,
               wire::ResponseBody body) override;

  SyncPorts ports_;
  NodeContext* node_ = nullptr;
  Rpc* rpc_ = nullptr;
  Groups* groups_ = nullptr;
  std::map<Id, std::unique_ptr<SyncPathManager>> folders_;
  std::map<Guid, Session> sessions_;
  std::deque<Reply> replies_;                                         // for which their session had no room
  std::map<std::pair<Id, std::uint64_t>, CommandId> trash_commands_;  // by folder, and number of its work
  std::map<Id, std::size_t> leaving_;  // works under way of folders that were removed
  std::uint16_t ordinals_ = 0;
  std::vector<CommitId> forgetting_;  // folders that were removed
  Instant armed_ = kNever;
};

}  // namespace shoal::sync
