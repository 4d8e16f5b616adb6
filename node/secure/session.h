// Session: messages between two hosts over one reliable byte stream, encrypted and authenticated under both
// host keys. Sans-IO: the caller carries bytes between a stream and receive() / outgoing().
//
//   initiator:  constructed ──► kMessage2 ──► kOpen
//   responder:  constructed ──► kMessage1 ──► kMessage3 ──► kOpen          any ──error──► kFailed
//
// On the stream each side sends one byte, wire::kProtocolVersion, and then records: length 2 (big-endian) | a
// Noise message. The first three are the handshake, under the X25519 forms of the host keys, with the
// prologue "shoal session 1" | the name of its protocol, which message 1 tells by its length:
//   32 bytes, without a payload: Noise_XX_25519_ChaChaPoly_BLAKE2b, between any two hosts;
//   68 bytes, with an invitation (session_groups.h): Noise_XXpsk3_25519_ChaChaPoly_BLAKE2b, between peers. An
//   invitation that the responder does not accept is an error there: the caller drops it unanswered.
// Messages 2 and 3 carry, encrypted, the sender's Ed25519 host key and its signature over "shoal session host
// 1" | the handshake hash as it stood before that message: two Ed25519 keys, of either sign, have one X25519
// form, and the signature tells which it is. Every later record is one frame (frames.h); the first of each
// side are its proofs of groups.
//
// A direction's key is renewed (Noise §4.2) after 2^16 frames or 1 GiB of it, which both sides count, and
// when its sender says so. A stream that ends without finished_by_peer() was cut: what came before it is
// whole and authentic, but there may have been more.
//
// Cost on one core of a small server: the handshake 0.3 ms a side; then 6 us a side for a frame of 16 KiB and
// 0.9 us for one of 100 bytes. Memory: 3 KiB when idle, and up to 1 + 0.5 + 1 MiB of messages queued, in
// parts, and not yet taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "node/base/bytes.h"
#include "node/base/id.h"
#include "node/base/result.h"
#include "node/base/rng.h"
#include "node/secure/cipher_state.h"
#include "node/secure/frames.h"
#include "node/secure/keys.h"
#include "node/secure/noise_protocol.h"
#include "node/secure/session_groups.h"

namespace shoal {

struct SessionLimits {
  std::size_t queued_bytes_max = 1 << 20;    // handed to send() and not yet encrypted
  std::size_t received_bytes_max = 1 << 20;  // whole messages not yet taken by next_message()
  // Both sides must have the same.
  std::uint64_t rekey_frames = 1 << 16;
  std::uint64_t rekey_bytes = 1 << 30;
};

struct SessionOptions {
  noise::Role role = noise::Role::kInitiator;
  // The only host key to accept; nothing accepts any. An initiator aborts before it has shown its own key to
  // anybody else.
  std::optional<Id> expected_peer = {};
  // This host's groups, which outlive the session; nullptr: it is in none.
  SessionGroups* groups = nullptr;
  // Initiator: the group to name in message 1, one of `groups`. Needs expected_peer.
  std::optional<Id> group = {};
  WallTime now{};    // the minute of an invitation
  WallTime since{};  // responder: `groups` remember the invitations they accepted since then
  SessionLimits limits = {};
};

class Session {
 public:
  // `rng` gives the ephemeral key, and what proofs are filled up with.
  Session(const KeyPair& self, const SessionOptions& options, Rng rng);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Takes bytes of the stream, in pieces of any size up to 64 KiB; then take all of next_message(). After any
  // error the session is dead and the caller resets the stream: kMalformed, kBadSignature, kTooLarge; kBusy
  // when messages were left untaken; kUnsupported for another protocol version.
  Result<void> receive(ByteView from_stream);
  std::optional<SessionMessage> next_message() { return assembler_.next(); }

  // Queues a message on a stream, a number that means something to the caller alone. Messages of one stream
  // arrive in order; streams share the session in turns. Allowed before established(). Errors: kBusy (over
  // queued_bytes_max), kTooLarge (over wire::kMessageBytesMax), kNotConnected (after finish() or an error).
  Result<void> send(std::uint32_t stream, Bytes message);
  // Would send() take a message of this size now?
  bool has_room(std::size_t bytes) const {
    return queue_.queued_bytes() + bytes + kQueuedMessageOverheadBytes <= limits_.queued_bytes_max;
  }
  // Sends nothing more after what is queued, and says so to the other side. Once outgoing() is empty then,
  // the stream may be closed for writing.
  void finish() { finishing_ = true; }
  bool finished_by_peer() const { return assembler_.finished(); }

  // What to write to the stream next; empty when there is nothing. Valid until the next call of outgoing() or
  // receive(). After writing `n` bytes of it, consumed(n).
  ByteView outgoing();
  void consumed(std::size_t n);

  // The other side is who it says, and messages can arrive.
  bool established() const { return phase_ == Phase::kOpen; }
  // Precondition: established().
  const Id& peer() const;

  // The groups that both sides have proved to be in, sorted; nothing when they are as at the last call. Only
  // a host that knows the group's key can be in here: these proofs also confirm the psk of the handshake.
  std::optional<std::vector<Id>> take_shared_groups();
  // Our groups have changed: proves them anew.
  void on_groups_changed();
  // Sends an empty frame, or the next key for our direction from now on. Precondition: established().
  void keep_alive() { keep_alive_ = true; }
  void rekey() { rekey_ = true; }

 private:
  enum class Phase : std::uint8_t { kMessage1, kMessage2, kMessage3, kOpen, kFailed };
  struct Handshake;
  struct Direction {
    noise::CipherState cipher;
    std::uint64_t frames = 0;  // under the present key
    std::uint64_t bytes = 0;
  };

  Result<void> receive_records(ByteView bytes);
  Result<void> check_length(std::size_t length) const;
  Result<void> handle_record(ByteView record);
  Result<void> handle_handshake(ByteView message);
  Result<void> accept_invitation(ByteView invitation, ByteView message);
  Result<void> handle_frame(ByteView box);
  void handle_control(const ControlFrame& control);
  void seal_due_controls();
  void seal_control(std::uint8_t flag, ByteView data = {});
  Result<void> accept_introduction(ByteView introduction, ByteView signed_hash);
  Bytes introduction() const;
  // Appends the next message of the handshake.
  Result<void> write_handshake(ByteView payload);
  void open();
  void seal_queued();
  template <class AppendFrame>
  void seal_frame(AppendFrame append_frame);
  void count(Direction& direction, std::size_t bytes) const;
  static void renew(Direction& direction);

  const SessionLimits limits_;
  const noise::Role role_;
  SessionGroups* const groups_;
  Phase phase_;
  bool version_seen_ = false;
  bool finishing_ = false;
  bool finish_sealed_ = false;
  bool keep_alive_ = false;
  bool rekey_ = false;
  bool proofs_due_ = false;
  bool shared_changed_ = false;
  Id peer_;
  Rng rng_;
  std::unique_ptr<Handshake> handshake_;  // until open
  noise::Hash handshake_hash_{};          // from then on
  Bytes proofs_of_peer_;
  std::vector<Id> shared_;
  std::optional<Direction> sending_;
  std::optional<Direction> receiving_;
  FrameQueue queue_;
  FrameAssembler assembler_;
  Bytes partial_;   // the beginning of a record whose rest has not come
  Bytes outgoing_;  // its first consumed_ bytes are written
  std::size_t consumed_ = 0;
};

}  // namespace shoal
