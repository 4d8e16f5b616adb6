#include "node/secure/noise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "node/base/rng.h"
#include "node/secure/keys.h"

namespace shoal::noise {
namespace {

Key key_of(const nlohmann::json& hex) {
  Key key{};
  EXPECT_TRUE(from_hex(hex.get<std::string>(), key));
  return key;
}

Bytes bytes_of(const nlohmann::json& hex) {
  return from_hex(hex.get<std::string>()).value();
}

Protocol protocol(std::string_view pattern) {
  auto parsed = parse_protocol("Noise_" + std::string(pattern) + "_25519_ChaChaPoly_BLAKE2b");
  EXPECT_TRUE(parsed) << pattern;
  return *parsed;
}

Bytes sealed(CipherState& cipher, ByteView text) {
  Bytes box(text.begin(), text.end());
  box.resize(text.size() + kTagBytes);
  EXPECT_TRUE(cipher.encrypt({}, box));
  return box;
}

Result<Bytes> opened(CipherState& cipher, ByteView box) {
  Bytes text(box.size() - std::min(box.size(), kTagBytes));
  if (auto outcome = cipher.decrypt({}, box, text); !outcome) return tl::unexpected(outcome.error());
  return text;
}

// Both sides of a handshake, and what either needs for it.
class Noise : public testing::Test {
 protected:
  static void SetUpTestSuite() { init_crypto(); }

  DhKeyPair fresh_pair() { return DhKeyPair::from_secret(rng_.seed()); }

  // Options for a side of `pattern`, with the keys that it needs.
  HandshakeOptions options(std::string_view pattern, Role role) {
    HandshakeOptions made;
    made.protocol = protocol(pattern);
    made.role = role;
    made.prologue = {1, 2, 3};
    made.ephemeral = fresh_pair();
    made.own_static = role == Role::kInitiator ? alice_ : bob_;
    const auto& known =
        role == Role::kInitiator ? made.protocol.responder_premessage : made.protocol.initiator_premessage;
    if (!known.empty()) made.remote_static = (role == Role::kInitiator ? bob_ : alice_).public_key;
    for (std::size_t i = 0; i < made.protocol.psk_count(); ++i) {
      made.psks.push_back(Key{static_cast<std::uint8_t>(i + 1)});
    }
    return made;
  }

  HandshakeState start(HandshakeOptions made) {
    auto state = HandshakeState::start(std::move(made));
    EXPECT_TRUE(state);
    return *state;
  }

  // Runs a whole handshake; `damage` may change each message on its way. The error of the first refusal.
  template <class Damage>
  Result<void> run(HandshakeState& initiator, HandshakeState& responder, Damage damage) {
    for (std::size_t i = 0; !initiator.finished() || !responder.finished(); ++i) {
      HandshakeState& writer = i % 2 == 0 ? initiator : responder;
      HandshakeState& reader = i % 2 == 0 ? responder : initiator;
      Bytes message;
      if (auto outcome = writer.write_message(view("payload"), message); !outcome) return outcome;
      const Bytes sent = message;
      damage(i, message);
      Bytes payload;
      if (auto outcome = reader.read_message(message, payload); !outcome) return outcome;
      if (message == sent) {
        EXPECT_EQ(text(payload), "payload");
      }
    }
    return {};
  }
  Result<void> run(HandshakeState& initiator, HandshakeState& responder) {
    return run(initiator, responder, [](std::size_t, Bytes&) {});
  }

  Rng rng_ = Rng::keyed(1, "test", "noise");
  const DhKeyPair alice_ = fresh_pair();
  const DhKeyPair bob_ = fresh_pair();
};

HandshakeState start_of_vector(const nlohmann::json& vector, Role role) {
  const std::string side = role == Role::kInitiator ? "init" : "resp";
  HandshakeOptions options;
  options.protocol = parse_protocol(vector["protocol_name"].get<std::string>()).value();
  options.role = role;
  options.prologue = bytes_of(vector[side + "_prologue"]);
  options.ephemeral = DhKeyPair::from_secret(key_of(vector[side + "_ephemeral"]));
  if (vector.contains(side + "_static")) {
    options.own_static = DhKeyPair::from_secret(key_of(vector[side + "_static"]));
  }
  if (vector.contains(side + "_remote_static")) {
    options.remote_static = key_of(vector[side + "_remote_static"]);
  }
  if (vector.contains(side + "_psks")) {
    for (const auto& psk : vector[side + "_psks"]) options.psks.push_back(key_of(psk));
  }
  return HandshakeState::start(std::move(options)).value();
}

TEST_F(Noise, AgreesWithTheTestVectors) {
  std::ifstream file(SHOAL_TESTS_DIR "/vectors/noise.json");
  const auto vectors = nlohmann::json::parse(file)["vectors"];
  ASSERT_FALSE(vectors.empty());
  for (const auto& vector : vectors) {
    SCOPED_TRACE(vector["protocol_name"].get<std::string>());
    HandshakeState sides[] = {start_of_vector(vector, Role::kInitiator),
                              start_of_vector(vector, Role::kResponder)};
    std::vector<HandshakeState::Transport> transports;
    for (std::size_t i = 0; i < vector["messages"].size(); ++i) {
      const Bytes payload = bytes_of(vector["messages"][i]["payload"]);
      const Bytes ciphertext = bytes_of(vector["messages"][i]["ciphertext"]);
      if (!sides[0].finished()) {
        Bytes written;
        Bytes read;
        ASSERT_TRUE(sides[i % 2].write_message(payload, written));
        EXPECT_EQ(to_hex(written), to_hex(ciphertext));
        ASSERT_TRUE(sides[1 - i % 2].read_message(ciphertext, read));
        EXPECT_EQ(read, payload);
        continue;
      }
      if (transports.empty()) transports = {sides[0].split(), sides[1].split()};
      EXPECT_EQ(to_hex(sealed(transports[i % 2].sending, payload)), to_hex(ciphertext));
      EXPECT_EQ(opened(transports[1 - i % 2].receiving, ciphertext), payload);
    }
    EXPECT_FALSE(transports.empty());
    for (const HandshakeState& side : sides) {
      EXPECT_EQ(to_hex(side.hash()), vector["handshake_hash"].get<std::string>());
    }
  }
}

TEST_F(Noise, EveryPatternAgreesWithItselfUnderEveryModifier) {
  for (const std::string pattern :
       {"NN", "NK", "NX", "KN", "KK", "KX", "XN", "XK", "XX", "IN", "IK", "IX", "X1N", "X1K", "X1X"}) {
    std::vector<std::string> names = {pattern, pattern + "psk0+psk1+psk2"};
    for (std::size_t i = 0; i <= protocol(pattern).messages.size(); ++i) {
      names.push_back(pattern + "psk" + std::to_string(i));
    }
    for (const std::string& name : names) {
      SCOPED_TRACE(name);
      HandshakeState initiator = start(options(name, Role::kInitiator));
      HandshakeState responder = start(options(name, Role::kResponder));
      ASSERT_TRUE(run(initiator, responder));
      EXPECT_EQ(initiator.hash(), responder.hash());
      if (pattern[0] != 'N') {
        EXPECT_EQ(responder.remote_static(), alice_.public_key);
      }
      if (pattern.back() != 'N') {
        EXPECT_EQ(initiator.remote_static(), bob_.public_key);
      }
      auto at_initiator = initiator.split();
      auto at_responder = responder.split();
      EXPECT_EQ(opened(at_responder.receiving, sealed(at_initiator.sending, view("ping"))),
                Bytes({'p', 'i', 'n', 'g'}));
      EXPECT_EQ(opened(at_initiator.receiving, sealed(at_responder.sending, view("pong"))),
                Bytes({'p', 'o', 'n', 'g'}));
    }
  }
}

TEST_F(Noise, RefusesEveryDamagedByteOfAHandshake) {
  for (const std::string name : {"XX", "XXpsk3", "IKpsk2", "KXpsk0+psk2"}) {
    for (std::size_t message = 0; message < protocol(name).messages.size(); ++message) {
      bool inside = true;
      for (std::size_t at = 0; inside; ++at) {
        HandshakeState initiator = start(options(name, Role::kInitiator));
        HandshakeState responder = start(options(name, Role::kResponder));
        inside = false;
        const auto outcome = run(initiator, responder, [&](std::size_t i, Bytes& bytes) {
          if (i != message || at >= bytes.size()) return;
          bytes[at] ^= 0x40;
          inside = true;
        });
        EXPECT_NE(outcome.has_value(), inside) << name << " message " << message << " byte " << at;
      }
    }
  }
}

TEST_F(Noise, RefusesEveryTruncatedMessage) {
  for (std::size_t message = 0; message < 3; ++message) {
    bool inside = true;
    for (std::size_t size = 0; inside; ++size) {
      HandshakeState initiator = start(options("XXpsk3", Role::kInitiator));
      HandshakeState responder = start(options("XXpsk3", Role::kResponder));
      inside = false;
      const auto outcome = run(initiator, responder, [&](std::size_t i, Bytes& bytes) {
        if (i != message || size >= bytes.size()) return;
        bytes.resize(size);
        inside = true;
      });
      EXPECT_NE(outcome.has_value(), inside) << "message " << message << " cut to " << size;
    }
  }
}

TEST_F(Noise, FailsUnlessPskAndPrologueAreTheSame) {
  for (const std::string name : {"NNpsk0", "XXpsk3", "KKpsk2"}) {
    HandshakeOptions theirs = options(name, Role::kResponder);
    theirs.psks[0][31] ^= 1;
    HandshakeState initiator = start(options(name, Role::kInitiator));
    HandshakeState responder = start(theirs);
    const auto outcome = run(initiator, responder);
    ASSERT_FALSE(outcome) << name;
    EXPECT_EQ(outcome.error().code, ErrorCode::kBadSignature);
  }
  HandshakeOptions theirs = options("XX", Role::kResponder);
  theirs.prologue.push_back(0);
  HandshakeState initiator = start(options("XX", Role::kInitiator));
  HandshakeState responder = start(theirs);
  EXPECT_FALSE(run(initiator, responder));
}

TEST_F(Noise, RefusesKeysOfSmallOrder) {
  HandshakeState initiator = start(options("NN", Role::kInitiator));
  HandshakeState responder = start(options("NN", Role::kResponder));
  const auto outcome = run(initiator, responder, [](std::size_t i, Bytes& message) {
    if (i == 0) std::fill_n(message.begin(), kKeyBytes, std::uint8_t{0});
  });
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kMalformed);
}

TEST_F(Noise, RefusesMessagesOverTheLimit) {
  HandshakeState initiator = start(options("NN", Role::kInitiator));
  Bytes out;
  const auto written = initiator.write_message(Bytes(kMessageBytesMax - kKeyBytes + 1), out);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kTooLarge);
  HandshakeState responder = start(options("NN", Role::kResponder));
  const auto read = responder.read_message(Bytes(kMessageBytesMax + 1, 9), out);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kMalformed);
}

TEST_F(Noise, StartsOnlyWithTheKeysThatThePatternNeeds) {
  const auto refused = [&](auto change, std::string_view name) {
    HandshakeOptions changed = options(name, Role::kInitiator);
    change(changed);
    const auto outcome = HandshakeState::start(changed);
    return !outcome && outcome.error().code == ErrorCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused([](HandshakeOptions& o) { o.own_static.reset(); }, "XX"));
  EXPECT_TRUE(refused([](HandshakeOptions& o) { o.own_static.reset(); }, "KN"));
  EXPECT_TRUE(refused([](HandshakeOptions& o) { o.remote_static.reset(); }, "NK"));
  EXPECT_TRUE(refused([](HandshakeOptions& o) { o.remote_static = Key{9}; }, "XX"));
  EXPECT_TRUE(refused([](HandshakeOptions& o) { o.psks.clear(); }, "XXpsk3"));
  EXPECT_TRUE(refused([](HandshakeOptions& o) { o.psks.emplace_back(); }, "XX"));
  EXPECT_FALSE(refused([](HandshakeOptions& o) { o.own_static.reset(); }, "NX"));
}

TEST(NoiseProtocol, PutsPskTokensWhereTheModifiersSay) {
  const Protocol parsed = protocol("XXpsk0+psk3");
  using enum Token;
  EXPECT_EQ(parsed.messages,
            (std::vector<std::vector<Token>>{{kPsk, kE}, {kE, kEe, kS, kEs}, {kS, kSe, kPsk}}));
  EXPECT_EQ(parsed.psk_count(), 2u);
  EXPECT_EQ(protocol("X1Xpsk4").messages[3], (std::vector<Token>{kSe, kPsk}));
  EXPECT_EQ(protocol("IK").responder_premessage, std::vector<Token>{kS});
}

TEST(NoiseProtocol, RefusesNamesItDoesNotKnow) {
  for (const std::string_view name :
       {"", "Noise_", "Noise__25519_ChaChaPoly_BLAKE2b", "Noise_ZZ_25519_ChaChaPoly_BLAKE2b",
        "Noise_XX_448_ChaChaPoly_BLAKE2b", "Noise_XX_25519_AESGCM_BLAKE2b",
        "Noise_XX_25519_ChaChaPoly_BLAKE2s", "Noise_XXpsk4_25519_ChaChaPoly_BLAKE2b",
        "Noise_XXpsk_25519_ChaChaPoly_BLAKE2b", "Noise_XXpsk0+_25519_ChaChaPoly_BLAKE2b",
        "Noise_XXpsk0psk1_25519_ChaChaPoly_BLAKE2b", "Noise_XXpsk1+psk1_25519_ChaChaPoly_BLAKE2b",
        "Noise_XXfallback_25519_ChaChaPoly_BLAKE2b", "noise_XX_25519_ChaChaPoly_BLAKE2b",
        "Noise_25519_ChaChaPoly_BLAKE2b"}) {
    const auto parsed = parse_protocol(name);
    ASSERT_FALSE(parsed) << name;
    EXPECT_EQ(parsed.error().code, ErrorCode::kUnsupported);
  }
}

TEST(NoiseCipher, CounterIsNeverUsedUpSilently) {
  CipherState cipher(Key{1});
  cipher.set_counter(std::numeric_limits<std::uint64_t>::max() - 1);
  CipherState twin = cipher;
  Bytes box = sealed(cipher, view("last"));
  Bytes more(kTagBytes);
  const auto outcome = cipher.encrypt({}, more);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kTooLarge);
  EXPECT_TRUE(opened(twin, box));
  const auto after = opened(twin, box);
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().code, ErrorCode::kTooLarge);
}

TEST(NoiseCipher, RekeyChangesTheKeyAndKeepsTheCounter) {
  CipherState sender(Key{1});
  CipherState receiver(Key{1});
  EXPECT_TRUE(opened(receiver, sealed(sender, view("before"))));
  sender.rekey();
  const Bytes box = sealed(sender, view("after"));
  EXPECT_EQ(sender.counter(), 2u);
  EXPECT_FALSE(opened(receiver, box));
  receiver.rekey();
  EXPECT_TRUE(opened(receiver, box));
}

TEST(NoiseCipher, BindsAssociatedDataAndKeepsItsPlaceAfterAForgery) {
  CipherState sender(Key{1});
  CipherState receiver(Key{1});
  Bytes box(4 + kTagBytes);
  ASSERT_TRUE(sender.encrypt(view("context"), box));
  Bytes text(4);
  EXPECT_FALSE(receiver.decrypt(view("other"), box, text));
  EXPECT_FALSE(opened(receiver, ByteView(box).first(kTagBytes - 1)));
  EXPECT_TRUE(receiver.decrypt(view("context"), box, text));
  EXPECT_EQ(text, Bytes(4));
}

}  // namespace
}  // namespace shoal::noise
