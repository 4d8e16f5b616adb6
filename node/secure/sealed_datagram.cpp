#include "node/secure/sealed_datagram.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "node/base/check.h"
#include "node/secure/pair_cache.h"

namespace shoal {
namespace {

constexpr std::string_view kPairKeyLabel = "shoal datagram 1";
constexpr std::size_t kSenderOffset = 1;
constexpr std::size_t kNonceOffset = kSenderOffset + kIdBytes;

static_assert(kNonceBytes == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
static_assert(kSealTagBytes == crypto_aead_xchacha20poly1305_ietf_ABYTES);

tl::unexpected<Error> refuse_recipient(const char* why) {
  return fail(ErrorCode::kMalformed, fmt::format("cannot seal a datagram: {}", why));
}

tl::unexpected<Error> refuse_sender(const char* why) {
  return fail(ErrorCode::kMalformed, fmt::format("datagram whose sender's key {}", why));
}

tl::unexpected<Error> refuse_tag() {
  return fail(ErrorCode::kBadSignature, "datagram does not verify under its sender's key and ours");
}

// The sender that a datagram names, or why it cannot be one for `self`.
Result<Id> read_sender(ByteView datagram, const Id& self) {
  const std::optional<Id> sender = peek_sender(datagram);
  if (!sender) {
    return fail(ErrorCode::kMalformed,
                fmt::format("datagram of {} bytes and version {}, expected at least {} and version {}",
                            datagram.size(), datagram.empty() ? 0 : datagram[0], kSealOverheadBytes,
                            wire::kProtocolVersion));
  }
  if (*sender == self) return refuse_sender("is our own");
  return *sender;
}

// Makes room for a sealed datagram at the end of `out` and fills in version and sender. Returns its place.
std::uint8_t* append_header(const Id& self, std::size_t payload_bytes, Bytes& out) {
  const std::size_t start = out.size();
  out.resize(start + kSealOverheadBytes + payload_bytes);
  std::uint8_t* datagram = out.data() + start;
  datagram[0] = wire::kProtocolVersion;
  std::memcpy(datagram + kSenderOffset, self.bytes.data(), kIdBytes);
  return datagram;
}

// What is authenticated beside the payload: version | sender | receiver.
struct AssociatedData {
  AssociatedData(const Id& sender, const Id& receiver) {
    bytes[0] = wire::kProtocolVersion;
    std::memcpy(bytes.data() + 1, sender.bytes.data(), kIdBytes);
    std::memcpy(bytes.data() + 1 + kIdBytes, receiver.bytes.data(), kIdBytes);
  }
  std::array<std::uint8_t, 1 + 2 * kIdBytes> bytes;
};

class RealCipher final : public DatagramCipher {
 public:
  RealCipher(const KeyPair& self, Rng rng, std::size_t cached_pairs_max)
      : self_(self.public_key()),
        secret_(self.x25519_secret()),
        rng_(std::move(rng)),
        cached_pairs_max_(cached_pairs_max) {
    check(cached_pairs_max > 0);
  }
  ~RealCipher() override { sodium_memzero(secret_.data(), secret_.size()); }

  Result<void> seal(const Id& to, ByteView payload, Bytes& out, Admission admission) override;
  Result<Opened> open(ByteView datagram, Admission admission) override;
  bool knows(const Id& host) const override { return cache_ != nullptr && cache_->contains(host); }
  void keep(const Id& host) override {
    if (cache_ != nullptr) cache_->keep(host);
  }
  std::size_t pairs() const override { return cache_ == nullptr ? 0 : cache_->size(); }

 private:
  // Nothing when `host` is no key that one can agree with.
  std::optional<PairKeys> agree(const Id& host) const;
  PairCache& cache();

  const Id self_;
  std::array<std::uint8_t, 32> secret_;
  Rng rng_;
  const std::size_t cached_pairs_max_;
  std::unique_ptr<PairCache> cache_;  // made with the first pair: most simulated hosts wait long for it
};

std::optional<PairKeys> RealCipher::agree(const Id& host) const {
  const auto their_public = to_x25519(host);
  if (!their_public) return std::nullopt;
  std::optional<SharedSecret> shared = x25519(secret_, *their_public);
  if (!shared) return std::nullopt;
  const PairKeys keys{
      .sending = blake2b_256({*shared, self_.view(), host.view()}, view(kPairKeyLabel)),
      .receiving = blake2b_256({*shared, host.view(), self_.view()}, view(kPairKeyLabel)),
  };
  sodium_memzero(shared->data(), shared->size());
  return keys;
}

PairCache& RealCipher::cache() {
  if (cache_ == nullptr) cache_ = std::make_unique<PairCache>(cached_pairs_max_, rng_.next());
  return *cache_;
}

Result<void> RealCipher::seal(const Id& to, ByteView payload, Bytes& out, Admission admission) {
  if (to == self_) return refuse_recipient("the receiver's key is our own");
  const PairKeys* keys = cache().find(to);
  std::optional<PairKeys> agreed;
  if (keys == nullptr) {
    agreed = agree(to);
    if (!agreed) return refuse_recipient("the receiver's key is no point of the curve's main subgroup");
    keys = admission == Admission::kAdmit ? &cache().insert(to, *agreed) : &*agreed;
  }
  std::uint8_t* datagram = append_header(self_, payload.size(), out);
  std::uint8_t* nonce = datagram + kNonceOffset;
  rng_.fill({nonce, kNonceBytes});
  const AssociatedData bound(self_, to);
  crypto_aead_xchacha20poly1305_ietf_encrypt(datagram + kSealHeaderBytes, nullptr, payload.data(),
                                             payload.size(), bound.bytes.data(), bound.bytes.size(), nullptr,
                                             nonce, keys->sending.data());
  return {};
}

Result<DatagramCipher::Opened> RealCipher::open(ByteView datagram, Admission admission) {
  const Result<Id> sender = read_sender(datagram, self_);
  if (!sender) return tl::unexpected(sender.error());
  // A pair enters the cache only once a datagram has verified: forged ones must not push others out.
  const PairKeys* keys = cache_ == nullptr ? nullptr : cache_->find(*sender);
  std::optional<PairKeys> agreed;
  if (keys == nullptr) {
    agreed = agree(*sender);
    if (!agreed) return refuse_sender("is no point of the curve's main subgroup");
    keys = &*agreed;
  }
  const AssociatedData bound(*sender, self_);
  const ByteView sealed = datagram.subspan(kSealHeaderBytes);
  Opened opened{*sender, Bytes(sealed.size() - kSealTagBytes)};
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          opened.payload.data(), nullptr, nullptr, sealed.data(), sealed.size(), bound.bytes.data(),
          bound.bytes.size(), datagram.data() + kNonceOffset, keys->receiving.data()) != 0) {
    return refuse_tag();
  }
  if (agreed && admission == Admission::kAdmit) cache().insert(*sender, *agreed);
  return opened;
}

// The tag of the modelled cipher. Each word goes through a bijection of its lane, and each lane through one
// of the result, so that a change within any one aligned word always changes the result.
class Checksum {
 public:
  void absorb(ByteView bytes) {
    std::size_t at = 0;
    for (; at + 32 <= bytes.size(); at += 32) {
      for (std::size_t lane = 0; lane < 4; ++lane) step(lanes_[lane], load(bytes.data() + at + 8 * lane, 8));
    }
    for (std::size_t lane = 0; at < bytes.size(); ++lane, at += 8) {
      step(lanes_[lane], load(bytes.data() + at, std::min<std::size_t>(8, bytes.size() - at)));
    }
    step(lanes_[0], bytes.size());
  }
  std::uint64_t value() const {
    std::uint64_t result = 0;
    for (const std::uint64_t lane : lanes_) step(result, lane);
    return result;
  }

 private:
  static std::uint64_t load(const std::uint8_t* from, std::size_t n) {
    std::uint64_t word = 0;
    std::memcpy(&word, from, n);
    return word;
  }
  static void step(std::uint64_t& state, std::uint64_t word) {
    state = std::rotl((state ^ word) * 0x9e3779b97f4a7c15u, 29);
  }
  std::array<std::uint64_t, 4> lanes_ = {1, 2, 3, 4};
};

class ModelledCipher final : public DatagramCipher {
 public:
  explicit ModelledCipher(const Id& self) : self_(self) {}

  Result<void> seal(const Id& to, ByteView payload, Bytes& out, Admission admission) override;
  Result<Opened> open(ByteView datagram, Admission admission) override;
  bool knows(const Id&) const override { return true; }  // no key is ever agreed on

 private:
  using Tag = std::array<std::uint8_t, kSealTagBytes>;
  static Tag tag_of(const Id& sender, const Id& receiver, ByteView payload);
  static constexpr std::array<std::uint8_t, kNonceBytes> kNonce{};
  const Id self_;
};

ModelledCipher::Tag ModelledCipher::tag_of(const Id& sender, const Id& receiver, ByteView payload) {
  Checksum checksum;
  checksum.absorb(sender.view());
  checksum.absorb(receiver.view());
  checksum.absorb(payload);
  const std::uint64_t value = checksum.value();
  Tag tag{};
  std::memcpy(tag.data(), &value, sizeof value);
  return tag;
}

Result<void> ModelledCipher::seal(const Id& to, ByteView payload, Bytes& out, Admission /*admission*/) {
  if (to == self_) return refuse_recipient("the receiver's key is our own");
  std::uint8_t* datagram = append_header(self_, payload.size(), out);
  std::memcpy(datagram + kNonceOffset, kNonce.data(), kNonceBytes);
  if (!payload.empty()) std::memcpy(datagram + kSealHeaderBytes, payload.data(), payload.size());
  const Tag tag = tag_of(self_, to, payload);
  std::memcpy(datagram + kSealHeaderBytes + payload.size(), tag.data(), tag.size());
  return {};
}

Result<DatagramCipher::Opened> ModelledCipher::open(ByteView datagram, Admission /*admission*/) {
  const Result<Id> sender = read_sender(datagram, self_);
  if (!sender) return tl::unexpected(sender.error());
  const ByteView payload = datagram.subspan(kSealHeaderBytes, datagram.size() - kSealOverheadBytes);
  const Tag tag = tag_of(*sender, self_, payload);
  if (!std::ranges::equal(datagram.subspan(kNonceOffset, kNonceBytes), kNonce) ||
      !std::ranges::equal(datagram.last(kSealTagBytes), tag)) {
    return refuse_tag();
  }
  return Opened{*sender, Bytes(payload.begin(), payload.end())};
}

}  // namespace

std::optional<Id> peek_sender(ByteView datagram) {
  if (datagram.size() < kSealOverheadBytes || datagram[0] != wire::kProtocolVersion) return std::nullopt;
  return Id::from_bytes(datagram.subspan(kSenderOffset, kIdBytes));
}

std::unique_ptr<DatagramCipher> make_real_cipher(const KeyPair& self, Rng rng, std::size_t cached_pairs_max) {
  return std::make_unique<RealCipher>(self, std::move(rng), cached_pairs_max);
}

std::unique_ptr<DatagramCipher> make_modelled_cipher(const Id& self) {
  return std::make_unique<ModelledCipher>(self);
}

}  // namespace shoal
