#include "node/secure/keys.h"

#include <gtest/gtest.h>

namespace shoal {
namespace {

template <std::size_t N>
std::array<std::uint8_t, N> from_digits(std::string_view hex) {
  std::array<std::uint8_t, N> bytes{};
  EXPECT_TRUE(from_hex(hex, bytes)) << hex;
  return bytes;
}

class Keys : public testing::Test {
 protected:
  static void SetUpTestSuite() { init_crypto(); }
  Rng rng_ = Rng::keyed(1, "test", "keys");
};

TEST_F(Keys, SignAsRfc8032Test2) {
  const KeyPair pair =
      KeyPair::from_seed(from_digits<32>("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
  EXPECT_EQ(pair.public_key().hex(), "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  EXPECT_EQ(to_hex(pair.sign("r", {})),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  EXPECT_EQ(pair.sign("r", {}), pair.sign("", view("r")));
}

TEST_F(Keys, SignatureHoldsForItsKeyLabelAndMessageOnly) {
  const KeyPair pair = KeyPair::from_seed(rng_.seed());
  wire::Signature signature = pair.sign("label ", view("message"));
  EXPECT_TRUE(verify(pair.public_key(), "label ", view("message"), signature));
  EXPECT_FALSE(verify(pair.public_key(), "other ", view("message"), signature));
  EXPECT_FALSE(verify(pair.public_key(), "label ", view("massage"), signature));
  EXPECT_FALSE(verify(KeyPair::from_seed(rng_.seed()).public_key(), "label ", view("message"), signature));
  signature[40] ^= 1;
  EXPECT_FALSE(verify(pair.public_key(), "label ", view("message"), signature));
}

TEST_F(Keys, ConvertedPublicKeyIsTheOneOfTheConvertedSecret) {
  for (int i = 0; i < 20; ++i) {
    const KeyPair pair = KeyPair::from_seed(rng_.seed());
    EXPECT_EQ(to_x25519(pair.public_key()), pair.x25519_public());
  }
}

TEST_F(Keys, ConversionRefusesWhatIsNoPointOfTheMainSubgroup) {
  EXPECT_EQ(to_x25519(Id{}), std::nullopt);  // order 4
  Id identity;
  identity.bytes[0] = 1;
  EXPECT_EQ(to_x25519(identity), std::nullopt);
  Id not_on_curve;
  not_on_curve.bytes[0] = 2;
  EXPECT_EQ(to_x25519(not_on_curve), std::nullopt);
}

TEST_F(Keys, AgreeAsRfc7748) {
  const auto secret = from_digits<32>("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4");
  const auto point = from_digits<32>("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
  const auto shared = x25519(secret, point);
  ASSERT_TRUE(shared);
  EXPECT_EQ(to_hex(*shared), "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
}

TEST_F(Keys, AgreementOnTheZeroSecretIsRefused) {
  const KeyPair pair = KeyPair::from_seed(rng_.seed());
  EXPECT_EQ(x25519(pair.x25519_secret(), {}), std::nullopt);
  EXPECT_EQ(x25519(pair.x25519_secret(), {1}), std::nullopt);
}

TEST_F(Keys, HashesAgreeWithTheirSpecifications) {
  EXPECT_EQ(sha256(view("abc")).hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256({}).hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(blake2b_256({view("a"), {}, view("bc")})),
            "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
  EXPECT_NE(blake2b_256({view("abc")}, view("key")), blake2b_256({view("abc")}));
}

}  // namespace
}  // namespace shoal
