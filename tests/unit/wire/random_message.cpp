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
    default: {
      Refusal refusal;
      refusal.code = static_cast<ErrorCode>(1 + rng.below(13));
      refusal.sequence = random_number(rng);
      return refusal;
    }
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
  static constexpr const char* kResponses[] = {"done", "contacts", "next_connection", "items", "refusal"};
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
