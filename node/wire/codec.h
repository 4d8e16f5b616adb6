// Bytes <-> messages. Decoding checks every length and bound of shoal.proto before it allocates and never
// fails in any other way than kMalformed.
#pragma once

#include "node/base/bytes.h"
#include "node/base/result.h"
#include "node/wire/messages.h"

namespace shoal::wire {

// Appends to `out`. Encoding is deterministic: fields in order of number.
void encode(const Message& message, Bytes& out);
inline Bytes encode(const Message& message) {
  Bytes out;
  encode(message, out);
  return out;
}

// `bytes` is one whole message, at most kMessageBytesMax. Errors: kMalformed, with the field that broke a
// bound; kUnsupported for a well-formed request whose body this version does not know (error.message holds
// nothing; the request's id is lost, so it is counted and dropped).
Result<Message> decode(ByteView bytes);

// Packed pieces that also stand in items and stores.
void append_endpoint(const Endpoint& endpoint, Bytes& out);
void append_contact(const Contact& contact, Bytes& out);
// Precondition: bytes.size() == kEndpointBytes / kContactBytes.
Endpoint read_endpoint(ByteView bytes);
Contact read_contact(ByteView bytes);

}  // namespace shoal::wire
