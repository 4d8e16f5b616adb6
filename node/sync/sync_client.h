// SyncClient: one peer of one folder, for as long as its session lasts.
//
//   connected ─► opening ─┬─► open ◄─┬─► pulling changes           disconnected: whoever holds it drops it
//                         │          └─► repairing
//                         └─► refused ──(kRetry, or it asks us)──► opening
//
// An open peer is asked for changes when it is known to have some that we lack, and compared with once every
// folder_check_interval, in case news of a change was lost. When both know the same and their entries differ
// all the same, those that differ are looked for and fetched, and kRetry later it is compared with again. A
// repair that finds nothing is not begun again in this session until both agree: then the peer lacks what we
// have, which is for it to fetch, or it does not tell the truth.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "node/sync/client_authenticator.h"
#include "node/sync/client_file_state_sync.h"
#include "node/sync/client_range_sync.h"
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
  // Entries that differ from ours though both know the same.
  virtual void on_repaired(SyncClient& client, std::vector<Entry> entries) = 0;
  // We have asked for all that the peer knew.
  virtual void on_sync_complete(SyncClient& client) = 0;
};

class SyncClient {
 public:
  static constexpr Duration kRetry = std::chrono::seconds(10);

  SyncClient(FolderContext& context, SyncClientListener& listener, Guid connection, const Contact& contact);

  // There is news: to be asked for, as soon as may be.
  void pull() { pull_due_ = true; }
  // If it is known to have something that we lack.
  void pull_what_is_missing();
  // Asks for its state at once: the peer, or this host, begins or goes on with the folder, or a person asks
  // whether they are equal.
  void open_again() { check_at_ = context_.now(); }
  // It was found equal then, last.
  std::optional<Instant> equal_at() const { return equal_at_; }
  // The peer has told what it knows. So it keeps the folder, whatever it said before.
  void heard(const Knowledge& knowledge);
  void heard(const PeerState& state);
  // It may know of other runs than it did.
  void check_soon() { check_at_ = std::min(check_at_, context_.now()); }
  // All that it has said of its replicas' runs is ours as well, as far as is known.
  bool has_our_lineages() const { return peer_.lineages == 0 || peer_.lineages == context_.lineages.hash(); }
  // It holds, or does not hold, what we do, and knows the same.
  void on_equal();
  void on_different();
  void advance(Rpc& rpc);
  bool owns(const Answer& answer) const {
    return authenticator_.owns(answer) || state_sync_.owns(answer) || range_sync_.owns(answer);
  }
  void on_answer(const Answer& answer);
  Instant next() const;

  Guid connection() const { return connection_; }
  const Contact& contact() const { return contact_; }
  bool is_open() const { return phase_ == Phase::kOpen; }
  bool is_pulling() const { return state_sync_.is_under_way() || pull_due_ || range_sync_.is_started(); }
  // A repair has not helped.
  bool is_at_odds() const { return is_at_odds_; }
  // May it ask for one more range? Counts.
  bool may_serve_range() { return ranges_served_++ < ClientRangeSync::kRequestsMax; }
  const PeerState& peer() const { return peer_; }
  const std::string& refusal() const { return refusal_; }

 private:
  bool is_waiting() const {
    return authenticator_.is_under_way() || state_sync_.is_under_way() || range_sync_.is_under_way();
  }
  void add(const Knowledge& knowledge);
  void pull_lineages();
  void on_opened(const Answer& answer);
  void on_changes(const Answer& answer);
  void on_range(const Answer& answer);

  enum class Phase : std::uint8_t { kOpening, kOpen, kRefused };

  FolderContext& context_;
  SyncClientListener& listener_;
  Guid connection_;
  Contact contact_;
  ClientAuthenticator authenticator_;
  ClientFileStateSync state_sync_;
  ClientRangeSync range_sync_;
  Phase phase_ = Phase::kOpening;
  PeerState peer_;
  std::string refusal_;
  bool pull_due_ = false;
  Instant check_at_;
  bool may_repair_ = true;
  bool has_repaired_ = false;  // something, since the repair began
  bool is_at_odds_ = false;
  std::optional<Instant> equal_at_;
  std::size_t ranges_served_ = 0;
};

}  // namespace shoal::sync
