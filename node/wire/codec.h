// Bytes <-> messages. Decoding checks every length and bound of shoal.proto and fails in no other way than
// kMalformed and kUnsupported.
//
// What goes by datagram and what by session: a message of at most kDatagramMessageBytesMax fits one sealed
// datagram. An item whose body is at most kStoreBodyInDatagramMax (kGetBodyInDatagramMax) can always be
// stored (be answered) by datagram; beside an item, contacts_in_datagram() contacts still fit. In values: a
// hash item of up to 1,104 (1,078) bytes, a publish item of up to 991 (965) bytes less its salt.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "node/base/bytes.h"
#include "node/base/result.h"
#include "node/wire/messages.h"
#include "node/wire/packed.h"

namespace shoal::wire {

// Appends to `out`. Encoding is deterministic: fields in order of number. The message keeps the bounds of
// shoal.proto, or its receiver refuses it. A Refusal whose code does not go on the wire is sent as kBusy.
void encode(const Message& message, Bytes& out);
inline Bytes encode(const Message& message) {
  Bytes out;
  encode(message, out);
  return out;
}

// encode(message).size()
std::size_t encoded_size(const Message& message);

// `bytes` is one whole message, at most kMessageBytesMax. Errors: kMalformed, with the field that broke a
// bound; kUnsupported for a well-formed request whose body this version does not know. A refusal for a reason
// that this version does not know reads as kUnsupported.
Result<Message> decode(ByteView bytes);

// The id of a request that decode() found kUnsupported, so that it can be refused; nothing for anything that
// is not a well-formed request.
std::optional<std::uint64_t> request_id(ByteView bytes);

// The padding_bytes with which `request` (whose own padding_bytes are not looked at) is encoded in exactly
// `size` bytes; 0 when it is as long without. Where a length field grows and no padding gives exactly `size`,
// the request becomes one byte longer; never for a find and kPaddedFindBytes.
std::uint16_t padding_for(const Request& request, std::size_t size);

// A sealed datagram (kDatagramBytesMax) less the seal (kSealOverheadBytes).
inline constexpr std::size_t kDatagramMessageBytesMax = 1159;
// A find without a token, so that its sealed datagram has 416 bytes: a third of the fullest answer and of a
// ping that verifies its sender (Rpc::response_bytes_max).
inline constexpr std::size_t kPaddedFindBytes = 343;

namespace detail {
inline constexpr std::size_t kEnvelopeBytes = 3 + 9;              // Message, id
inline constexpr std::size_t kTokenFieldBytes = 2 + kTokenBytes;  // tag, length, value
inline constexpr std::size_t kObservedFieldBytes = 2 + kEndpointBytes;
inline constexpr std::size_t kTimeFieldBytes = 1 + 5;
inline constexpr std::size_t kClientFieldBytes = 1 + 1;
inline constexpr std::size_t kItemFieldsBytes = (1 + 2) + 2 + (1 + 2);             // Item, kind, body
inline constexpr std::size_t kStoreFieldsBytes = (2 + 2) + kItemFieldsBytes + 11;  // and expected_sequence
inline constexpr std::size_t kItemsFieldsBytes =
    (2 + 2) + kItemFieldsBytes + 6 + 2 + 11;  // and by_session_bytes, more, held_sequence
inline constexpr std::size_t kItemsAroundBytes = kEnvelopeBytes + kTokenFieldBytes + kObservedFieldBytes +
                                                 kTimeFieldBytes + kClientFieldBytes + kItemsFieldsBytes;
}  // namespace detail

// The longest ping: with token and `client`; its own length takes one byte.
inline constexpr std::size_t kPingBytesMax =
    detail::kEnvelopeBytes - 1 + detail::kTokenFieldBytes + detail::kClientFieldBytes + 3;

// The longest body of one item in a StoreItem with token, `client` and either expected_sequence or expires …
inline constexpr std::size_t kStoreBodyInDatagramMax = kDatagramMessageBytesMax - detail::kEnvelopeBytes -
                                                       detail::kTokenFieldBytes - 2 -
                                                       detail::kStoreFieldsBytes;
// … and in an Items with token, observed endpoint, time and `client`, without contacts.
inline constexpr std::size_t kGetBodyInDatagramMax = kDatagramMessageBytesMax - detail::kItemsAroundBytes;

// How many contacts fit an Items by datagram beside one item (or none: body_bytes 0).
constexpr std::size_t contacts_in_datagram(std::size_t body_bytes) {
  const std::size_t used = detail::kItemsAroundBytes + body_bytes + (1 + 2);
  if (used >= kDatagramMessageBytesMax) return 0;
  return std::min(kContactsMax, (kDatagramMessageBytesMax - used) / kContactBytes);
}

}  // namespace shoal::wire
