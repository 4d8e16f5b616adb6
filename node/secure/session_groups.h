// SessionGroups: what sessions need of the groups of this host (DESIGN §5), and the memory that keeps an
// invitation from being used twice.
//
//   invitation, in message 1 of Noise_XXpsk3: minute u32 (big-endian, since the Unix epoch) | tag 16, where
//     tag = MAC(KDF(locate key, "tag"), initiator's ephemeral key | responder's host key | minute)
//   psk = KDF(locate key, "noise-psk")
//   proofs, inside an open session: 16 bytes for each group, MAC(KDF(locate key, "join initiator" or "join
//     responder"), handshake hash), filled up with random ones to a multiple of 16 and in no order that means
//     anything: so a stranger learns neither which groups nor how many.
//
// Tags and proofs are MACs cut to 16 bytes. Whoever has the locate key can make them: it is what makes a
// peer.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "node/base/id.h"
#include "node/base/instant.h"
#include "node/base/rng.h"
#include "node/secure/group_key.h"
#include "node/secure/noise.h"

namespace shoal {

class SessionGroups {
 public:
  static constexpr std::size_t kTagBytes = 16;
  static constexpr std::size_t kInvitationBytes = 4 + kTagBytes;
  static constexpr std::size_t kProofsPadded = 16;
  // More groups than these take part in no proofs; a frame holds them.
  static constexpr std::size_t kGroupsMax = 256;
  static constexpr std::int64_t kMinutesApartMax = 10;
  static constexpr std::size_t kSeenMax = 4096;

  void set(const std::vector<GroupKey>& groups);
  std::size_t size() const { return groups_.size(); }
  std::size_t invitations_remembered() const { return seen_.size(); }

  // Precondition: `group` is one of ours.
  Bytes invitation(const Id& group, const noise::Key& ephemeral, const Id& responder, WallTime now) const;
  // The group that an invitation to `self` names. Nothing: it is not ours, the minute is more than ten off or
  // before that of `since`, from when on this object remembers what it accepted (an earlier one may have been
  // used before a restart; one of that very minute gets its sender an answer that opens no session), this
  // ephemeral key was accepted before, or kSeenMax were within the last 20 minutes.
  std::optional<Id> accept(ByteView invitation, const noise::Key& ephemeral, const Id& self, WallTime now,
                           WallTime since);
  // A member of the group called and was refused, since our clock is so far ahead of its; nothing: nobody in
  // the last ten minutes. Somebody who replays an old call can make us say so, and no more.
  std::optional<std::chrono::minutes> ahead_of_caller(const Id& group, WallTime now) const;
  // nullptr: not one of ours.
  const Secret* psk(const Id& group) const;

  Bytes proofs(noise::Role prover, const noise::Hash& handshake, Rng& rng) const;
  // Our groups that the other side proves, sorted. What is no multiple of 16 bytes proves nothing.
  std::vector<Id> proven(ByteView proofs, noise::Role prover, const noise::Hash& handshake) const;

 private:
  using Tag = std::array<std::uint8_t, kTagBytes>;
  struct Group {
    Secret psk;
    Secret tag_key;
    Secret initiator_join_key;
    Secret responder_join_key;
    struct Refusal {
      WallTime when{};
      std::chrono::minutes ahead{};
    };
    std::optional<Refusal> refused_for_clock{};  // the last
  };

  // Our group whose tag it is; nullptr.
  const Id* named_by(ByteView tag, const noise::Key& ephemeral, const Id& self, ByteView minute) const;
  static Tag tag_of(const Group& group, const noise::Key& ephemeral, const Id& responder, ByteView minute);
  static Tag proof_of(const Group& group, noise::Role prover, const noise::Hash& handshake);

  std::map<Id, Group> groups_;
  std::set<std::pair<std::int64_t, noise::Key>> seen_;  // minute and ephemeral key of invitations accepted
};

}  // namespace shoal
