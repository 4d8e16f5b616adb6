// The messages of the protocol as plain values: what codec.h makes of bytes and back. shoal.proto is their
// specification.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "node/base/bytes.h"
#include "node/base/contact.h"
#include "node/base/id.h"
#include "node/base/instant.h"
#include "node/base/result.h"
#include "node/ports/item_store.h"

namespace shoal::wire {

inline constexpr std::uint8_t kProtocolVersion = 1;
inline constexpr std::size_t kTokenBytes = 16;
inline constexpr std::size_t kSignatureBytes = 64;
inline constexpr std::size_t kEndpointBytes = 18;
inline constexpr std::size_t kContactBytes = kIdBytes + kEndpointBytes;
inline constexpr std::size_t kContactsMax = 20;
inline constexpr std::size_t kItemsPerPageMax = 64;
inline constexpr std::size_t kSaltBytesMax = 64;
inline constexpr std::size_t kValueBytesMax = 65'536;
// A whole message by session: the largest value and what surrounds it.
inline constexpr std::size_t kMessageBytesMax = kValueBytesMax + 1'024;

using Token = std::array<std::uint8_t, kTokenBytes>;
using Signature = std::array<std::uint8_t, kSignatureBytes>;

struct Ping {};
struct Done {};

struct StoreHost {
  Contact contact;
};

struct FindHost {
  Id target;
};

struct Contacts {
  std::vector<Contact> contacts;  // nearest first, at most kContactsMax
};

struct ShutdownHost {
  Bytes signed_part;
  Signature signature{};
};

struct GetNextConnection {
  Id target;
};

struct NextConnection {
  std::optional<Contact> contact;  // nothing: the answering host itself
};

struct Item {
  ItemKind kind = ItemKind::kHash;
  Bytes body;
};

struct StoreItem {
  Item item;
  std::optional<std::uint64_t> expected_sequence;
  WallTime expires{};  // hash items only; WallTime{}: the holder decides
};

struct GetItem {
  ItemName name;  // with `all`: records with salts greater than name.salt
  bool all = false;
  std::uint64_t sequence_min = 0;
  bool renewing = false;
};

struct Items {
  std::vector<Item> items;
  std::vector<Contact> contacts;
  std::uint32_t by_session_bytes = 0;
  std::uint64_t held_sequence = 0;
  bool more = false;
};

struct Refusal {
  ErrorCode code = ErrorCode::kNone;
  std::uint64_t sequence = 0;
};

using RequestBody =
    std::variant<Ping, StoreHost, FindHost, ShutdownHost, GetNextConnection, StoreItem, GetItem>;
using ResponseBody = std::variant<Done, Contacts, NextConnection, Items, Refusal>;

// Index into RequestBody, for counters and traces.
enum class RequestKind : std::uint8_t {
  kPing,
  kStoreHost,
  kFindHost,
  kShutdownHost,
  kGetNextConnection,
  kStoreItem,
  kGetItem
};
inline constexpr std::size_t kRequestKinds = std::variant_size_v<RequestBody>;
const char* to_string(RequestKind kind);  // "ping", "store_host", …

struct Request {
  std::uint64_t id = 0;
  std::optional<Token> token;
  bool client = false;
  std::uint16_t padding_bytes = 0;
  RequestBody body;

  RequestKind kind() const { return static_cast<RequestKind>(body.index()); }
};

struct Response {
  std::uint64_t id = 0;
  std::optional<Token> token;
  std::optional<Endpoint> observed;
  ResponseBody body;
};

using Message = std::variant<Request, Response>;

}  // namespace shoal::wire
