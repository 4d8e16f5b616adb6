// SyncClient: one peer of one folder, for as long as its session lasts.
//
//   connected ─► opening ─┬─► open ◄──► pulling changes            disconnected: whoever holds it drops it
//                         └─► refused ──(kRetry)──► opening
//
// An open peer is asked for changes when it is known to have some that we lack, and compared with once every
// folder_check_interval, in case news of a change was lost.
#pragma once

#include <optional>
#include <string>

#include "node/sync/client_authenticator.h"
#include "node/sync/client_file_state_sync.h"
#include "node/sync/folder_context.h"

namespace shoal::sync {

class SyncClient;

class SyncClientListener {
 public:
  virtual ~SyncClientListener() = default;
  virtual PeerState our_state() const = 0;
  // What we know, or will know once what was received is on the disk.
  virtual const Knowledge& pulled() const = 0;
  // There is room for more changes.
  virtual bool may_pull() const = 0;
  virtual void on_auth_complete(SyncClient& client) = 0;
  virtual void on_auth_failed(SyncClient& client, const std::string& reason) = 0;
  virtual void on_changes(SyncClient& client, ReceivedChanges changes) = 0;
  // We have asked for all that the peer knew.
  virtual void on_sync_complete(SyncClient& client) = 0;
};

class SyncClient {
 public:
  static constexpr Duration kRetry = std::chrono::seconds(10);

  SyncClient(FolderContext& context, SyncClientListener& listener, Guid connection, const Contact& contact);

  // There is news: to be asked for, as soon as may be.
  void pull() { pull_due_ = true; }
  // The peer has told what it knows.
  void heard(const Knowledge& knowledge);
  void advance(Rpc& rpc);
  bool owns(const Answer& answer) const { return authenticator_.owns(answer) || state_sync_.owns(answer); }
  void on_answer(const Answer& answer);
  Instant next() const;

  Guid connection() const { return connection_; }
  const Contact& contact() const { return contact_; }
  bool is_open() const { return phase_ == Phase::kOpen; }
  bool is_pulling() const { return state_sync_.is_under_way() || pull_due_; }
  const PeerState& peer() const { return peer_; }
  const std::string& refusal() const { return refusal_; }

 private:
  void add(const Knowledge& knowledge);

  enum class Phase : std::uint8_t { kOpening, kOpen, kRefused };

  FolderContext& context_;
  SyncClientListener& listener_;
  Guid connection_;
  Contact contact_;
  ClientAuthenticator authenticator_;
  ClientFileStateSync state_sync_;
  Phase phase_ = Phase::kOpening;
  PeerState peer_;
  std::string refusal_;
  bool pull_due_ = false;
  Instant check_at_;
};

}  // namespace shoal::sync
