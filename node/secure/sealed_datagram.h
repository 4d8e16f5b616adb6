// Sealed datagrams: every packet between hosts is authenticated and encrypted under the two host keys,
// without a handshake.
//
//   version 1 | sender's host key 32 | nonce 24 | XChaCha20-Poly1305(payload) + 16
//
// key = BLAKE2b-256(X25519(sender, receiver) | sender's key | receiver's key, keyed by "shoal datagram 1"),
// one for each direction. Associated data: version | sender's key | receiver's key. The binding to the
// Ed25519 keys matters: flipping the sign bit of one gives the same X25519 key.
//
// Cost on one core of a small server: sealing or opening under a cached pair 0.6 us for 100 bytes and 1.4 us
// for 1,200; the first datagram to or from a host some 75 us more, for the conversion of its key and the
// agreement.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "node/base/bytes.h"
#include "node/base/id.h"
#include "node/base/result.h"
#include "node/base/rng.h"
#include "node/secure/keys.h"

namespace shoal {

inline constexpr std::size_t kNonceBytes = 24;
inline constexpr std::size_t kSealTagBytes = 16;
inline constexpr std::size_t kSealHeaderBytes = 1 + kIdBytes + kNonceBytes;
inline constexpr std::size_t kSealOverheadBytes = kSealHeaderBytes + kSealTagBytes;

// What a datagram says of its sender before anything is verified; nothing when it is too short or of another
// version.
std::optional<Id> peek_sender(ByteView datagram);

class DatagramCipher {
 public:
  // May the keys shared with a host that is not in the cache enter it?
  enum class Admission : std::uint8_t { kAdmit, kPass };

  virtual ~DatagramCipher() = default;
  // Appends the sealed datagram to `out`, encrypting in place; `payload` must not lie in `out`. Error
  // kMalformed when `to` is no valid key (or is our own); `out` is then as it was.
  virtual Result<void> seal(const Id& to, ByteView payload, Bytes& out,
                            Admission admission = Admission::kAdmit) = 0;
  struct Opened {
    Id sender;
    Bytes payload;
  };
  // Errors: kMalformed (short, other version, invalid key, from ourselves), kBadSignature (does not verify).
  virtual Result<Opened> open(ByteView datagram, Admission admission = Admission::kAdmit) = 0;
  // Would opening a datagram from this host need no key agreement (about 60 us)?
  virtual bool knows(const Id& host) const = 0;
  // It is a contact or a peer of ours: strangers do not push its keys out of the cache.
  virtual void keep(const Id& /*host*/) {}
  // Hosts whose keys are kept.
  virtual std::size_t pairs() const { return 0; }
};

// The cipher above. Keys of at most `cached_pairs_max` hosts are kept, least recently used out first; a host
// enters by a datagram that we seal for it or that verifies, so that forged ones push nobody out. Three
// quarters of the places are left to hosts of keep(). About 200 bytes while no pair is known.
std::unique_ptr<DatagramCipher> make_real_cipher(const KeyPair& self, Rng rng, std::size_t cached_pairs_max);

// A cipher of the same sizes and refusals for very large simulations: the nonce zero, the payload in clear,
// the tag a 64-bit checksum over sender, receiver and payload. Any single damaged byte is noticed, and any
// other damage that chance makes; but it protects nothing, and does not ask whether a key is a point of the
// curve, so that simulated hosts may have any ids. It knows every host. Only a scenario may choose it.
std::unique_ptr<DatagramCipher> make_modelled_cipher(const Id& self);

}  // namespace shoal
