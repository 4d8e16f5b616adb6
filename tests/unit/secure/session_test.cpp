#include "node/secure/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "node/secure/noise.h"
#include "tests/support/drain_session.h"

namespace shoal {
namespace {

using noise::Role;

class SessionTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { init_crypto(); }

  std::unique_ptr<Session> initiator(std::optional<Id> expected = std::nullopt, SessionLimits limits = {}) {
    return std::make_unique<Session>(
        alice_, SessionOptions{.role = Role::kInitiator, .expected_peer = expected, .limits = limits},
        rng_.fork());
  }
  std::unique_ptr<Session> responder(std::optional<Id> expected = std::nullopt, SessionLimits limits = {}) {
    return std::make_unique<Session>(
        bob_, SessionOptions{.role = Role::kResponder, .expected_peer = expected, .limits = limits},
        rng_.fork());
  }

  // Moves one piece of at most `most` bytes; false when there was nothing.
  static bool move_piece(Session& from, Session& to, std::size_t most, Result<void>& outcome) {
    const ByteView bytes = from.outgoing();
    const ByteView piece = bytes.first(std::min(most, bytes.size()));
    if (piece.empty()) return false;
    const Bytes copy(piece.begin(), piece.end());  // `to` may be asked for outgoing() before it is used up
    from.consumed(copy.size());
    outcome = to.receive(copy);
    return true;
  }

  // Moves everything both ways in pieces of `size()` bytes, and collects the messages that arrive.
  template <class Size>
  Result<void> glue(Session& a, Session& b, Size size) {
    Result<void> outcome;
    for (bool moved = true; moved && outcome;) {
      moved = move_piece(a, b, size(), outcome);
      if (outcome) moved = move_piece(b, a, size(), outcome) || moved;
      while (auto message = a.next_message()) at_a_[message->stream].push_back(std::move(message->message));
      while (auto message = b.next_message()) at_b_[message->stream].push_back(std::move(message->message));
    }
    return outcome;
  }
  Result<void> glue(Session& a, Session& b) {
    return glue(a, b, [] { return std::size_t{60'000}; });
  }

  Bytes random_message(std::size_t size) {
    Bytes message(size);
    rng_.fill(message);
    return message;
  }

  using Messages = std::map<std::uint32_t, std::vector<Bytes>>;
  Rng rng_ = Rng::keyed(1, "test", "session");
  const KeyPair alice_ = KeyPair::from_seed(rng_.seed());
  const KeyPair bob_ = KeyPair::from_seed(rng_.seed());
  Messages at_a_;
  Messages at_b_;
};

TEST_F(SessionTest, EachSideLearnsTheHostKeyOfTheOther) {
  const auto a = initiator(bob_.public_key());
  const auto b = responder(alice_.public_key());
  EXPECT_FALSE(a->established());
  ASSERT_TRUE(glue(*a, *b));
  ASSERT_TRUE(a->established());
  ASSERT_TRUE(b->established());
  EXPECT_EQ(a->peer(), bob_.public_key());
  EXPECT_EQ(b->peer(), alice_.public_key());
}

TEST_F(SessionTest, CarriesMessagesBothWaysInPiecesOfAnySize) {
  for (const std::size_t most : {std::size_t{1}, std::size_t{7}, std::size_t{5'000}, std::size_t{65'536}}) {
    SCOPED_TRACE(most);
    const auto a = initiator();
    const auto b = responder();
    Messages to_b;
    Messages to_a;
    for (std::uint32_t stream = 0; stream < 5; ++stream) {
      for (const std::size_t size :
           {std::size_t{0}, std::size_t{65'536}, std::size_t{1}, wire::kMessageBytesMax}) {
        if (most == 1 && size > 1 && stream > 1) continue;
        to_b[stream].push_back(random_message(size));
        to_a[stream].push_back(random_message(size));
        ASSERT_TRUE(a->send(stream, to_b[stream].back()));
        ASSERT_TRUE(b->send(stream, to_a[stream].back()));
      }
    }
    at_a_.clear();
    at_b_.clear();
    ASSERT_TRUE(glue(*a, *b, [&] { return most == 1 ? 1 : 1 + rng_.below(most); }));
    EXPECT_EQ(at_b_, to_b);
    EXPECT_EQ(at_a_, to_a);
  }
}

TEST_F(SessionTest, ASmallMessageOvertakesALargeOneOnAnotherStream) {
  const auto a = initiator();
  const auto b = responder();
  ASSERT_TRUE(glue(*a, *b));
  ASSERT_TRUE(a->send(1, random_message(65'536)));
  ASSERT_TRUE(a->send(2, random_message(100)));
  ASSERT_TRUE(b->receive(drain(*a)));
  EXPECT_EQ(b->next_message()->stream, 2u);
  EXPECT_EQ(b->next_message()->stream, 1u);
}

TEST_F(SessionTest, RefusesEveryDamagedByteOfTheHandshake) {
  constexpr std::size_t proofs_frame = 2 + kFrameHeaderBytes + 256 + noise::kTagBytes;
  for (int flight = 0; flight < 3; ++flight) {
    for (std::size_t at = 0;; ++at) {
      const auto a = initiator();
      const auto b = responder();
      Session* sides[] = {a.get(), b.get()};
      bool inside = false;
      Result<void> outcome;
      for (int i = 0; i < 3 && outcome; ++i) {
        Bytes bytes = drain(*sides[i % 2]);
        // Behind message 3 there is a frame already, whose damaged length may only mean that more is to come.
        const std::size_t handshake_bytes = i == 2 ? bytes.size() - proofs_frame : bytes.size();
        if (i == flight && at < handshake_bytes) {
          bytes[at] ^= 0x20;
          inside = true;
        }
        outcome = sides[1 - i % 2]->receive(bytes);
      }
      if (!inside) break;
      EXPECT_FALSE(outcome) << "flight " << flight << " byte " << at;
    }
  }
}

TEST_F(SessionTest, InitiatorAbortsBeforeItsKeyIsShownToAnUnexpectedPeer) {
  const auto a = initiator(KeyPair::from_seed(rng_.seed()).public_key());
  const auto b = responder();
  ASSERT_TRUE(b->receive(drain(*a)));
  const auto outcome = a->receive(drain(*b));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kBadSignature);
  EXPECT_TRUE(a->outgoing().empty());
  EXPECT_FALSE(a->established());
}

TEST_F(SessionTest, ResponderRefusesAnUnexpectedPeer) {
  const auto a = initiator();
  const auto b = responder(KeyPair::from_seed(rng_.seed()).public_key());
  EXPECT_FALSE(glue(*a, *b));
  EXPECT_FALSE(b->established());
}

TEST_F(SessionTest, RefusesASessionWithItself) {
  const auto a = initiator();
  const auto b = std::make_unique<Session>(alice_, SessionOptions{.role = Role::kResponder}, rng_.fork());
  const auto outcome = glue(*a, *b);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kMalformed);
}

// A host that looks for copies of itself.
TEST_F(SessionTest, AnInitiatorThatExpectsItsOwnKeyGetsASession) {
  const SessionOptions options{.role = Role::kInitiator, .expected_peer = alice_.public_key()};
  const auto a = std::make_unique<Session>(alice_, options, rng_.fork());
  const auto b = std::make_unique<Session>(alice_, SessionOptions{.role = Role::kResponder}, rng_.fork());
  ASSERT_TRUE(glue(*a, *b));
  EXPECT_EQ(a->peer(), alice_.public_key());
  EXPECT_EQ(b->peer(), alice_.public_key());
}

TEST_F(SessionTest, RefusesAnotherProtocolVersion) {
  const auto b = responder();
  const auto outcome = b->receive(Bytes{wire::kProtocolVersion + 1});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kUnsupported);
  EXPECT_TRUE(b->outgoing().empty());
}

TEST_F(SessionTest, RefusesAnEphemeralKeyOfSmallOrder) {
  const auto b = responder();
  Bytes hello = {wire::kProtocolVersion, 0, 32};
  hello.resize(hello.size() + 32);
  const auto outcome = b->receive(hello);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kMalformed);
  EXPECT_TRUE(b->outgoing().empty());
}

// A responder that holds Bob's X25519 key but introduces itself by `host` and `sign(hash)`.
template <class Sign>
Result<void> meet_impostor(Session& a, ByteView from_a, const KeyPair& bob, const Id& host, Rng& rng,
                           Sign sign) {
  const std::string name = "Noise_XX_25519_ChaChaPoly_BLAKE2b";
  noise::HandshakeOptions options;
  options.protocol = noise::parse_protocol(name).value();
  options.role = Role::kResponder;
  const std::string prologue = "shoal session 1" + name;
  options.prologue.assign(prologue.begin(), prologue.end());
  options.ephemeral = noise::DhKeyPair::from_secret(rng.seed());
  options.own_static = noise::DhKeyPair{bob.x25519_secret(), bob.x25519_public()};
  auto state = noise::HandshakeState::start(options).value();
  Bytes payload;
  EXPECT_TRUE(state.read_message(from_a.subspan(3), payload));
  Bytes introduction(host.bytes.begin(), host.bytes.end());
  const wire::Signature signature = sign(state.hash());
  introduction.insert(introduction.end(), signature.begin(), signature.end());
  Bytes message;
  EXPECT_TRUE(state.write_message(introduction, message));
  Bytes bytes = {wire::kProtocolVersion, 0, static_cast<std::uint8_t>(message.size())};
  bytes.insert(bytes.end(), message.begin(), message.end());
  return a.receive(bytes);
}

TEST_F(SessionTest, BelievesAHostKeyOnlyWithItsSignatureAndItsX25519Form) {
  const std::string_view label = "shoal session host 1";
  const auto meet = [&](const Id& host, auto sign) {
    const auto a = initiator();
    return meet_impostor(*a, drain(*a), bob_, host, rng_, sign);
  };
  const auto as_bob = [&](ByteView hash) { return bob_.sign(label, hash); };
  EXPECT_TRUE(meet(bob_.public_key(), as_bob));
  Id twin = bob_.public_key();
  twin.bytes[31] ^= 0x80;
  EXPECT_FALSE(meet(twin, as_bob));  // the same X25519 key, the signature of another
  const KeyPair carol = KeyPair::from_seed(rng_.seed());
  EXPECT_FALSE(meet(carol.public_key(), [&](ByteView hash) { return carol.sign(label, hash); }));
  EXPECT_FALSE(meet(bob_.public_key(), [&](ByteView hash) { return bob_.sign("other label", hash); }));
  EXPECT_FALSE(meet(bob_.public_key(), [&](ByteView) { return bob_.sign(label, Bytes(64)); }));
}

TEST_F(SessionTest, RefusesDamagedAndReplayedFrames) {
  for (const bool replay : {false, true}) {
    const auto a = initiator();
    const auto b = responder();
    ASSERT_TRUE(glue(*a, *b));
    ASSERT_TRUE(a->send(1, Bytes{1, 2, 3}));
    Bytes bytes = drain(*a);
    if (replay) {
      ASSERT_TRUE(b->receive(bytes));
    } else {
      bytes.back() ^= 1;
    }
    const auto outcome = b->receive(bytes);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::kBadSignature);
    EXPECT_FALSE(b->receive(drain(*a)));  // and it stays dead
    EXPECT_FALSE(b->send(1, {}));
  }
}

TEST_F(SessionTest, RefusesLengthsOutOfBoundsBeforeTheirBytesCome) {
  const auto b = responder();
  EXPECT_FALSE(b->receive(Bytes{wire::kProtocolVersion, 0, 33}));
  const auto a = initiator();
  EXPECT_FALSE(a->receive(Bytes{wire::kProtocolVersion, 0xff, 0xff}));
  for (const std::size_t length : {std::size_t{0}, kFrameHeaderBytes + 15, kFrameBytesMax + 17}) {
    const auto c = initiator();
    const auto d = responder();
    ASSERT_TRUE(glue(*c, *d));
    const auto outcome =
        d->receive(Bytes{static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length)});
    ASSERT_FALSE(outcome) << length;
    EXPECT_EQ(outcome.error().code, ErrorCode::kMalformed);
  }
}

TEST_F(SessionTest, TellsAnEndFromACut) {
  const auto a = initiator();
  const auto b = responder();
  ASSERT_TRUE(glue(*a, *b));
  const Bytes message = random_message(40'000);
  ASSERT_TRUE(a->send(1, message));
  a->finish();
  const Bytes bytes = drain(*a);
  ASSERT_TRUE(b->receive(ByteView(bytes).first(bytes.size() - 1)));
  EXPECT_EQ(b->next_message()->message, message);
  EXPECT_FALSE(b->finished_by_peer());
  ASSERT_TRUE(b->receive(ByteView(bytes).last(1)));
  EXPECT_TRUE(b->finished_by_peer());
  const auto late = a->send(1, {});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kNotConnected);
  EXPECT_TRUE(a->outgoing().empty());
  // The other direction goes on until it ends by itself.
  ASSERT_TRUE(b->send(1, message));
  b->finish();
  ASSERT_TRUE(glue(*a, *b));
  EXPECT_EQ(at_a_[1], std::vector<Bytes>{message});
  EXPECT_TRUE(a->finished_by_peer());
}

TEST_F(SessionTest, BoundsWhatIsQueuedAndWhatIsNotTaken) {
  const auto a = initiator();
  const auto b = responder();
  ASSERT_TRUE(glue(*a, *b));
  std::size_t queued = 0;
  Result<void> outcome;
  for (std::uint32_t stream = 0; outcome; ++stream) {
    outcome = a->send(stream, Bytes(wire::kMessageBytesMax));
    if (outcome) queued += wire::kMessageBytesMax;
  }
  EXPECT_EQ(outcome.error().code, ErrorCode::kBusy);
  EXPECT_LE(queued, SessionLimits().queued_bytes_max);
  EXPECT_LE(a->outgoing().size(), 82'000u);  // encrypted only as far as it may soon be written
  const auto large = a->send(0, Bytes(wire::kMessageBytesMax + 1));
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, ErrorCode::kTooLarge);

  Result<void> taken;
  std::size_t received = 0;
  while (taken) {
    (void)a->send(1, Bytes(60'000)).has_value();  // refused while much is queued
    const ByteView bytes = a->outgoing();
    received += bytes.size();
    taken = b->receive(bytes);
    a->consumed(bytes.size());
  }
  EXPECT_EQ(taken.error().code, ErrorCode::kBusy);
  EXPECT_LE(received, SessionLimits().received_bytes_max + kOpenBytesMax + 100'000);
}

TEST_F(SessionTest, BothSidesRenewTheirKeysTogether) {
  for (const SessionLimits limits :
       {SessionLimits{.rekey_frames = 3}, SessionLimits{.rekey_bytes = 50'000}}) {
    const auto a = initiator(std::nullopt, limits);
    const auto b = responder(std::nullopt, limits);
    at_a_.clear();
    at_b_.clear();
    for (std::uint32_t i = 0; i < 40; ++i) {
      ASSERT_TRUE(a->send(i % 4, random_message(rng_.below(20'000))));
      if (i % 2 == 0) {
        ASSERT_TRUE(b->send(i % 4, random_message(20'000)));
      }
    }
    ASSERT_TRUE(glue(*a, *b));
    EXPECT_EQ(at_b_[3].size(), 10u);
    EXPECT_EQ(at_a_[2].size(), 10u);
  }
}

TEST_F(SessionTest, FailsWhenOnlyOneSideRenewsItsKey) {
  const auto a = initiator(std::nullopt, SessionLimits{.rekey_frames = 3});
  const auto b = responder();
  for (std::uint32_t i = 0; i < 4; ++i) ASSERT_TRUE(a->send(i, random_message(10)));
  const auto outcome = glue(*a, *b);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kBadSignature);
  EXPECT_EQ(at_b_.size(), 2u);  // the first frame were the proofs of groups
}

TEST_F(SessionTest, SurvivesRandomBytes) {
  for (int i = 0; i < 300; ++i) {
    const auto a = initiator();
    const auto b = responder();
    if (i % 2 == 0) {
      ASSERT_TRUE(b->receive(drain(*a)));
      ASSERT_TRUE(a->receive(drain(*b)));
    }
    Bytes noise_bytes = random_message(1 + rng_.below(200));
    if (i % 4 != 0) noise_bytes[0] = i % 2 == 0 ? 0 : wire::kProtocolVersion;
    const auto outcome = (i % 2 == 0 ? a : b)->receive(noise_bytes);
    if (outcome) {
      EXPECT_FALSE((i % 2 == 0 ? a : b)->next_message());
    }
  }
}

}  // namespace
}  // namespace shoal
