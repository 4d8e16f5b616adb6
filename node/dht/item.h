// The three DHT values (DESIGN: hash, publish and connection item) and the fixed layouts that their
// signatures cover. All integers big endian. What is signed is carried verbatim; nothing is re-serialised.
//
//   hash item        body = value                       location = SHA-256(value), value of 0 to 65,536 bytes
//   publish item     body = signature 64 | public key 32 | sequence u64 | expires ms u64 | salt length u8
//                           | salt | value              location = SHA-256(public key)
//                    signature over "shoal publish item 1" | the rest of the body
//   connection item  body = signature 64 | host key 32 | sequence u64 | expires ms u64 | count u8
//                           | endpoint 18 …             location = host key; 1 to 8 unicast endpoints
//                    signature over "shoal connection item 1" | the rest of the body
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "node/base/bytes.h"
#include "node/base/endpoint.h"
#include "node/base/id.h"
#include "node/base/instant.h"
#include "node/base/result.h"
#include "node/ports/item_store.h"
#include "node/secure/keys.h"
#include "node/wire/messages.h"

namespace shoal {

inline constexpr std::size_t kItemEndpointsMax = 8;
// An expiry further ahead than this is refused.
inline constexpr Duration kItemLifetimeMax = std::chrono::hours(24 * 7);

struct PublishRecord {
  Id public_key;
  std::uint64_t sequence = 0;
  WallTime expires{};
  Bytes salt;
  Bytes value;
};

struct ConnectionRecord {
  Id host;
  std::uint64_t sequence = 0;
  WallTime expires{};
  std::vector<Endpoint> endpoints;
};

Id hash_item_location(ByteView value);           // SHA-256
Id publish_item_location(const Id& public_key);  // SHA-256

// The key in the record is not read: the item carries that of the key pair. Precondition: salt, value,
// endpoints and expiry (wire::kExpiresMsMax) within their bounds.
wire::Item make_publish_item(const PublishRecord& record, const KeyPair& keys);
wire::Item make_connection_item(const ConnectionRecord& record, const KeyPair& host);

// Reads the layout and its bounds, not the signature; whether it has expired is for the caller's clock to
// say. Error kMalformed.
Result<PublishRecord> read_publish_item(ByteView body);
Result<ConnectionRecord> read_connection_item(ByteView body);

// Checks an item from the network whole: layout, bounds, signature. The header's expiry is the record's own;
// for a hash item, which has none, it is WallTime{} and the holder sets it. Errors kMalformed, kBadSignature.
// A signature costs about 35 us to verify, so what is held already is better compared than verified again.
Result<ItemHeader> verify_item(const wire::Item& item);

// Of two items of one name, which one counts: the higher sequence number, then the later expiry, then the
// greater body. A total order, so that all hosts come to hold the same one, whatever they got first (IPNS
// orders its records so).
bool supersedes(const ItemHeader& header, ByteView body, const ItemHeader& held, ByteView held_body);
wire::ItemDigest item_digest(ByteView body);
// One more, or the highest there is: then a later expiry still supersedes.
constexpr std::uint64_t next_sequence(std::uint64_t sequence) {
  return sequence == UINT64_MAX ? sequence : sequence + 1;
}

}  // namespace shoal
