#include "node/secure/noise.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <utility>

#include "node/base/check.h"
#include "node/secure/keys.h"

namespace shoal::noise {
namespace {

Hash blake2b(std::initializer_list<ByteView> parts) {
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, kHashBytes);
  for (const ByteView part : parts) crypto_generichash_update(&state, part.data(), part.size());
  Hash hash;
  crypto_generichash_final(&state, hash.data(), hash.size());
  return hash;
}

void wipe(MutableByteView secret) {
  sodium_memzero(secret.data(), secret.size());
}

// RFC 2104, with BLAKE2b's block of 128 bytes. The key is never longer than a block.
Hash hmac(const Hash& key, std::initializer_list<ByteView> parts) {
  std::array<std::uint8_t, 128> padded{};
  std::ranges::copy(key, padded.begin());
  for (std::uint8_t& byte : padded) byte ^= 0x36;
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, kHashBytes);
  crypto_generichash_update(&state, padded.data(), padded.size());
  for (const ByteView part : parts) crypto_generichash_update(&state, part.data(), part.size());
  Hash inner;
  crypto_generichash_final(&state, inner.data(), inner.size());
  for (std::uint8_t& byte : padded) byte ^= 0x36 ^ 0x5c;
  const Hash result = blake2b({padded, inner});
  wipe(padded);
  return result;
}

// §4.3.
template <std::size_t N>
std::array<Hash, N> hkdf(const Hash& chaining_key, ByteView input) {
  Hash key = hmac(chaining_key, {input});
  std::array<Hash, N> outputs;
  for (std::size_t i = 0; i < N; ++i) {
    const std::array<std::uint8_t, 1> number = {static_cast<std::uint8_t>(i + 1)};
    const ByteView previous = i == 0 ? ByteView() : ByteView(outputs[i - 1]);
    outputs[i] = hmac(key, {previous, number});
  }
  wipe(key);
  return outputs;
}

Key first_half(const Hash& hash) {
  Key key;
  std::copy_n(hash.begin(), key.size(), key.begin());
  return key;
}

Result<ByteView> take(ByteView& rest, std::size_t n, std::string_view what) {
  if (rest.size() < n) {
    return fail(ErrorCode::kMalformed, fmt::format("handshake message: {} bytes left for the {}, expected {}",
                                                   rest.size(), what, n));
  }
  const ByteView taken = rest.first(n);
  rest = rest.subspan(n);
  return taken;
}

}  // namespace

DhKeyPair DhKeyPair::from_secret(const Key& secret) {
  DhKeyPair pair{secret, {}};
  crypto_scalarmult_base(pair.public_key.data(), secret.data());
  return pair;
}

SymmetricState::SymmetricState(std::string_view protocol_name) {
  if (protocol_name.size() <= kHashBytes) {
    hash_.fill(0);
    std::ranges::copy(view(protocol_name), hash_.begin());
  } else {
    hash_ = blake2b({view(protocol_name)});
  }
  chaining_key_ = hash_;
}

SymmetricState::~SymmetricState() {
  wipe(chaining_key_);
}

void SymmetricState::mix_key(ByteView input) {
  auto outputs = hkdf<2>(chaining_key_, input);
  chaining_key_ = outputs[0];
  cipher_.emplace(first_half(outputs[1]));
  for (Hash& output : outputs) wipe(output);
}

void SymmetricState::mix_hash(ByteView input) {
  hash_ = blake2b({hash_, input});
}

void SymmetricState::mix_key_and_hash(ByteView input) {
  auto outputs = hkdf<3>(chaining_key_, input);
  chaining_key_ = outputs[0];
  mix_hash(outputs[1]);
  cipher_.emplace(first_half(outputs[2]));
  for (Hash& output : outputs) wipe(output);
}

Result<void> SymmetricState::encrypt_and_hash(ByteView text, Bytes& out) {
  const std::size_t start = out.size();
  out.insert(out.end(), text.begin(), text.end());
  out.resize(out.size() + overhead_bytes());
  const MutableByteView box = MutableByteView(out).subspan(start);
  if (cipher_) {
    if (auto outcome = cipher_->encrypt(hash_, box); !outcome) return outcome;
  }
  mix_hash(box);
  return {};
}

Result<void> SymmetricState::decrypt_and_hash(ByteView box, Bytes& out) {
  const std::size_t start = out.size();
  out.insert(out.end(), box.begin(), box.end());
  if (cipher_) {
    out.resize(out.size() - std::min(box.size(), kTagBytes));
    auto outcome = cipher_->decrypt(hash_, box, MutableByteView(out).subspan(start));
    if (!outcome) {
      out.resize(start);
      return outcome;
    }
  }
  mix_hash(box);
  return {};
}

std::pair<CipherState, CipherState> SymmetricState::split() const {
  auto outputs = hkdf<2>(chaining_key_, {});
  std::pair<CipherState, CipherState> ciphers{CipherState(first_half(outputs[0])),
                                              CipherState(first_half(outputs[1]))};
  for (Hash& output : outputs) wipe(output);
  return ciphers;
}

Result<HandshakeState> HandshakeState::start(HandshakeOptions options) {
  const Protocol& protocol = options.protocol;
  const bool initiator = options.role == Role::kInitiator;
  const auto& own_premessage = initiator ? protocol.initiator_premessage : protocol.responder_premessage;
  const auto& their_premessage = initiator ? protocol.responder_premessage : protocol.initiator_premessage;
  const auto refuse = [&](const char* why) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}: {}", protocol.name, why));
  };
  if (!options.own_static && (!own_premessage.empty() || protocol.sends(options.role, Token::kS))) {
    return refuse("a static key is needed");
  }
  if (options.remote_static.has_value() == their_premessage.empty()) {
    return refuse("the other's static key must be given exactly if the pattern has it known beforehand");
  }
  if (options.psks.size() != (options.psks_later ? 0 : protocol.psk_count())) {
    return refuse("as many pre-shared keys are needed as the name has modifiers");
  }
  return HandshakeState(std::move(options));
}

HandshakeState::HandshakeState(HandshakeOptions options)
    : protocol_(std::move(options.protocol)),
      role_(options.role),
      symmetric_(protocol_.name),
      ephemeral_(options.ephemeral),
      static_(options.own_static),
      remote_static_(options.remote_static),
      psks_(std::move(options.psks)) {
  symmetric_.mix_hash(options.prologue);
  const bool initiator = role_ == Role::kInitiator;
  if (!protocol_.initiator_premessage.empty()) {
    symmetric_.mix_hash(initiator ? static_->public_key : *remote_static_);
  }
  if (!protocol_.responder_premessage.empty()) {
    symmetric_.mix_hash(initiator ? *remote_static_ : static_->public_key);
  }
}

void HandshakeState::set_psks(std::vector<Key> psks) {
  check(psks_.empty() && next_psk_ == 0 && psks.size() == protocol_.psk_count());
  psks_ = std::move(psks);
}

HandshakeState::~HandshakeState() {
  wipe(ephemeral_.secret);
  if (static_) wipe(static_->secret);
  for (Key& psk : psks_) wipe(psk);
}

bool HandshakeState::our_turn() const {
  return !finished() && (next_ % 2 == 0) == (role_ == Role::kInitiator);
}

Result<void> HandshakeState::write_message(ByteView payload, Bytes& out) {
  check(our_turn() && !failed_);
  failed_ = true;  // until the message is whole
  const std::size_t start = out.size();
  for (const Token token : protocol_.messages[next_]) {
    if (auto outcome = write_token(token, out); !outcome) return outcome;
  }
  if (auto outcome = symmetric_.encrypt_and_hash(payload, out); !outcome) return outcome;
  if (out.size() - start > kMessageBytesMax) {
    return fail(ErrorCode::kTooLarge, fmt::format("a handshake message of {} bytes, at most {} are allowed",
                                                  out.size() - start, kMessageBytesMax));
  }
  ++next_;
  failed_ = false;
  return {};
}

Result<void> HandshakeState::read_message(ByteView message, Bytes& payload) {
  check(!our_turn() && !finished() && !failed_);
  failed_ = true;
  if (message.size() > kMessageBytesMax) {
    return fail(ErrorCode::kMalformed, fmt::format("a handshake message of {} bytes, at most {} are allowed",
                                                   message.size(), kMessageBytesMax));
  }
  ByteView rest = message;
  for (const Token token : protocol_.messages[next_]) {
    if (auto outcome = read_token(token, rest); !outcome) return outcome;
  }
  if (auto outcome = symmetric_.decrypt_and_hash(rest, payload); !outcome) return outcome;
  ++next_;
  failed_ = false;
  return {};
}

Result<void> HandshakeState::write_token(Token token, Bytes& out) {
  if (token == Token::kE) {
    out.insert(out.end(), ephemeral_.public_key.begin(), ephemeral_.public_key.end());
    mix_ephemeral(ephemeral_.public_key);
    return {};
  }
  if (token == Token::kS) return symmetric_.encrypt_and_hash(static_->public_key, out);
  return mix_token(token);
}

Result<void> HandshakeState::read_token(Token token, ByteView& rest) {
  if (token == Token::kE) {
    const auto taken = take(rest, kKeyBytes, "ephemeral key");
    if (!taken) return tl::unexpected(taken.error());
    std::ranges::copy(*taken, remote_ephemeral_.emplace().begin());
    mix_ephemeral(*remote_ephemeral_);
    return {};
  }
  if (token == Token::kS) {
    const auto taken = take(rest, kKeyBytes + symmetric_.overhead_bytes(), "static key");
    if (!taken) return tl::unexpected(taken.error());
    Bytes key;
    if (auto outcome = symmetric_.decrypt_and_hash(*taken, key); !outcome) return outcome;
    std::ranges::copy(key, remote_static_.emplace().begin());
    return {};
  }
  return mix_token(token);
}

// With pre-shared keys an ephemeral key is mixed into the chaining key too, so that what is encrypted after a
// psk token never repeats (§9.2).
void HandshakeState::mix_ephemeral(const Key& ephemeral) {
  symmetric_.mix_hash(ephemeral);
  if (protocol_.psk_count() > 0) symmetric_.mix_key(ephemeral);
}

Result<void> HandshakeState::mix_token(Token token) {
  const bool initiator = role_ == Role::kInitiator;
  switch (token) {
    case Token::kEe:
      return mix_agreement(ephemeral_, remote_ephemeral_);
    case Token::kSs:
      return mix_agreement(*static_, remote_static_);
    case Token::kEs:
      return initiator ? mix_agreement(ephemeral_, remote_static_)
                       : mix_agreement(*static_, remote_ephemeral_);
    case Token::kSe:
      return initiator ? mix_agreement(*static_, remote_ephemeral_)
                       : mix_agreement(ephemeral_, remote_static_);
    case Token::kPsk:
      check(next_psk_ < psks_.size(), "a pre-shared key comes before its token");
      symmetric_.mix_key_and_hash(psks_[next_psk_++]);
      return {};
    case Token::kE:
    case Token::kS:
      break;
  }
  check(false, "a token that is sent");
  return {};
}

Result<void> HandshakeState::mix_agreement(const DhKeyPair& own, const std::optional<Key>& remote) {
  check(remote.has_value(), "a pattern that agrees on a key not yet sent");
  auto shared = x25519(own.secret, *remote);
  if (!shared) {
    return fail(ErrorCode::kMalformed, "a Noise key agreement gives zero: the other's key is of small order");
  }
  symmetric_.mix_key(*shared);
  wipe(*shared);
  return {};
}

HandshakeState::Transport HandshakeState::split() const {
  check(finished());
  auto [from_initiator, from_responder] = symmetric_.split();
  if (role_ == Role::kInitiator) return {from_initiator, from_responder};
  return {from_responder, from_initiator};
}

}  // namespace shoal::noise
