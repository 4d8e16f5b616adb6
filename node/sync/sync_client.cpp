#include "node/sync/sync_client.h"

#include <algorithm>
#include <utility>

namespace shoal::sync {

SyncClient::SyncClient(FolderContext& context, SyncClientListener& listener, Guid connection,
                       const Contact& contact)
    : context_(context),
      listener_(listener),
      connection_(connection),
      contact_(contact),
      authenticator_(context, connection, contact),
      state_sync_(context, connection, contact),
      range_sync_(context, connection, contact),
      check_at_(context.now()) {}

// What there is no room for (kReplicasMax) is missing for ever: it comes with each check.
void SyncClient::pull_what_is_missing() {
  const Knowledge& pulled = listener_.pulled();
  pull_due_ |= std::ranges::any_of(peer_.knowledge.counters(), [&](const Dot& dot) {
    return !pulled.covers(dot) && has_room_for(pulled, dot.replica);
  });
}

void SyncClient::heard(const Knowledge& knowledge) {
  if (phase_ == Phase::kRefused) open_again();
  add(knowledge);
  pull_what_is_missing();
}

// Once each time that the peer says so: when it is the peer that lacks some of ours, nothing comes of it.
void SyncClient::pull_lineages() {
  if (!has_our_lineages()) pull_due_ = true;
}

void SyncClient::heard(const PeerState& state) {
  // What it knew before may have had other names.
  if (state.lineages != peer_.lineages) peer_.knowledge = {};
  peer_.lineages = state.lineages;
  heard(state.knowledge);
  pull_lineages();
  if (peer_.knowledge == state.knowledge) peer_.fingerprint = state.fingerprint;
}

void SyncClient::on_equal() {
  may_repair_ = true;
  is_at_odds_ = false;
  equal_at_ = context_.now();
}

void SyncClient::on_different() {
  if (range_sync_.is_started()) return;
  is_at_odds_ = !may_repair_ || !range_sync_.start();
}

Instant SyncClient::next() const {
  return is_waiting() ? kNever : check_at_;
}

void SyncClient::advance(Rpc& rpc) {
  if (is_waiting()) return;
  if (phase_ == Phase::kOpen && listener_.may_pull()) {
    if (pull_due_) {
      if (state_sync_.ask(rpc, listener_.pulled())) pull_due_ = false;
      return;
    }
    if (range_sync_.is_started()) return (void)range_sync_.ask(rpc);
  }
  if (check_at_ > context_.now()) return;
  authenticator_.start(rpc, listener_.our_state());
  check_at_ = context_.now() + kRetry;
}

void SyncClient::on_answer(const Answer& answer) {
  if (authenticator_.owns(answer)) return on_opened(answer);
  if (range_sync_.owns(answer)) return on_range(answer);
  on_changes(answer);
}

void SyncClient::on_opened(const Answer& answer) {
  auto opened = authenticator_.on_answer(answer);
  if (!opened) {
    phase_ = Phase::kRefused;
    refusal_ = opened.error().message;
    check_at_ = context_.now() + kRetry;
    return listener_.on_auth_failed(*this, refusal_);
  }
  const bool is_first = phase_ != Phase::kOpen;
  phase_ = Phase::kOpen;
  peer_ = std::move(*opened);
  check_at_ = context_.now() + context_.config().folder_check_interval;
  pull_due_ |= !listener_.pulled().covers(peer_.knowledge);
  pull_lineages();
  if (is_first) listener_.on_auth_complete(*this);
  if (!pull_due_) listener_.on_sync_complete(*this);
}

void SyncClient::on_changes(const Answer& answer) {
  auto changes = state_sync_.on_answer(answer);
  if (!changes) {
    if (changes.error().code == ErrorCode::kMalformed) ++context_.counters.refused_pages;
    phase_ = Phase::kRefused;
    refusal_ = changes.error().message;
    check_at_ = context_.now() + kRetry;
    return;
  }
  if (!*changes) {
    pull_due_ = true;
    return;
  }
  add((*changes)->knowledge);
  listener_.on_changes(*this, std::move(**changes));
  if (!pull_due_) listener_.on_sync_complete(*this);
}

void SyncClient::on_range(const Answer& answer) {
  auto entries = range_sync_.on_answer(answer, listener_.pulled());
  if (!entries) {
    if (entries.error().code == ErrorCode::kMalformed) ++context_.counters.refused_pages;
    has_repaired_ |= entries.error().code == ErrorCode::kBusy;
  } else if (!entries->empty()) {
    has_repaired_ = true;
    listener_.on_repaired(*this, std::move(*entries));
  }
  if (range_sync_.is_started()) return;
  may_repair_ = std::exchange(has_repaired_, false);
  check_at_ = std::min(check_at_, context_.now() + kRetry);
}

// The fingerprint was that of what the peer knew before.
void SyncClient::add(const Knowledge& knowledge) {
  if (peer_.knowledge.covers(knowledge)) return;
  peer_.knowledge.add(knowledge);
  // It may say as much each time: then only the last of it counts.
  if (peer_.knowledge.counters().size() > kReplicasMax) peer_.knowledge = knowledge;
  peer_.fingerprint.reset();
}

}  // namespace shoal::sync
