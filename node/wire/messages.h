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
inline constexpr std::size_t kSignatureBytes = 64;  // Ed25519
inline constexpr std::size_t kEndpointBytes = 18;
inline constexpr std::size_t kContactBytes = kIdBytes + kEndpointBytes;
inline constexpr std::size_t kContactsMax = 20;
inline constexpr std::size_t kItemsPerPageMax = 64;
inline constexpr std::size_t kSaltBytesMax = 64;
inline constexpr std::size_t kValueBytesMax = 65'536;
// What precedes salt and value in a publish item, and the endpoints in a connection item (dht/item.h).
inline constexpr std::size_t kItemLayoutBytes = kSignatureBytes + kIdBytes + 8 + 8 + 1;
// Of an item's body: a publish item with the longest salt and the largest value.
inline constexpr std::size_t kItemBodyBytesMax = kItemLayoutBytes + kSaltBytesMax + kValueBytesMax;
// Of a request: enough for a find of any form, sealed, to fill the datagram of 416 bytes.
inline constexpr std::size_t kPaddingBytesMax = 400;
// host key | boot number | time
inline constexpr std::size_t kShutdownSignedBytes = kIdBytes + 8 + 8;
// Of an item's expiry, ms since the Unix epoch: the year 2248, so that nanoseconds do not overflow.
inline constexpr std::uint64_t kExpiresMsMax = (std::uint64_t{1} << 43) - 1;
// A whole message by session: the largest value and what surrounds it.
inline constexpr std::size_t kMessageBytesMax = kValueBytesMax + 1'024;

// Of what a broadcast says.
inline constexpr std::size_t kFsEventBytesMax = 1'024;

// Of folders.
inline constexpr std::size_t kReplicaBytes = 16;
inline constexpr std::size_t kNodeIdBytes = kReplicaBytes + 8;  // replica | counter, big endian
inline constexpr std::size_t kKnowledgeBytesMax = 40'000;
inline constexpr std::size_t kLineagesBytesMax = 20'000;
inline constexpr std::size_t kEntriesBytesMax = 64'000;
inline constexpr std::size_t kPagesMax = 16;
inline constexpr std::size_t kPageBytesMax = 64'000;
inline constexpr std::size_t kFilePartsMax = 256;
inline constexpr std::size_t kRangesMax = 16;
// Of all that one message carries of a folder: entries and knowledge, pages, or parts. With the length fields
// of the most and shortest of them it fits kMessageBytesMax.
inline constexpr std::size_t kFolderBytesMax = 65'536;

using Token = std::array<std::uint8_t, kTokenBytes>;
using Signature = std::array<std::uint8_t, kSignatureBytes>;
using Replica = std::array<std::uint8_t, kReplicaBytes>;
using NodeId = std::array<std::uint8_t, kNodeIdBytes>;  // of an entry of a folder

struct Ping {
  friend bool operator==(const Ping&, const Ping&) = default;
};
struct Done {
  friend bool operator==(const Done&, const Done&) = default;
};

struct StoreHost {
  Contact contact;
  friend bool operator==(const StoreHost&, const StoreHost&) = default;
};

struct FindHost {
  Id target;
  friend bool operator==(const FindHost&, const FindHost&) = default;
};

struct TestReach {
  std::optional<Contact> contact;  // whom to ping; nothing: the sender itself wants to be tested
  friend bool operator==(const TestReach&, const TestReach&) = default;
};

struct BroadcastPeers {
  Id group;
  std::vector<Contact> contacts;  // at most kContactsMax
  friend bool operator==(const BroadcastPeers&, const BroadcastPeers&) = default;
};

struct BroadcastFsEvent {
  Id group;
  Id origin;
  std::uint64_t number = 0;
  Bytes event;  // at most kFsEventBytesMax
  friend bool operator==(const BroadcastFsEvent&, const BroadcastFsEvent&) = default;
};

struct DelegateAuthority {
  Id group;
  std::uint64_t counter = 0;
  Id host;
  std::uint64_t beat = 0;
  friend bool operator==(const DelegateAuthority&, const DelegateAuthority&) = default;
};

// ---- Folders; what lies in knowledge, entries and pages is the sync core's

struct OpenFolder {
  Id group;
  Replica replica{};
  Bytes knowledge;  // at most kKnowledgeBytesMax
  Id fingerprint;
  std::uint32_t format = 0;
  std::uint64_t lineages = 0;  // a hash; 0: none
  friend bool operator==(const OpenFolder&, const OpenFolder&) = default;
};

struct FolderOpened {
  Replica replica{};
  Bytes knowledge;  // at most kKnowledgeBytesMax
  Id fingerprint;
  std::uint32_t format = 0;
  std::uint64_t lineages = 0;  // a hash; 0: none
  friend bool operator==(const FolderOpened&, const FolderOpened&) = default;
};

struct SendChanges {
  Id group;
  Bytes knowledge;                          // at most kKnowledgeBytesMax
  Bytes tips{};                             // at most kLineagesBytesMax
  std::optional<Replica> lineages_after{};  // nothing: the sender knows nothing of lineages
  friend bool operator==(const SendChanges&, const SendChanges&) = default;
};

struct RecvChanges {
  // Together at most kFolderBytesMax.
  Bytes entries;    // at most kEntriesBytesMax
  Bytes knowledge;  // at most kKnowledgeBytesMax
  bool more = false;
  Bytes lineages{};  // at most kLineagesBytesMax
  std::uint64_t lineages_hash = 0;
  friend bool operator==(const RecvChanges&, const RecvChanges&) = default;
};

struct FileContent {
  Id root;
  std::uint8_t depth = 0;
  std::uint64_t size = 0;  // bytes
  friend bool operator==(const FileContent&, const FileContent&) = default;
};

struct SendFileDetails {
  Id group;
  FileContent content;
  std::vector<Id> pages;  // 1 to kPagesMax
  friend bool operator==(const SendFileDetails&, const SendFileDetails&) = default;
};

struct RecvFileDetails {
  // The first of those asked for; at most kPageBytesMax each, kFolderBytesMax together. Empty: not held.
  std::vector<Bytes> pages;
  friend bool operator==(const RecvFileDetails&, const RecvFileDetails&) = default;
};

struct FilePart {
  FileContent content;
  std::uint64_t offset = 0;  // with `bytes` within content.size
  std::uint32_t bytes = 0;   // 1 to kFolderBytesMax
  friend bool operator==(const FilePart&, const FilePart&) = default;
};

struct SendFileParts {
  Id group;
  std::vector<FilePart> parts;  // 1 to kFilePartsMax, together at most kFolderBytesMax
  friend bool operator==(const SendFileParts&, const SendFileParts&) = default;
};

struct RecvFileParts {
  std::vector<Bytes> parts;  // as asked for, in that order. Empty: not held
  friend bool operator==(const RecvFileParts&, const RecvFileParts&) = default;
};

struct SendRangeFingerprints {
  Id group;
  NodeId lo{};
  NodeId hi{};  // exclusive
  friend bool operator==(const SendRangeFingerprints&, const SendRangeFingerprints&) = default;
};

struct RangeFingerprint {
  NodeId hi{};  // exclusive; the next range begins here
  Id fingerprint;
  std::uint64_t count = 0;  // of entries
  friend bool operator==(const RangeFingerprint&, const RangeFingerprint&) = default;
};

struct RecvRangeFingerprints {
  std::vector<RangeFingerprint> ranges;  // at most kRangesMax
  friend bool operator==(const RecvRangeFingerprints&, const RecvRangeFingerprints&) = default;
};

// Answered by RecvChanges.
struct SendRange {
  Id group;
  NodeId lo{};
  NodeId hi{};  // exclusive
  friend bool operator==(const SendRange&, const SendRange&) = default;
};

struct Contacts {
  std::vector<Contact> contacts;  // nearest first, at most kContactsMax
  friend bool operator==(const Contacts&, const Contacts&) = default;
};

struct ShutdownHost {
  Bytes signed_part;
  Signature signature{};
  friend bool operator==(const ShutdownHost&, const ShutdownHost&) = default;
};

struct GetNextConnection {
  Id target;
  friend bool operator==(const GetNextConnection&, const GetNextConnection&) = default;
};

struct NextConnection {
  std::optional<Contact> contact;  // nothing: the answering host itself
  friend bool operator==(const NextConnection&, const NextConnection&) = default;
};

struct Item {
  ItemKind kind = ItemKind::kHash;
  Bytes body;
  friend bool operator==(const Item&, const Item&) = default;
};

struct StoreItem {
  Item item;
  std::optional<std::uint64_t> expected_sequence;
  WallTime expires{};  // hash items only; WallTime{}: the holder decides
  friend bool operator==(const StoreItem&, const StoreItem&) = default;
};

// The first bytes of the SHA-256 of an item's body: are two items of one sequence number the same?
inline constexpr std::size_t kItemDigestBytes = 16;
using ItemDigest = std::array<std::uint8_t, kItemDigestBytes>;

struct GetItem {
  ItemName name;  // with `all` and `resume`: records with salts greater than name.salt
  bool all = false;
  std::uint64_t sequence_min = 0;
  bool renewing = false;
  bool resume = false;                          // with `all`: after name.salt, even if that is empty
  std::optional<ItemDigest> renewing_digest{};  // of the body that is renewed
  friend bool operator==(const GetItem&, const GetItem&) = default;
};

struct Items {
  std::vector<Item> items;
  std::vector<Contact> contacts;
  std::uint32_t by_session_bytes = 0;
  std::uint64_t held_sequence = 0;
  bool more = false;
  std::optional<ItemDigest> held_digest{};  // of the body held, when it is not in `items`
  friend bool operator==(const Items&, const Items&) = default;
};

struct Refusal {
  ErrorCode code = ErrorCode::kNone;
  std::uint64_t sequence = 0;
  friend bool operator==(const Refusal&, const Refusal&) = default;
};

using RequestBody =
    std::variant<Ping, StoreHost, FindHost, ShutdownHost, GetNextConnection, StoreItem, GetItem, TestReach,
                 BroadcastPeers, BroadcastFsEvent, DelegateAuthority, OpenFolder, SendChanges,
                 SendFileDetails, SendFileParts, SendRangeFingerprints, SendRange>;
using ResponseBody = std::variant<Done, Contacts, NextConnection, Items, Refusal, FolderOpened, RecvChanges,
                                  RecvFileDetails, RecvFileParts, RecvRangeFingerprints>;

// Index into RequestBody, for counters and traces.
enum class RequestKind : std::uint8_t {
  kPing,
  kStoreHost,
  kFindHost,
  kShutdownHost,
  kGetNextConnection,
  kStoreItem,
  kGetItem,
  kTestReach,
  kBroadcastPeers,
  kBroadcastFsEvent,
  kDelegateAuthority,
  kOpenFolder,
  kSendChanges,
  kSendFileDetails,
  kSendFileParts,
  kSendRangeFingerprints,
  kSendRange
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
  friend bool operator==(const Request&, const Request&) = default;
};

struct Response {
  std::uint64_t id = 0;
  std::optional<Token> token;
  std::optional<Endpoint> observed;
  std::uint32_t time_s = 0;  // the sender's wall time, s since the Unix epoch; 0: it does not say
  bool client = false;
  ResponseBody body;
  friend bool operator==(const Response&, const Response&) = default;
};

using Message = std::variant<Request, Response>;

}  // namespace shoal::wire
