#include "node/secure/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "node/base/check.h"
#include "node/secure/noise.h"

namespace shoal {
namespace {

constexpr std::string_view kProtocolName = "Noise_XX_25519_ChaChaPoly_BLAKE2b";
constexpr std::string_view kPrologueLabel = "shoal session 1";
constexpr std::string_view kHostLabel = "shoal session host 1";

constexpr std::size_t kLengthBytes = 2;
constexpr std::size_t kIntroductionBytes = kIdBytes + wire::kSignatureBytes;
constexpr std::size_t kSealedKeyBytes = noise::kKeyBytes + noise::kTagBytes;
constexpr std::size_t kSealedIntroductionBytes = kIntroductionBytes + noise::kTagBytes;
constexpr std::size_t kMessage1Bytes = noise::kKeyBytes;
constexpr std::size_t kMessage2Bytes = noise::kKeyBytes + kSealedKeyBytes + kSealedIntroductionBytes;
constexpr std::size_t kMessage3Bytes = kSealedKeyBytes + kSealedIntroductionBytes;

// Frames are encrypted as late as the stream can take them, so that a new message need not wait behind much.
constexpr std::size_t kSealedAheadMin = 16 * 1024;
constexpr std::size_t kSealedAheadMax = 64 * 1024;
constexpr std::size_t kIdleBytesMax = 2 * 1024;  // kept of that buffer while there is nothing to send

noise::HandshakeState start_handshake(noise::Role role, const KeyPair& self, Rng& rng) {
  noise::HandshakeOptions options;
  options.protocol = *noise::parse_protocol(kProtocolName);
  options.role = role;
  options.prologue.assign(kPrologueLabel.begin(), kPrologueLabel.end());
  options.prologue.insert(options.prologue.end(), kProtocolName.begin(), kProtocolName.end());
  options.ephemeral = noise::DhKeyPair::from_secret(rng.seed());
  options.own_static = noise::DhKeyPair{self.x25519_secret(), self.x25519_public()};
  return *noise::HandshakeState::start(std::move(options));
}

void put_length(std::size_t length, std::uint8_t* at) {
  at[0] = static_cast<std::uint8_t>(length >> 8);
  at[1] = static_cast<std::uint8_t>(length);
}

}  // namespace

struct Session::Handshake {
  noise::HandshakeState state;
  KeyPair self;
  std::optional<Id> expected_peer;
};

Session::Session(noise::Role role, const KeyPair& self, std::optional<Id> expected_peer, Rng rng,
                 SessionLimits limits)
    : limits_(limits),
      phase_(role == noise::Role::kInitiator ? Phase::kMessage2 : Phase::kMessage1),
      handshake_(std::make_unique<Handshake>(
          Handshake{start_handshake(role, self, rng), self, std::move(expected_peer)})),
      queue_(limits.queued_bytes_max),
      assembler_(limits.received_bytes_max) {
  if (role == noise::Role::kInitiator) {
    outgoing_.push_back(wire::kProtocolVersion);
    check(write_handshake(false).has_value(), "message 1 agrees on nothing that could fail");
  }
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
      least = most = kMessage1Bytes;
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
  const noise::Hash hash_before = handshake_->state.hash();
  Bytes introduction;
  if (auto outcome = handshake_->state.read_message(message, introduction); !outcome) return outcome;
  if (phase_ == Phase::kMessage1) {
    outgoing_.push_back(wire::kProtocolVersion);
    phase_ = Phase::kMessage3;
    return write_handshake(true);
  }
  if (auto outcome = accept_introduction(introduction, hash_before); !outcome) return outcome;
  if (phase_ == Phase::kMessage2) {
    if (auto outcome = write_handshake(true); !outcome) return outcome;
  }
  open();
  return {};
}

Result<void> Session::accept_introduction(ByteView introduction, ByteView signed_hash) {
  const Id host = Id::from_bytes(introduction.first(kIdBytes));
  wire::Signature signature;
  std::ranges::copy(introduction.subspan(kIdBytes), signature.begin());
  if (host == handshake_->self.public_key()) {
    return fail(ErrorCode::kMalformed, "a session with ourselves");
  }
  if (handshake_->expected_peer && host != *handshake_->expected_peer) {
    return fail(ErrorCode::kBadSignature, fmt::format("a session with host {}, expected {}", host.hex(),
                                                      handshake_->expected_peer->hex()));
  }
  if (to_x25519(host) != handshake_->state.remote_static() ||
      !verify(host, kHostLabel, signed_hash, signature)) {
    return fail(ErrorCode::kBadSignature,
                fmt::format("a session in which host {} does not prove its key", host.hex()));
  }
  peer_ = host;
  return {};
}

Result<void> Session::write_handshake(bool introduce) {
  Bytes introduction;
  if (introduce) {
    const KeyPair& self = handshake_->self;
    const wire::Signature signature = self.sign(kHostLabel, handshake_->state.hash());
    introduction.assign(self.public_key().bytes.begin(), self.public_key().bytes.end());
    introduction.insert(introduction.end(), signature.begin(), signature.end());
  }
  const std::size_t start = outgoing_.size();
  outgoing_.resize(start + kLengthBytes);
  if (auto outcome = handshake_->state.write_message(introduction, outgoing_); !outcome) return outcome;
  put_length(outgoing_.size() - start - kLengthBytes, outgoing_.data() + start);
  return {};
}

void Session::open() {
  const auto transport = handshake_->state.split();
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
  return assembler_.add(text);
}

void Session::count(Direction& direction, std::size_t bytes) const {
  ++direction.frames;
  direction.bytes += bytes;
  if (direction.frames < limits_.rekey_frames && direction.bytes < limits_.rekey_bytes) return;
  direction.cipher.rekey();
  direction.frames = 0;
  direction.bytes = 0;
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
  while (!queue_.empty() && outgoing_.size() < kSealedAheadMax) {
    seal_frame([this] { queue_.pop(outgoing_); });
  }
  if (queue_.empty() && finishing_ && !finish_sealed_) {
    finish_sealed_ = true;
    seal_frame([this] { append_finish_frame(outgoing_); });
  }
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
