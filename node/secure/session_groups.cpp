#include "node/secure/session_groups.h"

#include <sodium.h>

#include <algorithm>

#include "node/base/big_endian.h"
#include "node/base/check.h"

namespace shoal {
namespace {

std::int64_t minute_of(WallTime when) {
  return std::chrono::duration_cast<std::chrono::minutes>(when.time_since_epoch()).count();
}

template <std::size_t N>
std::array<std::uint8_t, N> cut(const Secret::Array& mac) {
  std::array<std::uint8_t, N> out;
  std::copy_n(mac.begin(), N, out.begin());
  return out;
}

}  // namespace

void SessionGroups::set(const std::vector<GroupKey>& groups) {
  groups_.clear();
  for (const GroupKey& key : groups) {
    if (groups_.size() == kGroupsMax) break;
    const Secret& locate = key.locate_key();
    groups_.emplace(key.id(), Group{derive(locate, "noise-psk"), derive(locate, "tag"),
                                    derive(locate, "join initiator"), derive(locate, "join responder")});
  }
}

SessionGroups::Tag SessionGroups::tag_of(const Group& group, const noise::Key& ephemeral, const Id& responder,
                                         ByteView minute) {
  return cut<kTagBytes>(mac(group.tag_key, {ephemeral, responder.view(), minute}));
}

SessionGroups::Tag SessionGroups::proof_of(const Group& group, noise::Role prover,
                                           const noise::Hash& handshake) {
  const Secret& key = prover == noise::Role::kInitiator ? group.initiator_join_key : group.responder_join_key;
  return cut<kTagBytes>(mac(key, {handshake}));
}

Bytes SessionGroups::invitation(const Id& group, const noise::Key& ephemeral, const Id& responder,
                                WallTime now) const {
  const auto found = groups_.find(group);
  check(found != groups_.end(), "an invitation into a group that we are not in");
  Bytes out;
  out.reserve(kInvitationBytes);
  append_u32(static_cast<std::uint32_t>(minute_of(now)), out);
  const Tag tag = tag_of(found->second, ephemeral, responder, out);
  out.insert(out.end(), tag.begin(), tag.end());
  return out;
}

std::optional<Id> SessionGroups::accept(ByteView invitation, const noise::Key& ephemeral, const Id& self,
                                        WallTime now, WallTime since) {
  if (invitation.size() != kInvitationBytes) return std::nullopt;
  const ByteView minute_bytes = invitation.first(4);
  const ByteView tag = invitation.subspan(4);
  const auto minute = static_cast<std::int64_t>(read_u32(minute_bytes));
  const std::int64_t present = minute_of(now);
  if (minute < present - kMinutesApartMax || minute > present + kMinutesApartMax) {
    if (const Id* named = named_by(tag, ephemeral, self, minute_bytes)) {
      groups_.at(*named).refused_for_clock = {now, std::chrono::minutes(present - minute)};
    }
    return std::nullopt;
  }
  if (minute < minute_of(since)) return std::nullopt;
  seen_.erase(seen_.begin(), seen_.lower_bound({present - kMinutesApartMax, noise::Key{}}));
  const Id* named = named_by(tag, ephemeral, self, minute_bytes);
  if (named == nullptr) return std::nullopt;
  if (seen_.size() == kSeenMax || !seen_.emplace(minute, ephemeral).second) return std::nullopt;
  return *named;
}

const Id* SessionGroups::named_by(ByteView tag, const noise::Key& ephemeral, const Id& self,
                                  ByteView minute) const {
  for (const auto& [id, group] : groups_) {
    const Tag expected = tag_of(group, ephemeral, self, minute);
    if (sodium_memcmp(expected.data(), tag.data(), kTagBytes) == 0) return &id;
  }
  return nullptr;
}

std::optional<std::chrono::minutes> SessionGroups::ahead_of_caller(const Id& group, WallTime now) const {
  const auto found = groups_.find(group);
  if (found == groups_.end() || !found->second.refused_for_clock) return std::nullopt;
  const Group::Refusal& refused = *found->second.refused_for_clock;
  if (std::chrono::abs(now - refused.when) > std::chrono::minutes(kMinutesApartMax)) return std::nullopt;
  return refused.ahead;
}

const Secret* SessionGroups::psk(const Id& group) const {
  const auto found = groups_.find(group);
  return found == groups_.end() ? nullptr : &found->second.psk;
}

Bytes SessionGroups::proofs(noise::Role prover, const noise::Hash& handshake, Rng& rng) const {
  std::vector<Tag> tags;
  for (const auto& [id, group] : groups_) tags.push_back(proof_of(group, prover, handshake));
  while (tags.empty() || tags.size() % kProofsPadded != 0) rng.fill(tags.emplace_back());
  std::ranges::sort(tags);  // as good as random: they are MACs
  Bytes out;
  for (const Tag& tag : tags) out.insert(out.end(), tag.begin(), tag.end());
  return out;
}

std::vector<Id> SessionGroups::proven(ByteView proofs, noise::Role prover,
                                      const noise::Hash& handshake) const {
  std::vector<Id> out;
  if (proofs.size() % kTagBytes != 0 || proofs.size() > kGroupsMax * kTagBytes) return out;
  for (const auto& [id, group] : groups_) {
    const Tag expected = proof_of(group, prover, handshake);
    bool found = false;
    for (std::size_t at = 0; at < proofs.size(); at += kTagBytes) {
      found |= sodium_memcmp(expected.data(), proofs.data() + at, kTagBytes) == 0;
    }
    if (found) out.push_back(id);
  }
  return out;
}

}  // namespace shoal
