#include "node/secure/sealed_datagram.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>

namespace shoal {
namespace {

Bytes sealed(DatagramCipher& cipher, const Id& to, ByteView payload) {
  Bytes out;
  EXPECT_TRUE(cipher.seal(to, payload, out));
  return out;
}

ErrorCode refusal(DatagramCipher& cipher, ByteView datagram) {
  const auto opened = cipher.open(datagram);
  return opened ? ErrorCode::kNone : opened.error().code;
}

// What both ciphers promise alike.
class Cipher : public testing::TestWithParam<bool> {
 protected:
  static void SetUpTestSuite() { init_crypto(); }

  std::unique_ptr<DatagramCipher> make(const KeyPair& keys, std::size_t pairs_max = 8) {
    return GetParam() ? make_real_cipher(keys, rng_.fork(), pairs_max)
                      : make_modelled_cipher(keys.public_key());
  }

  Rng rng_ = Rng::keyed(1, "test", "datagrams");
  const KeyPair alice_ = KeyPair::from_seed(rng_.seed());
  const KeyPair bob_ = KeyPair::from_seed(rng_.seed());
  const KeyPair carol_ = KeyPair::from_seed(rng_.seed());
  std::unique_ptr<DatagramCipher> from_alice_ = make(alice_);
  std::unique_ptr<DatagramCipher> at_bob_ = make(bob_);
};

TEST_P(Cipher, OpensWhatWasSealedForIt) {
  for (std::size_t size = 0; size < 70; ++size) {
    Bytes payload(size);
    rng_.fill(payload);
    const Bytes datagram = sealed(*from_alice_, bob_.public_key(), payload);
    EXPECT_EQ(datagram.size(), size + kSealOverheadBytes);
    EXPECT_EQ(peek_sender(datagram), alice_.public_key());
    const auto opened = at_bob_->open(datagram);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->sender, alice_.public_key());
    EXPECT_EQ(opened->payload, payload);
  }
}

TEST_P(Cipher, AppendsToWhatIsInTheBuffer) {
  Bytes out = {1, 2, 3};
  ASSERT_TRUE(from_alice_->seal(bob_.public_key(), view("hello"), out));
  ASSERT_EQ(out.size(), 3 + 5 + kSealOverheadBytes);
  EXPECT_TRUE(std::ranges::equal(ByteView(out).first(3), Bytes{1, 2, 3}));
  EXPECT_TRUE(at_bob_->open(ByteView(out).subspan(3)));
}

TEST_P(Cipher, RefusesEveryFlippedBit) {
  const Bytes datagram =
      sealed(*from_alice_, bob_.public_key(), view("a payload longer than thirty-two bytes"));
  for (std::size_t i = 0; i < datagram.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes damaged = datagram;
      damaged[i] = static_cast<std::uint8_t>(damaged[i] ^ 1 << bit);
      const ErrorCode code = refusal(*at_bob_, damaged);
      EXPECT_NE(code, ErrorCode::kNone) << "byte " << i << " bit " << bit;
      if (i == 0) {
        EXPECT_EQ(code, ErrorCode::kMalformed);
      }
      if (i > kIdBytes) {
        EXPECT_EQ(code, ErrorCode::kBadSignature);
      }
    }
  }
}

TEST_P(Cipher, RefusesEveryTruncationAndExtension) {
  Bytes datagram = sealed(*from_alice_, bob_.public_key(), view("payload"));
  for (std::size_t size = 0; size < datagram.size(); ++size) {
    EXPECT_EQ(refusal(*at_bob_, ByteView(datagram).first(size)),
              size < kSealOverheadBytes ? ErrorCode::kMalformed : ErrorCode::kBadSignature);
  }
  datagram.push_back(0);
  EXPECT_EQ(refusal(*at_bob_, datagram), ErrorCode::kBadSignature);
}

TEST_P(Cipher, RefusesWhatWasSealedForAnother) {
  EXPECT_EQ(refusal(*at_bob_, sealed(*from_alice_, carol_.public_key(), view("payload"))),
            ErrorCode::kBadSignature);
}

TEST_P(Cipher, RefusesItsOwnKeyOnEitherSide) {
  Bytes out = {7};
  const auto outcome = from_alice_->seal(alice_.public_key(), view("payload"), out);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kMalformed);
  EXPECT_EQ(out, Bytes{7});
  const Bytes reflected = sealed(*from_alice_, bob_.public_key(), view("payload"));
  EXPECT_EQ(refusal(*from_alice_, reflected), ErrorCode::kMalformed);
}

INSTANTIATE_TEST_SUITE_P(Both, Cipher, testing::Values(true, false),
                         [](const auto& made) { return made.param ? "Real" : "Modelled"; });

class RealCipher : public testing::Test {
 protected:
  static void SetUpTestSuite() { init_crypto(); }
  Rng rng_ = Rng::keyed(2, "test", "datagrams");
  const KeyPair alice_ = KeyPair::from_seed(rng_.seed());
  const KeyPair bob_ = KeyPair::from_seed(rng_.seed());
};

TEST_F(RealCipher, FollowsItsSpecification) {
  const auto cipher = make_real_cipher(alice_, rng_.fork(), 8);
  const Bytes datagram = sealed(*cipher, bob_.public_key(), view("payload"));
  const auto shared = x25519(bob_.x25519_secret(), alice_.x25519_public());
  ASSERT_TRUE(shared);
  const auto key =
      blake2b_256({*shared, alice_.public_key().view(), bob_.public_key().view()}, view("shoal datagram 1"));
  Bytes associated = {wire::kProtocolVersion};
  associated.insert(associated.end(), alice_.public_key().bytes.begin(), alice_.public_key().bytes.end());
  associated.insert(associated.end(), bob_.public_key().bytes.begin(), bob_.public_key().bytes.end());
  Bytes payload(7);
  ASSERT_EQ(crypto_aead_xchacha20poly1305_ietf_decrypt(payload.data(), nullptr, nullptr, datagram.data() + 57,
                                                       datagram.size() - 57, associated.data(),
                                                       associated.size(), datagram.data() + 33, key.data()),
            0);
  EXPECT_EQ(text(payload), "payload");
}

TEST_F(RealCipher, EncryptsAndNeverRepeatsANonce) {
  const auto cipher = make_real_cipher(alice_, rng_.fork(), 8);
  const Bytes first = sealed(*cipher, bob_.public_key(), Bytes(64));
  const Bytes second = sealed(*cipher, bob_.public_key(), Bytes(64));
  const auto nonce = [](const Bytes& datagram) {
    return Bytes(datagram.begin() + 33, datagram.begin() + 57);
  };
  EXPECT_NE(nonce(first), nonce(second));
  const Bytes clear(64);
  EXPECT_TRUE(std::ranges::search(first, clear).empty());
}

TEST_F(RealCipher, TellsAKeyFromItsTwinOfOtherSign) {
  // Both convert to one X25519 key, so only the binding of the Ed25519 keys tells them apart.
  const auto from_alice = make_real_cipher(alice_, rng_.fork(), 8);
  const auto at_bob = make_real_cipher(bob_, rng_.fork(), 8);
  Id twin = alice_.public_key();
  twin.bytes[31] ^= 0x80;
  ASSERT_EQ(to_x25519(twin), to_x25519(alice_.public_key()));
  Bytes datagram = sealed(*from_alice, bob_.public_key(), view("payload"));
  datagram[32] ^= 0x80;
  EXPECT_EQ(refusal(*at_bob, datagram), ErrorCode::kBadSignature);
}

TEST_F(RealCipher, RefusesReceiversThatAreNoKeys) {
  const auto cipher = make_real_cipher(alice_, rng_.fork(), 8);
  Bytes out;
  const auto outcome = cipher->seal(Id{}, view("payload"), out);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kMalformed);
  EXPECT_TRUE(out.empty());
  EXPECT_FALSE(cipher->knows(Id{}));
}

TEST_F(RealCipher, KnowsTheHostsUsedLastWithinItsBound) {
  const auto cipher = make_real_cipher(alice_, rng_.fork(), 3);
  std::vector<Id> hosts;
  for (int i = 0; i < 4; ++i) hosts.push_back(KeyPair::from_seed(rng_.seed()).public_key());
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(cipher->knows(hosts[static_cast<std::size_t>(i)]));
    sealed(*cipher, hosts[static_cast<std::size_t>(i)], view("payload"));
  }
  sealed(*cipher, hosts[0], view("payload"));  // now host 1 is the least recently used
  sealed(*cipher, hosts[3], view("payload"));
  EXPECT_TRUE(cipher->knows(hosts[0]));
  EXPECT_FALSE(cipher->knows(hosts[1]));
  EXPECT_TRUE(cipher->knows(hosts[2]));
  EXPECT_TRUE(cipher->knows(hosts[3]));
}

TEST_F(RealCipher, LearnsAStrangerOnlyFromADatagramThatVerifies) {
  const auto from_alice = make_real_cipher(alice_, rng_.fork(), 8);
  const auto at_bob = make_real_cipher(bob_, rng_.fork(), 8);
  Bytes datagram = sealed(*from_alice, bob_.public_key(), view("payload"));
  datagram.back() ^= 1;
  EXPECT_EQ(refusal(*at_bob, datagram), ErrorCode::kBadSignature);
  EXPECT_FALSE(at_bob->knows(alice_.public_key()));
  datagram.back() ^= 1;
  EXPECT_EQ(refusal(*at_bob, datagram), ErrorCode::kNone);
  EXPECT_TRUE(at_bob->knows(alice_.public_key()));
}

TEST_F(RealCipher, StaysRightWhileItsCacheTurnsOver) {
  const auto at_bob = make_real_cipher(bob_, rng_.fork(), 4);
  std::vector<KeyPair> hosts;
  for (int i = 0; i < 12; ++i) hosts.push_back(KeyPair::from_seed(rng_.seed()));
  for (int i = 0; i < 400; ++i) {
    const KeyPair& host = hosts[rng_.below(hosts.size())];
    const auto from_host = make_real_cipher(host, rng_.fork(), 1);
    const auto opened = at_bob->open(sealed(*from_host, bob_.public_key(), view("ping")));
    ASSERT_TRUE(opened);
    const auto answer = from_host->open(sealed(*at_bob, host.public_key(), view("pong")));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->sender, bob_.public_key());
    const auto known =
        std::ranges::count_if(hosts, [&](const KeyPair& h) { return at_bob->knows(h.public_key()); });
    EXPECT_LE(known, 4);
  }
}

TEST(ModelledCipher, IsAFunctionOfItsInput) {
  const Id alice = Rng::keyed(3, "test", "datagrams").id();
  const Id bob = Rng::keyed(4, "test", "datagrams").id();
  const auto first = make_modelled_cipher(alice);
  EXPECT_EQ(sealed(*first, bob, view("payload")), sealed(*first, bob, view("payload")));
  EXPECT_EQ(sealed(*first, bob, view("payload")), sealed(*make_modelled_cipher(alice), bob, view("payload")));
  EXPECT_NE(sealed(*first, bob, view("payload")), sealed(*first, bob, view("payloae")));
  EXPECT_TRUE(first->knows(bob));
}

}  // namespace
}  // namespace shoal
