#include "node/dht/item.h"

#include <fmt/format.h>

#include <algorithm>

#include "node/base/big_endian.h"
#include "node/base/check.h"
#include "node/wire/codec.h"

namespace shoal {
namespace {

using wire::kEndpointBytes;
using wire::kItemLayoutBytes;
using wire::kSaltBytesMax;
using wire::kSignatureBytes;
using wire::kValueBytesMax;

constexpr std::string_view kPublishLabel = "shoal publish item 1";
constexpr std::string_view kConnectionLabel = "shoal connection item 1";

// What publish and connection items have in common; the views are into the body.
struct SignedLayout {
  wire::Signature signature{};
  ByteView signed_part;
  Id key;
  std::uint64_t sequence = 0;
  WallTime expires{};
  std::size_t count = 0;  // bytes of salt, or endpoints
  ByteView rest;          // from the salt or the first endpoint on
};

// As SignedLayout, with `rest` taken apart.
struct PublishLayout {
  SignedLayout head;
  ByteView salt;
  ByteView value;
};

tl::unexpected<Error> malformed(std::string_view field, std::uint64_t found, std::string_view expected) {
  return fail(ErrorCode::kMalformed, fmt::format("{}: found {}, expected {}", field, found, expected));
}

Result<SignedLayout> read_layout(ByteView body) {
  if (body.size() < kItemLayoutBytes) return malformed("item.body", body.size(), "at least 113 bytes");
  SignedLayout layout;
  std::copy_n(body.begin(), kSignatureBytes, layout.signature.begin());
  layout.signed_part = body.subspan(kSignatureBytes);
  layout.key = Id::from_bytes(layout.signed_part.first(kIdBytes));
  const ByteView numbers = layout.signed_part.subspan(kIdBytes);
  layout.sequence = read_u64(numbers);
  const std::uint64_t expires_ms = read_u64(numbers.subspan(8));
  if (expires_ms > wire::kExpiresMsMax) return malformed("item.expires", expires_ms, "less than 2^43");
  layout.expires = WallTime(std::chrono::milliseconds(expires_ms));
  layout.count = numbers[16];
  layout.rest = body.subspan(kItemLayoutBytes);
  return layout;
}

Result<PublishLayout> read_publish_layout(ByteView body) {
  const Result<SignedLayout> head = read_layout(body);
  if (!head) return tl::unexpected(head.error());
  const std::size_t salt_bytes = head->count;
  if (salt_bytes > kSaltBytesMax || salt_bytes > head->rest.size()) {
    return malformed("publish_item.salt", salt_bytes, "at most 64 bytes, within the body");
  }
  const std::size_t value_bytes = head->rest.size() - salt_bytes;
  if (value_bytes > kValueBytesMax)
    return malformed("publish_item.value", value_bytes, "at most 65536 bytes");
  return PublishLayout{*head, head->rest.first(salt_bytes), head->rest.subspan(salt_bytes)};
}

Result<SignedLayout> read_connection_layout(ByteView body) {
  Result<SignedLayout> layout = read_layout(body);
  if (!layout) return layout;
  if (layout->count < 1 || layout->count > kItemEndpointsMax) {
    return malformed("connection_item.count", layout->count, "1 to 8 endpoints");
  }
  if (layout->rest.size() != layout->count * kEndpointBytes) {
    return malformed("connection_item.endpoints", layout->rest.size(), "18 bytes for each endpoint");
  }
  for (std::size_t i = 0; i < layout->count; ++i) {
    const Endpoint endpoint = wire::read_endpoint(layout->rest.subspan(i * kEndpointBytes, kEndpointBytes));
    if (!wire::is_unicast(endpoint)) {
      return fail(ErrorCode::kMalformed,
                  fmt::format("connection_item.endpoints: found {}, expected a unicast "
                              "endpoint",
                              endpoint.to_string()));
    }
  }
  return layout;
}

// The body up to and with `count`; the signature is still to come.
Bytes begin_body(const KeyPair& keys, std::uint64_t sequence, WallTime expires, std::size_t count,
                 std::size_t rest_bytes) {
  const auto expires_ms = static_cast<std::uint64_t>(expires.time_since_epoch().count());
  check(expires_ms <= wire::kExpiresMsMax, "expiry of an item");
  Bytes body;
  body.reserve(kItemLayoutBytes + rest_bytes);
  body.resize(kSignatureBytes);
  body.insert(body.end(), keys.public_key().bytes.begin(), keys.public_key().bytes.end());
  append_u64(sequence, body);
  append_u64(expires_ms, body);
  body.push_back(static_cast<std::uint8_t>(count));
  return body;
}

void sign_body(const KeyPair& keys, std::string_view label, Bytes& body) {
  const wire::Signature signature = keys.sign(label, ByteView(body).subspan(kSignatureBytes));
  std::copy(signature.begin(), signature.end(), body.begin());
}

Result<ItemHeader> verify_layout(const SignedLayout& layout, std::string_view label, ItemName name,
                                 std::size_t body_bytes) {
  if (!verify(layout.key, label, layout.signed_part, layout.signature)) {
    return fail(ErrorCode::kBadSignature,
                fmt::format("an item of {} whose signature is not that key's", layout.key.hex()));
  }
  return ItemHeader{std::move(name), layout.sequence, layout.expires, static_cast<std::uint32_t>(body_bytes)};
}

Result<ItemHeader> verify_hash_item(ByteView body) {
  if (body.size() > kValueBytesMax) return malformed("hash_item.value", body.size(), "at most 65536 bytes");
  return ItemHeader{
      {hash_item_location(body), ItemKind::kHash, {}}, 0, {}, static_cast<std::uint32_t>(body.size())};
}

Result<ItemHeader> verify_publish_item(ByteView body) {
  const Result<PublishLayout> layout = read_publish_layout(body);
  if (!layout) return tl::unexpected(layout.error());
  ItemName name{publish_item_location(layout->head.key), ItemKind::kPublish,
                Bytes(layout->salt.begin(), layout->salt.end())};
  return verify_layout(layout->head, kPublishLabel, std::move(name), body.size());
}

Result<ItemHeader> verify_connection_item(ByteView body) {
  const Result<SignedLayout> layout = read_connection_layout(body);
  if (!layout) return tl::unexpected(layout.error());
  return verify_layout(*layout, kConnectionLabel, {layout->key, ItemKind::kConnection, {}}, body.size());
}

}  // namespace

Id hash_item_location(ByteView value) {
  return sha256(value);
}

Id publish_item_location(const Id& public_key) {
  return sha256(public_key.view());
}

wire::Item make_publish_item(const PublishRecord& record, const KeyPair& keys) {
  check(record.salt.size() <= kSaltBytesMax && record.value.size() <= kValueBytesMax);
  Bytes body = begin_body(keys, record.sequence, record.expires, record.salt.size(),
                          record.salt.size() + record.value.size());
  body.insert(body.end(), record.salt.begin(), record.salt.end());
  body.insert(body.end(), record.value.begin(), record.value.end());
  sign_body(keys, kPublishLabel, body);
  return {ItemKind::kPublish, std::move(body)};
}

wire::Item make_connection_item(const ConnectionRecord& record, const KeyPair& host) {
  check(!record.endpoints.empty() && record.endpoints.size() <= kItemEndpointsMax);
  Bytes body = begin_body(host, record.sequence, record.expires, record.endpoints.size(),
                          record.endpoints.size() * kEndpointBytes);
  for (const Endpoint& endpoint : record.endpoints) {
    check(wire::is_unicast(endpoint));
    wire::append_endpoint(endpoint, body);
  }
  sign_body(host, kConnectionLabel, body);
  return {ItemKind::kConnection, std::move(body)};
}

Result<PublishRecord> read_publish_item(ByteView body) {
  const Result<PublishLayout> layout = read_publish_layout(body);
  if (!layout) return tl::unexpected(layout.error());
  const SignedLayout& head = layout->head;
  return PublishRecord{head.key, head.sequence, head.expires, Bytes(layout->salt.begin(), layout->salt.end()),
                       Bytes(layout->value.begin(), layout->value.end())};
}

Result<ConnectionRecord> read_connection_item(ByteView body) {
  const Result<SignedLayout> layout = read_connection_layout(body);
  if (!layout) return tl::unexpected(layout.error());
  ConnectionRecord record{layout->key, layout->sequence, layout->expires, {}};
  for (std::size_t i = 0; i < layout->count; ++i) {
    record.endpoints.push_back(wire::read_endpoint(layout->rest.subspan(i * kEndpointBytes, kEndpointBytes)));
  }
  return record;
}

Result<ItemHeader> verify_item(const wire::Item& item) {
  switch (item.kind) {
    case ItemKind::kHash:
      return verify_hash_item(item.body);
    case ItemKind::kPublish:
      return verify_publish_item(item.body);
    case ItemKind::kConnection:
      return verify_connection_item(item.body);
  }
  return malformed("item.kind", static_cast<std::uint64_t>(item.kind), "1, 2 or 3");
}

bool supersedes(const ItemHeader& header, ByteView body, const ItemHeader& held, ByteView held_body) {
  if (header.sequence != held.sequence) return header.sequence > held.sequence;
  if (header.expires != held.expires) return header.expires > held.expires;
  return std::ranges::lexicographical_compare(held_body, body);
}

wire::ItemDigest item_digest(ByteView body) {
  const Id whole = sha256(body);
  wire::ItemDigest digest{};
  std::copy_n(whole.bytes.begin(), digest.size(), digest.begin());
  return digest;
}

}  // namespace shoal
