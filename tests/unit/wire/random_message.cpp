#include "tests/unit/wire/random_message.h"

#include <algorithm>

#include "node/base/check.h"

namespace shoal::wire {
namespace {

bool coin(Rng& rng) {
  return rng.below(2) == 1;
}

// Of any magnitude.
std::uint64_t random_number(Rng& rng) {
  const std::uint64_t magnitude = rng.below(64);
  return rng.next() >> magnitude;
}

Token random_token(Rng& rng) {
  Token token;
  rng.fill(token);
  return token;
}

std::vector<Contact> random_contacts(Rng& rng) {
  std::vector<Contact> contacts(rng.below(kContactsMax + 1));
  for (Contact& contact : contacts) contact = random_contact(rng);
  return contacts;
}

Item random_item(Rng& rng, std::size_t size_max) {
  Item item;
  item.kind = static_cast<ItemKind>(1 + rng.below(3));
  item.body = random_bytes(rng.below(size_max + 1), rng);
  return item;
}

ShutdownHost random_shutdown(Rng& rng) {
  ShutdownHost body;
  body.signed_part = random_bytes(kShutdownSignedBytes, rng);
  rng.fill(body.signature);
  return body;
}

StoreItem random_store(Rng& rng) {
  StoreItem body;
  body.item = random_item(rng, 300);
  if (body.item.kind == ItemKind::kPublish && coin(rng)) body.expected_sequence = random_number(rng);
  if (body.item.kind == ItemKind::kHash && coin(rng)) {
    body.expires = WallTime(std::chrono::milliseconds(rng.below(kExpiresMsMax + 1)));
  }
  return body;
}

GetItem random_get(Rng& rng) {
  GetItem body;
  body.name.kind = static_cast<ItemKind>(1 + rng.below(3));
  body.name.location = rng.id();
  if (body.name.kind == ItemKind::kPublish) {
    body.name.salt = random_bytes(rng.below(kSaltBytesMax + 1), rng);
    body.all = coin(rng);
  }
  body.sequence_min = random_number(rng);
  body.renewing = coin(rng);
  body.resume = coin(rng);
  if (coin(rng)) rng.fill(body.renewing_digest.emplace());
  return body;
}

Items random_items(Rng& rng) {
  Items body;
  const std::uint64_t count = rng.below(5);
  for (std::uint64_t i = 0; i < count; ++i) body.items.push_back(random_item(rng, 100));
  body.contacts = random_contacts(rng);
  body.by_session_bytes = static_cast<std::uint32_t>(rng.below(70'000));
  body.more = coin(rng);
  body.held_sequence = random_number(rng);
  if (coin(rng)) rng.fill(body.held_digest.emplace());
  return body;
}

Replica random_replica(Rng& rng) {
  Replica replica;
  rng.fill(replica);
  return replica;
}

NodeId random_node_id(Rng& rng) {
  NodeId node_id;
  rng.fill(node_id);
  return node_id;
}

FileContent random_content(Rng& rng) {
  FileContent content;
  content.root = rng.id();
  content.depth = static_cast<std::uint8_t>(rng.below(256));
  content.size = random_number(rng);
  return content;
}

// A folder as one side of a session opens it.
template <class Opened>
void randomize(Opened& body, Rng& rng) {
  body.replica = random_replica(rng);
  body.knowledge = random_bytes(rng.below(200), rng);
  body.fingerprint = rng.id();
  body.format = static_cast<std::uint32_t>(random_number(rng));
  body.lineages = random_number(rng);
}

OpenFolder random_open_folder(Rng& rng) {
  OpenFolder body;
  body.group = rng.id();
  randomize(body, rng);
  return body;
}

SendChanges random_send_changes(Rng& rng) {
  SendChanges body;
  body.group = rng.id();
  body.knowledge = random_bytes(rng.below(200), rng);
  body.tips = random_bytes(rng.below(80), rng);
  if (coin(rng)) body.lineages_after = random_replica(rng);
  return body;
}

SendFileDetails random_send_file_details(Rng& rng) {
  SendFileDetails body;
  body.group = rng.id();
  body.content = random_content(rng);
  for (std::uint64_t n = 1 + rng.below(kPagesMax); n > 0; --n) body.pages.push_back(rng.id());
  return body;
}

SendFileParts random_send_file_parts(Rng& rng) {
  SendFileParts body;
  body.group = rng.id();
  const std::uint64_t count = 1 + rng.below(6);
  for (std::uint64_t i = 0; i < count; ++i) {
    FilePart part;
    part.content = random_content(rng);
    part.bytes = static_cast<std::uint32_t>(1 + rng.below(kFolderBytesMax / count));
    part.content.size = std::max<std::uint64_t>(part.content.size, part.bytes);
    part.offset = std::min(random_number(rng), part.content.size - part.bytes);
    body.parts.push_back(part);
  }
  return body;
}

template <class OfRange>
OfRange random_range(Rng& rng) {
  OfRange body;
  body.group = rng.id();
  body.lo = random_node_id(rng);
  body.hi = random_node_id(rng);
  return body;
}

std::vector<Bytes> random_pieces(std::uint64_t count_max, Rng& rng) {
  std::vector<Bytes> pieces(rng.below(count_max + 1));
  for (Bytes& piece : pieces) piece = random_bytes(rng.below(60), rng);
  return pieces;
}

RecvChanges random_recv_changes(Rng& rng) {
  RecvChanges body;
  body.entries = random_bytes(rng.below(400), rng);
  body.knowledge = random_bytes(rng.below(200), rng);
  body.more = coin(rng);
  body.lineages = random_bytes(rng.below(80), rng);
  body.lineages_hash = random_number(rng);
  return body;
}

RecvRangeFingerprints random_range_fingerprints(Rng& rng) {
  RecvRangeFingerprints body;
  body.ranges.resize(rng.below(kRangesMax + 1));
  for (RangeFingerprint& range : body.ranges) {
    range.hi = random_node_id(rng);
    range.fingerprint = rng.id();
    range.count = random_number(rng);
  }
  return body;
}

RequestBody random_request_body(RequestKind kind, Rng& rng) {
  switch (kind) {
    case RequestKind::kPing:
      return Ping{};
    case RequestKind::kStoreHost:
      return StoreHost{random_contact(rng)};
    case RequestKind::kFindHost:
      return FindHost{rng.id()};
    case RequestKind::kShutdownHost:
      return random_shutdown(rng);
    case RequestKind::kGetNextConnection:
      return GetNextConnection{rng.id()};
    case RequestKind::kStoreItem:
      return random_store(rng);
    case RequestKind::kGetItem:
      return random_get(rng);
    case RequestKind::kTestReach:
      return coin(rng) ? TestReach{random_contact(rng)} : TestReach{};
    case RequestKind::kBroadcastPeers: {
      BroadcastPeers body{rng.id(), {}};
      body.contacts = random_contacts(rng);
      return body;
    }
    case RequestKind::kBroadcastFsEvent: {
      BroadcastFsEvent body{rng.id(), {}, 0, {}};
      body.origin = rng.id();
      body.number = random_number(rng);
      body.event = random_bytes(rng.below(kFsEventBytesMax + 1), rng);
      return body;
    }
    case RequestKind::kDelegateAuthority: {
      DelegateAuthority body{rng.id(), 0, {}, 0};
      body.counter = random_number(rng);
      body.host = rng.id();
      body.beat = random_number(rng);
      return body;
    }
    case RequestKind::kOpenFolder:
      return random_open_folder(rng);
    case RequestKind::kSendChanges:
      return random_send_changes(rng);
    case RequestKind::kSendFileDetails:
      return random_send_file_details(rng);
    case RequestKind::kSendFileParts:
      return random_send_file_parts(rng);
    case RequestKind::kSendRangeFingerprints:
      return random_range<SendRangeFingerprints>(rng);
    case RequestKind::kSendRange:
      return random_range<SendRange>(rng);
  }
  return Ping{};
}

ResponseBody random_response_body(std::size_t index, Rng& rng) {
  switch (index) {
    case 0:
      return Done{};
    case 1:
      return Contacts{random_contacts(rng)};
    case 2:
      return coin(rng) ? NextConnection{random_contact(rng)} : NextConnection{};
    case 3:
      return random_items(rng);
    case 4: {
      Refusal refusal;
      refusal.code = static_cast<ErrorCode>(1 + rng.below(13));
      refusal.sequence = random_number(rng);
      return refusal;
    }
    case 5: {
      FolderOpened body;
      randomize(body, rng);
      return body;
    }
    case 6:
      return random_recv_changes(rng);
    case 7:
      return RecvFileDetails{random_pieces(kPagesMax, rng)};
    case 8:
      return RecvFileParts{random_pieces(20, rng)};
    default:
      return random_range_fingerprints(rng);
  }
}

// A varint of ten bytes says 2^63 and more, one of five about 2^35.
void falsify_length(Bytes& bytes, std::size_t at, Rng& rng) {
  const std::size_t length = rng.below(10) + 1;
  bytes[at] = 0x7f;
  bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), length - 1, 0xff);
}

void repeat_slice(Bytes& bytes, std::size_t at, Rng& rng) {
  const std::size_t length = std::min<std::size_t>(bytes.size() - at, 1 + rng.below(64));
  const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  const Bytes slice(first, first + static_cast<std::ptrdiff_t>(length));
  bytes.insert(first, slice.begin(), slice.end());
}

void damage_once(Bytes& bytes, Rng& rng) {
  const std::size_t at = rng.below(bytes.size());
  const auto position = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  switch (rng.below(7)) {
    case 0:
      bytes.resize(at);
      break;
    case 1:
      bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ 1u << rng.below(8));
      break;
    case 2: {
      const Bytes extra = random_bytes(1 + rng.below(8), rng);
      bytes.insert(position, extra.begin(), extra.end());
      break;
    }
    case 3: {
      const std::size_t length = std::min<std::size_t>(bytes.size() - at, 1 + rng.below(8));
      bytes.erase(position, position + static_cast<std::ptrdiff_t>(length));
      break;
    }
    case 4:
      bytes[at] = static_cast<std::uint8_t>(rng.below(256));
      break;
    case 5:
      falsify_length(bytes, at, rng);
      break;
    default:
      repeat_slice(bytes, at, rng);
  }
}

}  // namespace

std::string kind_name(std::size_t kind) {
  static constexpr const char* kResponses[] = {
      "done",          "contacts",     "next_connection",   "items",          "refusal",
      "folder_opened", "recv_changes", "recv_file_details", "recv_file_part", "recv_range_fingerprints"};
  return kind < kRequestKinds ? to_string(static_cast<RequestKind>(kind)) : kResponses[kind - kRequestKinds];
}

Bytes random_bytes(std::size_t size, Rng& rng) {
  Bytes bytes(size);
  rng.fill(bytes);
  return bytes;
}

Contact random_contact(Rng& rng) {
  Contact contact;
  contact.key = rng.id();
  if (coin(rng)) {
    contact.endpoint = Endpoint::v4(static_cast<std::uint32_t>(1 + rng.below(0xdfff'ffff)), 0);
  } else {
    rng.fill(contact.endpoint.address);
    contact.endpoint.address[0] = 0x20;
  }
  contact.endpoint.port = static_cast<std::uint16_t>(1 + rng.below(65'535));
  return contact;
}

Message random_message(std::size_t kind, Rng& rng) {
  check(kind < kMessageKinds);
  if (kind < kRequestKinds) {
    Request request;
    request.id = rng.next();
    if (coin(rng)) request.token = random_token(rng);
    request.client = coin(rng);
    if (coin(rng)) request.padding_bytes = static_cast<std::uint16_t>(rng.below(kPaddingBytesMax + 1));
    request.body = random_request_body(static_cast<RequestKind>(kind), rng);
    return request;
  }
  Response response;
  response.id = rng.next();
  if (coin(rng)) response.token = random_token(rng);
  if (coin(rng)) response.observed = random_contact(rng).endpoint;
  if (coin(rng)) response.time_s = static_cast<std::uint32_t>(rng.next());
  response.client = coin(rng);
  response.body = random_response_body(kind - kRequestKinds, rng);
  return response;
}

Bytes damaged(Bytes bytes, Rng& rng) {
  for (std::uint64_t n = 1 + rng.below(4); n > 0 && !bytes.empty(); --n) damage_once(bytes, rng);
  return bytes;
}

}  // namespace shoal::wire
