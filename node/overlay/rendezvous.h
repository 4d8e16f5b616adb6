// Rendezvous: how hosts of a group find each other in the DHT (DESIGN §5), without telling anybody else which
// group it is, who is in it, or that today's place has to do with yesterday's. Pure functions of the locate
// key.
//
// For each UTC day an Ed25519 key pair, seed = KDF(locate key, "disc-sign" ‖ day): publish items under it lie
// at SHA-256 of its public key, one for each host of the group, under
//   salt = MAC(KDF(locate key, "slot" ‖ day), host key)
// A value is always kValueBytes: nonce 24 | XChaCha20-Poly1305(kTextBytes) under KDF(locate key, "disc-value"
// ‖ day), with public key | salt as associated data. The text, filled up with zeros:
//   version 1 | flags 1 | time ms 8 | host key 32 | number of endpoints 1 | endpoints, 18 each | signature 64
// The signature, by the host's key over "shoal rendezvous 1", day and all before it, is what keeps one member
// from speaking for another. Day: u32, days since the Unix epoch; all integers big-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "node/base/endpoint.h"
#include "node/base/instant.h"
#include "node/base/result.h"
#include "node/base/rng.h"
#include "node/base/utc_day.h"
#include "node/secure/keys.h"
#include "node/secure/secret.h"

namespace shoal {

struct RendezvousRecord {
  static constexpr std::size_t kEndpointsMax = 4;
  Id host;
  WallTime written{};
  bool client = false;  // strangers cannot reach it
  std::vector<Endpoint> endpoints;
  friend bool operator==(const RendezvousRecord&, const RendezvousRecord&) = default;
};

class Rendezvous {
 public:
  using Day = UtcDay;
  static constexpr std::size_t kTextBytes = 256;
  static constexpr std::size_t kValueBytes = 24 + kTextBytes + 16;

  Rendezvous(const Secret& locate_key, Day day);

  // Around midnight, within two hours of it, clocks may not agree on the day: both then.
  static std::vector<Day> days_at(WallTime now) { return utc_days_at(now); }

  Day day() const { return day_; }
  const KeyPair& signing_key() const { return signing_key_; }
  Bytes salt_of(const Id& host) const;

  // Precondition: at most kEndpointsMax endpoints. `host` signs, and its public key is the record's host.
  Bytes seal(const RendezvousRecord& record, const KeyPair& host, Rng& rng) const;
  // Errors: kMalformed, kBadSignature (not sealed under this day's key for this salt, not signed by its host,
  // or its host does not own the salt).
  Result<RendezvousRecord> open(ByteView salt, ByteView value) const;

 private:
  Bytes associated(ByteView salt) const;
  Bytes signed_part(ByteView text) const;

  Day day_;
  KeyPair signing_key_;
  Secret slot_key_;
  Secret value_key_;
};

}  // namespace shoal
