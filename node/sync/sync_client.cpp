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
      check_at_(context.now()) {}

void SyncClient::heard(const Knowledge& knowledge) {
  add(knowledge);
  if (!listener_.pulled().covers(peer_.knowledge)) pull_due_ = true;
}

Instant SyncClient::next() const {
  return authenticator_.is_under_way() || state_sync_.is_under_way() ? kNever : check_at_;
}

void SyncClient::advance(Rpc& rpc) {
  if (authenticator_.is_under_way() || state_sync_.is_under_way()) return;
  if (phase_ == Phase::kOpen && pull_due_ && listener_.may_pull()) {
    if (state_sync_.ask(rpc, listener_.pulled())) pull_due_ = false;
    return;
  }
  if (check_at_ > context_.now()) return;
  authenticator_.start(rpc, listener_.our_state());
  check_at_ = context_.now() + kRetry;
}

void SyncClient::on_answer(const Answer& answer) {
  if (authenticator_.owns(answer)) {
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
    if (!listener_.pulled().covers(peer_.knowledge)) pull_due_ = true;
    if (is_first) listener_.on_auth_complete(*this);
    if (!pull_due_) listener_.on_sync_complete(*this);
    return;
  }
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

// The fingerprint was that of what the peer knew before.
void SyncClient::add(const Knowledge& knowledge) {
  if (peer_.knowledge.covers(knowledge)) return;
  peer_.knowledge.add(knowledge);
  peer_.fingerprint.reset();
}

}  // namespace shoal::sync
