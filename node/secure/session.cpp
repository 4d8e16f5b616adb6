#include "node/secure/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "node/base/check.h"
#include "node/secure/noise.h"

namespace shoal {
namespace {

constexpr std::string_view kHostProtocol = "Noise_XX_25519_ChaChaPoly_BLAKE2b";
constexpr std::string_view kPeerProtocol = "Noise_XXpsk3_25519_ChaChaPoly_BLAKE2b";
constexpr std::string_view kPrologueLabel = "shoal session 1";
constexpr std::string_view kHostLabel = "shoal session host 1";

constexpr std::size_t kLengthBytes = 2;
constexpr std::size_t kIntroductionBytes = kIdBytes + wire::kSignatureBytes;
constexpr std::size_t kSealedKeyBytes = noise::kKeyBytes + noise::kTagBytes;
constexpr std::size_t kSealedIntroductionBytes = kIntroductionBytes + noise::kTagBytes;
constexpr std::size_t kHostMessage1Bytes = noise::kKeyBytes;
constexpr std::size_t kPeerMessage1Bytes =
    noise::kKeyBytes + SessionGroups::kInvitationBytes + noise::kTagBytes;
constexpr std::size_t kMessage2Bytes = noise::kKeyBytes + kSealedKeyBytes + kSealedIntroductionBytes;
constexpr std::size_t kMessage3Bytes = kSealedKeyBytes + kSealedIntroductionBytes;

// Frames are encrypted as late as the stream can take them, so that a new message need not wait behind much.
constexpr std::size_t kSealedAheadMin = 16 * 1024;
constexpr std::size_t kSealedAheadMax = 64 * 1024;
constexpr std::size_t kIdleBytesMax = 2 * 1024;  // kept of that buffer while there is nothing to send

noise::HandshakeState start_handshake(std::string_view protocol, noise::Role role, const KeyPair& self,
                                      const noise::DhKeyPair& ephemeral) {
  noise::HandshakeOptions options;
  options.protocol = *noise::parse_protocol(protocol);
  options.role = role;
  options.prologue.assign(kPrologueLabel.begin(), kPrologueLabel.end());
  options.prologue.insert(options.prologue.end(), protocol.begin(), protocol.end());
  options.ephemeral = ephemeral;
  options.own_static = noise::DhKeyPair{self.x25519_secret(), self.x25519_public()};
  options.psks_later = true;
  return *noise::HandshakeState::start(std::move(options));
}

void put_length(std::size_t length, std::uint8_t* at) {
  at[0] = static_cast<std::uint8_t>(length >> 8);
  at[1] = static_cast<std::uint8_t>(length);
}

}  // namespace

struct Session::Handshake {
  std::optional<noise::HandshakeState> state;  // a responder's begins with message 1
  KeyPair self;
  noise::DhKeyPair ephemeral;
  std::optional<Id> expected_peer;
  WallTime now;
  WallTime since;
};

Session::Session(const KeyPair& self, const SessionOptions& options, Rng rng)
    : limits_(options.limits),
      role_(options.role),
      groups_(options.groups),
      phase_(options.role == noise::Role::kInitiator ? Phase::kMessage2 : Phase::kMessage1),
      rng_(std::move(rng)),
      handshake_(std::make_unique<Handshake>(Handshake{{},
                                                       self,
                                                       noise::DhKeyPair::from_secret(rng_.seed()),
                                                       options.expected_peer,
                                                       options.now,
                                                       options.since})),
      queue_(options.limits.queued_bytes_max),
      assembler_(options.limits.received_bytes_max) {
  if (role_ == noise::Role::kResponder) return;
  handshake_->state.emplace(
      start_handshake(options.group ? kPeerProtocol : kHostProtocol, role_, self, handshake_->ephemeral));
  Bytes invitation;
  if (options.group) {
    check(groups_ != nullptr && options.expected_peer, "a peer is invited by its key, to a group of ours");
    invitation = groups_->invitation(*options.group, handshake_->ephemeral.public_key, *options.expected_peer,
                                     options.now);
    handshake_->state->set_psks({groups_->psk(*options.group)->bytes()});
  }
  outgoing_.push_back(wire::kProtocolVersion);
  check(write_handshake(invitation).has_value(), "message 1 agrees on nothing that could fail");
}

Session::~Session() = default;

const Id& Session::peer() const {
  check(established());
  return peer_;
}

Result<void> Session::receive(ByteView from_stream) {
  if (phase_ == Phase::kFailed) return fail(ErrorCode::kNotConnected, "the session has failed before");
  if (!version_seen_ && !from_stream.empty()) {
    if (from_stream[0] != wire::kProtocolVersion) {
      phase_ = Phase::kFailed;
      return fail(ErrorCode::kUnsupported, fmt::format("a session of version {}, expected {}", from_stream[0],
                                                       wire::kProtocolVersion));
    }
    version_seen_ = true;
    from_stream = from_stream.subspan(1);
  }
  auto outcome = receive_records(from_stream);
  if (!outcome) phase_ = Phase::kFailed;
  return outcome;
}

// Records that lie whole in `bytes` are handled where they are; only the beginning of the last is kept.
Result<void> Session::receive_records(ByteView bytes) {
  for (;;) {
    const ByteView source = partial_.empty() ? bytes : ByteView(partial_);
    std::size_t needed = kLengthBytes;
    if (source.size() >= kLengthBytes) {
      const std::size_t length = std::size_t{source[0]} << 8 | source[1];
      if (auto outcome = check_length(length); !outcome) return outcome;
      needed += length;  // never 0
      if (source.size() >= needed) {
        auto outcome = handle_record(source.subspan(kLengthBytes, length));
        if (!outcome) return outcome;
        if (partial_.empty()) bytes = bytes.subspan(needed);
        Bytes().swap(partial_);
        continue;
      }
    }
    if (bytes.empty()) return {};
    const ByteView more = bytes.first(std::min(bytes.size(), needed - partial_.size()));
    partial_.insert(partial_.end(), more.begin(), more.end());
    bytes = bytes.subspan(more.size());
  }
}

// A record that cannot be right is refused by its length, before a byte of it is kept.
Result<void> Session::check_length(std::size_t length) const {
  std::size_t least = 0;
  std::size_t most = 0;
  switch (phase_) {
    case Phase::kMessage1:
      if (length == kPeerMessage1Bytes) return {};
      least = most = kHostMessage1Bytes;
      break;
    case Phase::kMessage2:
      least = most = kMessage2Bytes;
      break;
    case Phase::kMessage3:
      least = most = kMessage3Bytes;
      break;
    case Phase::kOpen:
    case Phase::kFailed:
      least = kFrameHeaderBytes + noise::kTagBytes;
      most = kFrameBytesMax + noise::kTagBytes;
      break;
  }
  if (length >= least && length <= most) return {};
  return fail(ErrorCode::kMalformed,
              fmt::format("a session record of {} bytes, expected {} to {}", length, least, most));
}

Result<void> Session::handle_record(ByteView record) {
  return phase_ == Phase::kOpen ? handle_frame(record) : handle_handshake(record);
}

Result<void> Session::handle_handshake(ByteView message) {
  if (phase_ == Phase::kMessage1) {
    handshake_->state.emplace(
        start_handshake(message.size() == kPeerMessage1Bytes ? kPeerProtocol : kHostProtocol, role_,
                        handshake_->self, handshake_->ephemeral));
  }
  const noise::Hash hash_before = handshake_->state->hash();
  Bytes payload;
  if (auto outcome = handshake_->state->read_message(message, payload); !outcome) return outcome;
  if (phase_ == Phase::kMessage1) {
    if (!payload.empty()) {
      if (auto outcome = accept_invitation(payload, message); !outcome) return outcome;
    }
    outgoing_.push_back(wire::kProtocolVersion);
    phase_ = Phase::kMessage3;
    return write_handshake(introduction());
  }
  if (auto outcome = accept_introduction(payload, hash_before); !outcome) return outcome;
  if (phase_ == Phase::kMessage2) {
    if (auto outcome = write_handshake(introduction()); !outcome) return outcome;
  }
  open();
  return {};
}

Result<void> Session::accept_invitation(ByteView invitation, ByteView message1) {
  noise::Key ephemeral;
  std::ranges::copy(message1.first(noise::kKeyBytes), ephemeral.begin());
  const auto group = groups_ == nullptr
                         ? std::nullopt
                         : groups_->accept(invitation, ephemeral, handshake_->self.public_key(),
                                           handshake_->now, handshake_->since);
  if (!group)
    return fail(ErrorCode::kBadSignature,
                "an invitation to a session that is to no group of ours, or is old");
  handshake_->state->set_psks({groups_->psk(*group)->bytes()});
  return {};
}

Result<void> Session::accept_introduction(ByteView introduction, ByteView signed_hash) {
  const Id host = Id::from_bytes(introduction.first(kIdBytes));
  wire::Signature signature;
  std::ranges::copy(introduction.subspan(kIdBytes), signature.begin());
  // Unless that is what the initiator looks for: a copy of this host (same_key_watch.h).
  const bool is_looked_for = role_ == noise::Role::kResponder || handshake_->expected_peer == host;
  if (host == handshake_->self.public_key() && !is_looked_for) {
    return fail(ErrorCode::kMalformed, "a session with ourselves");
  }
  if (handshake_->expected_peer && host != *handshake_->expected_peer) {
    return fail(ErrorCode::kBadSignature, fmt::format("a session with host {}, expected {}", host.hex(),
                                                      handshake_->expected_peer->hex()));
  }
  if (to_x25519(host) != handshake_->state->remote_static() ||
      !verify(host, kHostLabel, signed_hash, signature)) {
    return fail(ErrorCode::kBadSignature,
                fmt::format("a session in which host {} does not prove its key", host.hex()));
  }
  peer_ = host;
  return {};
}

// Our host key and the proof that it is ours.
Bytes Session::introduction() const {
  const KeyPair& self = handshake_->self;
  const wire::Signature signature = self.sign(kHostLabel, handshake_->state->hash());
  Bytes out(self.public_key().bytes.begin(), self.public_key().bytes.end());
  out.insert(out.end(), signature.begin(), signature.end());
  return out;
}

Result<void> Session::write_handshake(ByteView payload) {
  const std::size_t start = outgoing_.size();
  outgoing_.resize(start + kLengthBytes);
  if (auto outcome = handshake_->state->write_message(payload, outgoing_); !outcome) return outcome;
  put_length(outgoing_.size() - start - kLengthBytes, outgoing_.data() + start);
  return {};
}

void Session::open() {
  const auto transport = handshake_->state->split();
  handshake_hash_ = handshake_->state->hash();
  proofs_due_ = true;
  sending_.emplace(Direction{transport.sending});
  receiving_.emplace(Direction{transport.receiving});
  handshake_.reset();
  phase_ = Phase::kOpen;
}

Result<void> Session::handle_frame(ByteView box) {
  std::array<std::uint8_t, kFrameBytesMax> frame;
  const MutableByteView text = MutableByteView(frame).first(box.size() - noise::kTagBytes);
  if (auto outcome = receiving_->cipher.decrypt({}, box, text); !outcome) return outcome;
  count(*receiving_, box.size());
  const auto control = parse_control_frame(text);
  if (!control) return tl::unexpected(control.error());
  if (!*control) return assembler_.add(text);
  handle_control(**control);
  return {};
}

void Session::handle_control(const ControlFrame& control) {
  if (control.flag == kFrameRekey) renew(*receiving_);
  if (control.flag != kFrameGroups) return;
  proofs_of_peer_.assign(control.data.begin(), control.data.end());
  shared_changed_ = true;
}

void Session::on_groups_changed() {
  if (phase_ != Phase::kOpen) return;
  proofs_due_ = true;
  shared_changed_ = true;
}

std::optional<std::vector<Id>> Session::take_shared_groups() {
  if (!std::exchange(shared_changed_, false) || groups_ == nullptr) return std::nullopt;
  const noise::Role peer =
      role_ == noise::Role::kInitiator ? noise::Role::kResponder : noise::Role::kInitiator;
  std::vector<Id> shared = groups_->proven(proofs_of_peer_, peer, handshake_hash_);
  if (shared == shared_) return std::nullopt;
  shared_ = std::move(shared);
  return shared_;
}

void Session::renew(Direction& direction) {
  direction.cipher.rekey();
  direction.frames = 0;
  direction.bytes = 0;
}

void Session::count(Direction& direction, std::size_t bytes) const {
  ++direction.frames;
  direction.bytes += bytes;
  if (direction.frames >= limits_.rekey_frames || direction.bytes >= limits_.rekey_bytes) renew(direction);
}

Result<void> Session::send(std::uint32_t stream, Bytes message) {
  if (phase_ == Phase::kFailed) return fail(ErrorCode::kNotConnected, "the session has failed");
  if (finishing_) return fail(ErrorCode::kNotConnected, "the session is finishing");
  return queue_.push(stream, std::move(message));
}

ByteView Session::outgoing() {
  if (phase_ == Phase::kFailed) return {};
  if (phase_ == Phase::kOpen && outgoing_.size() - consumed_ < kSealedAheadMin) seal_queued();
  return ByteView(outgoing_).subspan(consumed_);
}

void Session::consumed(std::size_t n) {
  check(n <= outgoing_.size() - consumed_);
  consumed_ += n;
  if (consumed_ < outgoing_.size()) return;
  consumed_ = 0;
  outgoing_.clear();
  if (queue_.empty() && outgoing_.capacity() > kIdleBytesMax) Bytes().swap(outgoing_);
}

void Session::seal_queued() {
  outgoing_.erase(outgoing_.begin(), outgoing_.begin() + static_cast<std::ptrdiff_t>(consumed_));
  consumed_ = 0;
  if (!finish_sealed_) seal_due_controls();
  while (!queue_.empty() && outgoing_.size() < kSealedAheadMax) {
    seal_frame([this] { queue_.pop(outgoing_); });
  }
  if (queue_.empty() && finishing_ && !finish_sealed_) {
    finish_sealed_ = true;
    seal_frame([this] { append_finish_frame(outgoing_); });
  }
}

void Session::seal_due_controls() {
  if (std::exchange(proofs_due_, false)) {
    const Bytes proofs = groups_ == nullptr ? SessionGroups().proofs(role_, handshake_hash_, rng_)
                                            : groups_->proofs(role_, handshake_hash_, rng_);
    seal_control(kFrameGroups, proofs);
  }
  if (std::exchange(keep_alive_, false)) seal_control(kFrameKeepAlive);
  if (std::exchange(rekey_, false)) {
    seal_control(kFrameRekey);
    renew(*sending_);
  }
}

void Session::seal_control(std::uint8_t flag, ByteView data) {
  seal_frame([&] { append_control_frame(flag, data, outgoing_); });
}

// The frame is encrypted where it was appended.
template <class AppendFrame>
void Session::seal_frame(AppendFrame append_frame) {
  const std::size_t start = outgoing_.size();
  outgoing_.resize(start + kLengthBytes);
  append_frame();
  outgoing_.resize(outgoing_.size() + noise::kTagBytes);
  const MutableByteView box = MutableByteView(outgoing_).subspan(start + kLengthBytes);
  put_length(box.size(), outgoing_.data() + start);
  const auto outcome = sending_->cipher.encrypt({}, box);
  check(outcome.has_value(), "a session of 2^64 frames");
  count(*sending_, box.size());
}

}  // namespace shoal
