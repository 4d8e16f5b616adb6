#include "node/overlay/primary.h"

#include <algorithm>

#include "node/base/check.h"

namespace shoal {

std::optional<Id> Primary::holder(Instant now) const {
  if (claim_.epoch.counter == 0 || now >= lease_until_) return std::nullopt;
  return claim_.epoch.host;
}

void Primary::adopt(const PrimaryClaim& claim, Instant now) {
  claim_ = claim;
  lease_until_ = now + lease_;
  waits_its_turn_ = false;
  if (has_peers_) due_ = claim.epoch.host == self_ ? now + lease_ / 3 : lease_until_;
}

bool Primary::on_claim(const PrimaryClaim& claim, Instant now) {
  if (claim.epoch.counter == 0 || claim.epoch.counter > kCounterMax || claim <= claim_) return false;
  // Our own claims come back to us as old ones; a newer one that names us hands the role over to us.
  adopt(claim, now);
  return true;
}

void Primary::set_has_peers(bool has_peers, Instant now, Rng& rng) {
  if (has_peers_ == has_peers) return;
  has_peers_ = has_peers;
  if (!has_peers) {
    due_ = kNever;
    return;
  }
  // Who is primary already is heard from the new peer first.
  waits_its_turn_ = !holder(now).has_value();
  due_ = is_self(now) ? now : std::max(lease_until_, now + rng.jittered(lease_ / 6, 0.9));
}

std::optional<PrimaryClaim> Primary::on_due(Instant now, Rng& rng) {
  if (now < due_) return std::nullopt;
  if (is_self(now)) {
    adopt({claim_.epoch, claim_.beat + 1}, now);
    return claim_;
  }
  if (!waits_its_turn_) {
    waits_its_turn_ = true;
    due_ = now + rng.jittered(lease_ / 6, 0.9);
    return std::nullopt;
  }
  adopt({{claim_.epoch.counter + 1, self_}, 1}, now);
  return claim_;
}

PrimaryClaim Primary::hand_over(const Id& successor, Instant now) {
  check(is_self(now), "only the primary hands over");
  adopt({{claim_.epoch.counter + 1, successor}, 1}, now);
  return claim_;
}

}  // namespace shoal
