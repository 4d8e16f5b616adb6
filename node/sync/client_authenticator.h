// ClientAuthenticator: the first step with a peer of a folder. That it knows the folder's key the session has
// proved already (secure/session_groups.h); here both say which replica they are and what they know, in one
// format.
//
//   open_folder ─┬─► auth_complete: replica, knowledge, fingerprint
//                └─► auth_failed: no answer, it has no such folder, or another format
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "node/sync/folder_context.h"

namespace shoal::sync {

inline constexpr std::uint32_t kFolderFormat = 1;

struct PeerState {
  ReplicaId replica;
  Knowledge knowledge;
  std::optional<Id> fingerprint;  // of all that the peer knows, where it has said so
  std::uint64_t lineages = 0;     // Lineages::hash()
};

class ClientAuthenticator {
 public:
  ClientAuthenticator(FolderContext& context, Guid connection, const Contact& contact)
      : context_(context), connection_(connection), contact_(contact) {}

  // False: the request cannot be sent now.
  bool start(Rpc& rpc, const PeerState& ours);
  bool is_under_way() const { return request_ != 0; }
  bool owns(const Answer& answer) const { return request_ != 0 && answer.completion.guid.slot == request_; }
  // auth_complete, or why auth_failed. Precondition: owns(answer).
  Result<PeerState> on_answer(const Answer& answer);

 private:
  FolderContext& context_;
  Guid connection_;
  Contact contact_;
  std::uint32_t request_ = 0;
};

// Of wire::OpenFolder, or wire::FolderOpened.
template <class Opened>
Result<PeerState> read_peer_state(const Opened& opened) {
  if (opened.format != kFolderFormat)
    return fail(ErrorCode::kUnsupported, "the peer has another format of folders");
  auto known = decode_knowledge(opened.knowledge);
  if (!known) return tl::unexpected(known.error());
  return PeerState{ReplicaId{opened.replica}, std::move(*known), opened.fingerprint, opened.lineages};
}

}  // namespace shoal::sync
