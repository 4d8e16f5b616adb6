// Sessions between peers: what the keys of groups change in them.
#include "node/secure/session_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "node/secure/session.h"
#include "tests/support/drain_session.h"

namespace shoal {
namespace {

using noise::Role;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

class SessionGroupsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { init_crypto(); }

  struct Host {
    KeyPair keys;
    SessionGroups groups;
  };

  Host host(const std::vector<GroupKey>& groups) {
    Host made{KeyPair::from_seed(rng_.seed()), {}};
    made.groups.set(groups);
    return made;
  }
  GroupKey new_group() { return GroupKey::from_sync_key(Secret(rng_.seed())); }

  std::unique_ptr<Session> initiator(Host& host, const Host& to, std::optional<Id> group = {}) {
    SessionOptions options{.role = Role::kInitiator, .groups = &host.groups, .group = group, .now = now_};
    options.expected_peer = to.keys.public_key();
    return std::make_unique<Session>(host.keys, options, rng_.fork());
  }
  std::unique_ptr<Session> responder(Host& host, WallTime since = {}) {
    return std::make_unique<Session>(
        host.keys,
        SessionOptions{.role = Role::kResponder, .groups = &host.groups, .now = now_, .since = since},
        rng_.fork());
  }

  static Result<void> glue(Session& a, Session& b) {
    for (bool moved = true; moved;) {
      moved = false;
      for (const auto& [from, to] : {std::pair(&a, &b), std::pair(&b, &a)}) {
        const Bytes bytes = drain(*from);
        if (bytes.empty()) continue;
        moved = true;
        if (auto outcome = to->receive(bytes); !outcome) return outcome;
      }
    }
    return {};
  }

  Rng rng_ = Rng::keyed(1, "test", "session groups");
  WallTime now_{std::chrono::hours(500'000)};
};

TEST_F(SessionGroupsTest, PeersOpenASessionUnderTheKeyOfTheirGroup) {
  const GroupKey group = new_group();
  Host alice = host({group});
  Host bob = host({group});
  const auto a = initiator(alice, bob, group.id());
  const auto b = responder(bob);
  ASSERT_TRUE(glue(*a, *b));
  EXPECT_THAT(a->take_shared_groups(), Optional(ElementsAre(group.id())));
  EXPECT_THAT(b->take_shared_groups(), Optional(ElementsAre(group.id())));
  EXPECT_FALSE(a->take_shared_groups());  // as at the last call
}

TEST_F(SessionGroupsTest, AStrangerGetsNoAnswerToAnInvitation) {
  const GroupKey group = new_group();
  Host alice = host({group});
  Host bob = host({new_group()});
  const auto a = initiator(alice, bob, group.id());
  const auto b = responder(bob);
  const auto outcome = b->receive(drain(*a));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kBadSignature);
  EXPECT_TRUE(b->outgoing().empty());
}

TEST_F(SessionGroupsTest, AnInvitationCountsOnceAndOnlyForItsHostAndMinute) {
  const GroupKey group = new_group();
  Host alice = host({group});
  Host bob = host({group});
  Host carol = host({group});
  const auto a = initiator(alice, bob, group.id());
  const Bytes first = drain(*a);
  EXPECT_FALSE(responder(carol)->receive(first));
  for (const auto& [shift, accepted] :
       {std::pair(11min, false), std::pair(-11min, false), std::pair(10min, true)}) {
    Host fresh{bob.keys, {}};
    fresh.groups.set({group});
    now_ += shift;
    EXPECT_EQ(responder(fresh)->receive(first).has_value(), accepted) << shift.count();
    now_ -= shift;
  }
  EXPECT_TRUE(responder(bob)->receive(first));
  EXPECT_FALSE(responder(bob)->receive(first));
  now_ += 9min;
  EXPECT_FALSE(responder(bob)->receive(first));
}

TEST_F(SessionGroupsTest, ACallOfAPeerWithAnotherClockIsToldOfAndThatOfAStrangerIsNot) {
  const GroupKey group = new_group();
  const GroupKey other = new_group();
  Host alice = host({group, other});
  Host bob = host({group});
  const Bytes first = drain(*initiator(alice, bob, group.id()));
  const Bytes of_other = drain(*initiator(alice, bob, other.id()));
  EXPECT_FALSE(bob.groups.ahead_of_caller(group.id(), now_));
  for (const auto off : {120min, -120min}) {
    now_ += off;
    EXPECT_FALSE(responder(bob)->receive(of_other));
    EXPECT_FALSE(responder(bob)->receive(first));
    EXPECT_EQ(bob.groups.ahead_of_caller(group.id(), now_), off);
    EXPECT_FALSE(bob.groups.ahead_of_caller(other.id(), now_));
    EXPECT_FALSE(bob.groups.ahead_of_caller(group.id(), now_ + 11min)) << "it calls no longer";
    now_ -= off;
  }
  Host carol = host({group});
  now_ += 120min;
  EXPECT_FALSE(responder(carol)->receive(first));
  EXPECT_FALSE(carol.groups.ahead_of_caller(group.id(), now_)) << "she was not called";
}

TEST_F(SessionGroupsTest, AHostTakesNoInvitationOlderThanItself) {
  const GroupKey group = new_group();
  Host alice = host({group});
  Host bob = host({group});
  const Bytes first = drain(*initiator(alice, bob, group.id()));
  now_ += 2min;
  EXPECT_FALSE(responder(bob, now_ - 1min)->receive(first));
  EXPECT_TRUE(responder(bob, now_ - 2min)->receive(first));
}

TEST_F(SessionGroupsTest, WhoKnowsTheHostButNotTheGroupGetsNowhere) {
  const GroupKey group = new_group();
  Host alice = host({group});
  Host bob = host({group});
  Host eve = host({new_group()});
  // Plain sessions are for strangers too; nothing of the group shows in them.
  const auto a = initiator(eve, bob);
  const auto b = responder(bob);
  ASSERT_TRUE(glue(*a, *b));
  EXPECT_FALSE(a->take_shared_groups());
  EXPECT_FALSE(b->take_shared_groups());
}

TEST_F(SessionGroupsTest, FurtherGroupsJoinInsideAPlainSession) {
  const GroupKey one = new_group();
  const GroupKey two = new_group();
  Host alice = host({one, two, new_group()});
  Host bob = host({new_group(), one, two});
  const auto a = initiator(alice, bob);
  const auto b = responder(bob);
  ASSERT_TRUE(glue(*a, *b));
  const std::vector<Id> both =
      one.id() < two.id() ? std::vector{one.id(), two.id()} : std::vector{two.id(), one.id()};
  EXPECT_THAT(a->take_shared_groups(), Optional(both));
  EXPECT_THAT(b->take_shared_groups(), Optional(both));
}

TEST_F(SessionGroupsTest, AGroupIsSharedAsLongAsBothAreInIt) {
  const GroupKey group = new_group();
  Host alice = host({});
  Host bob = host({group});
  const auto a = initiator(alice, bob);
  const auto b = responder(bob);
  ASSERT_TRUE(glue(*a, *b));
  EXPECT_FALSE(b->take_shared_groups());
  for (const bool joined : {true, false}) {
    alice.groups.set(joined ? std::vector{group} : std::vector<GroupKey>{});
    a->on_groups_changed();
    ASSERT_TRUE(glue(*a, *b));
    const std::vector<Id> shared = joined ? std::vector{group.id()} : std::vector<Id>{};
    EXPECT_THAT(a->take_shared_groups(), Optional(shared));
    EXPECT_THAT(b->take_shared_groups(), Optional(shared));
  }
}

TEST_F(SessionGroupsTest, ProofsTellAStrangerNeitherWhichGroupsNorHowMany) {
  const noise::Hash handshake{};
  std::vector<GroupKey> groups;
  for (int i = 0; i < 17; ++i) {
    SessionGroups some;
    some.set(groups);
    const Bytes proofs = some.proofs(Role::kInitiator, handshake, rng_);
    EXPECT_EQ(proofs.size(), 16u * 16u);
    EXPECT_EQ(some.proven(proofs, Role::kInitiator, handshake).size(), groups.size());
    // Sent back, or in another session, they prove nothing.
    EXPECT_THAT(some.proven(proofs, Role::kResponder, handshake), IsEmpty());
    EXPECT_THAT(some.proven(proofs, Role::kInitiator, noise::Hash{1}), IsEmpty());
    groups.push_back(new_group());
  }
  SessionGroups many;
  many.set(groups);
  EXPECT_EQ(many.proofs(Role::kInitiator, handshake, rng_).size(), 32u * 16u);
}

TEST_F(SessionGroupsTest, OddProofsProveNothing) {
  SessionGroups some;
  some.set({new_group()});
  Bytes proofs = some.proofs(Role::kInitiator, {}, rng_);
  EXPECT_EQ(some.proven(proofs, Role::kInitiator, {}).size(), 1u);
  proofs.push_back(0);
  EXPECT_THAT(some.proven(proofs, Role::kInitiator, {}), IsEmpty());
  EXPECT_THAT(some.proven({}, Role::kInitiator, {}), IsEmpty());
}

TEST_F(SessionGroupsTest, ASenderTakesANewKeyWheneverItLikes) {
  const GroupKey group = new_group();
  Host alice = host({group});
  Host bob = host({group});
  const auto a = initiator(alice, bob, group.id());
  const auto b = responder(bob);
  ASSERT_TRUE(glue(*a, *b));
  for (std::uint8_t i = 0; i < 5; ++i) {
    a->rekey();
    a->keep_alive();
    if (i % 2 == 0) b->rekey();
    ASSERT_TRUE(a->send(1, Bytes{i}));
    ASSERT_TRUE(b->send(2, Bytes{i}));
    ASSERT_TRUE(glue(*a, *b));
    ASSERT_EQ(b->next_message()->message, Bytes{i});
    ASSERT_EQ(a->next_message()->message, Bytes{i});
  }
}

}  // namespace
}  // namespace shoal
