// Noise handshakes (Noise Protocol Framework, revision 34, §5), interpreted from the tokens of their pattern:
// another protocol costs a line of a table. After the last message, split() gives the two transport ciphers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "node/base/bytes.h"
#include "node/base/result.h"
#include "node/secure/cipher_state.h"
#include "node/secure/noise_protocol.h"

namespace shoal::noise {

inline constexpr std::size_t kHashBytes = 64;  // BLAKE2b-512
inline constexpr std::size_t kMessageBytesMax = 65'535;
using Hash = std::array<std::uint8_t, kHashBytes>;

struct DhKeyPair {
  Key secret{};
  Key public_key{};
  static DhKeyPair from_secret(const Key& secret);
};

struct HandshakeOptions {
  Protocol protocol;
  Role role = Role::kInitiator;
  Bytes prologue;
  DhKeyPair ephemeral;                  // fresh from a random secret, and used for this handshake only
  std::optional<DhKeyPair> own_static;  // where the pattern needs one
  std::optional<Key> remote_static;     // where the pattern has it known beforehand
  std::vector<Key> psks;                // in the order of their tokens
  bool psks_later = false;              // set_psks() gives them, before their first token comes
};

// §5.2: the chaining key and hash that a handshake mixes everything into.
class SymmetricState {
 public:
  explicit SymmetricState(std::string_view protocol_name);
  SymmetricState(const SymmetricState&) = default;
  SymmetricState& operator=(const SymmetricState&) = default;
  ~SymmetricState();

  void mix_key(ByteView input);
  void mix_hash(ByteView input);
  void mix_key_and_hash(ByteView input);
  // Appends `text`, encrypted once there is a key.
  Result<void> encrypt_and_hash(ByteView text, Bytes& out);
  // Appends the text of `box`.
  Result<void> decrypt_and_hash(ByteView box, Bytes& out);
  // What encryption adds to a text at this point.
  std::size_t overhead_bytes() const { return cipher_ ? kTagBytes : 0; }
  const Hash& hash() const { return hash_; }
  // From the initiator, from the responder.
  std::pair<CipherState, CipherState> split() const;

 private:
  Hash chaining_key_;
  Hash hash_;
  std::optional<CipherState> cipher_;
};

// §5.3. The caller alternates write_message and read_message as our_turn() says until finished(). After any
// error the handshake is over: it must not be used again.
class HandshakeState {
 public:
  // Error kInvalidArgument: the pattern needs a key that the options lack, or another number of psks.
  static Result<HandshakeState> start(HandshakeOptions options);
  HandshakeState(const HandshakeState&) = default;
  HandshakeState& operator=(const HandshakeState&) = default;
  ~HandshakeState();

  bool finished() const { return next_ == protocol_.messages.size(); }
  bool our_turn() const;

  // Appends the next message, which carries `payload`. Precondition: our_turn(). Errors: kTooLarge (over
  // kMessageBytesMax), kMalformed (an agreement that gives zero).
  Result<void> write_message(ByteView payload, Bytes& out);
  // Appends the payload of the next message. Precondition: !our_turn() && !finished(). Errors: kMalformed
  // (too short, too long, an agreement that gives zero), kBadSignature (does not verify).
  Result<void> read_message(ByteView message, Bytes& payload);

  // Where the first messages tell which keys are meant. Preconditions: started with psks_later; as many as
  // the pattern has tokens; none of these tokens has come yet.
  void set_psks(std::vector<Key> psks);

  // Over all that was exchanged; at the end the same on both sides and nowhere else.
  const Hash& hash() const { return symmetric_.hash(); }
  const std::optional<Key>& remote_static() const { return remote_static_; }

  struct Transport {
    CipherState sending;
    CipherState receiving;
  };
  // Precondition: finished().
  Transport split() const;

 private:
  explicit HandshakeState(HandshakeOptions options);
  Result<void> write_token(Token token, Bytes& out);
  Result<void> read_token(Token token, ByteView& rest);
  // The tokens that send nothing.
  Result<void> mix_token(Token token);
  Result<void> mix_agreement(const DhKeyPair& own, const std::optional<Key>& remote);
  void mix_ephemeral(const Key& ephemeral);

  Protocol protocol_;
  Role role_;
  SymmetricState symmetric_;
  DhKeyPair ephemeral_;
  std::optional<DhKeyPair> static_;
  std::optional<Key> remote_ephemeral_;
  std::optional<Key> remote_static_;
  std::vector<Key> psks_;
  std::size_t next_psk_ = 0;
  std::size_t next_ = 0;  // index of the next message
  bool failed_ = false;
};

}  // namespace shoal::noise
