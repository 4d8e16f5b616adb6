// Messages from bytes: every bound of codec.h is checked here.
#include <fmt/format.h>

#include <array>
#include <cstring>
#include <string>
#include <string_view>

#include "node/wire/codec.h"
#include "node/wire/message_arena.h"

namespace shoal::wire {
namespace {

// Reads fields and notes the first one that breaks its bound; what it returns from then on is not used.
class FieldReader {
 public:
  bool good() const { return problem_.empty(); }
  tl::unexpected<Error> failure() { return fail(ErrorCode::kMalformed, std::move(problem_)); }

  void expect(bool holds, std::string_view field, std::uint64_t found, std::string_view expected) {
    if (holds || !good()) [[likely]] {
      return;
    }
    problem_ = fmt::format("{}: found {}, expected {}", field, found, expected);
  }

  Id id(const std::string& bytes, std::string_view field) {
    expect(bytes.size() == kIdBytes, field, bytes.size(), "32 bytes");
    return good() ? Id::from_bytes(view(bytes)) : Id{};
  }

  template <std::size_t N>
  void array(const std::string& bytes, std::string_view field, std::string_view expected,
             std::array<std::uint8_t, N>& out) {
    expect(bytes.size() == N, field, bytes.size(), expected);
    if (good()) std::memcpy(out.data(), bytes.data(), N);
  }

  std::optional<Token> token(const std::string& bytes, std::string_view field) {
    if (bytes.empty()) return std::nullopt;
    Token token{};
    array(bytes, field, "no or 16 bytes", token);
    return token;
  }

  std::optional<ItemDigest> digest(const std::string& bytes, std::string_view field) {
    if (bytes.empty()) return std::nullopt;
    ItemDigest digest{};
    array(bytes, field, "no or 16 bytes", digest);
    return digest;
  }

  Bytes bytes(const std::string& bytes, std::string_view field, std::size_t size_max,
              std::string_view expected) {
    expect(bytes.size() <= size_max, field, bytes.size(), expected);
    const ByteView all = view(bytes);
    return good() ? Bytes(all.begin(), all.end()) : Bytes{};
  }

  Endpoint endpoint(const std::string& bytes, std::string_view field) {
    expect(bytes.size() == kEndpointBytes, field, bytes.size(), "18 bytes");
    return good() ? usable(read_endpoint(view(bytes)), field) : Endpoint{};
  }

  Contact contact(const std::string& bytes, std::string_view field) {
    expect(bytes.size() == kContactBytes, field, bytes.size(), "50 bytes");
    if (!good()) return {};
    const Contact contact = read_contact(view(bytes));
    usable(contact.endpoint, field);
    return contact;
  }

  std::vector<Contact> contacts(const std::string& packed, std::string_view field) {
    expect(packed.size() % kContactBytes == 0 && packed.size() <= kContactsMax * kContactBytes, field,
           packed.size(), "a multiple of 50 bytes, at most 1000");
    std::vector<Contact> contacts;
    if (!good()) return contacts;
    contacts.resize(packed.size() / kContactBytes);
    const auto* in = reinterpret_cast<const std::uint8_t*>(packed.data());
    for (Contact& contact : contacts) {
      read_contact({in, kContactBytes}, contact);
      in += kContactBytes;
      usable(contact.endpoint, field);
    }
    return contacts;
  }

  Replica replica(const std::string& bytes, std::string_view field) {
    Replica replica{};
    array(bytes, field, "16 bytes", replica);
    return replica;
  }

  NodeId node_id(const std::string& bytes, std::string_view field) {
    NodeId node_id{};
    array(bytes, field, "24 bytes", node_id);
    return node_id;
  }

  Bytes knowledge(const std::string& in, std::string_view field) {
    return bytes(in, field, kKnowledgeBytesMax, "at most 40000 bytes");
  }

  Bytes lineages(const std::string& in, std::string_view field) {
    return bytes(in, field, kLineagesBytesMax, "at most 20000 bytes");
  }

  // What a folder is made of, in pieces: at most kFolderBytesMax in all.
  std::vector<Bytes> pieces(const google::protobuf::RepeatedPtrField<std::string>& in, std::string_view field,
                            std::size_t size_max, std::string_view expected) {
    std::uint64_t sum = 0;
    for (const std::string& piece : in) sum += piece.size();
    expect(sum <= kFolderBytesMax, field, sum, "at most 65536 bytes together");
    std::vector<Bytes> pieces;
    if (!good()) return pieces;
    pieces.reserve(static_cast<std::size_t>(in.size()));
    for (const std::string& piece : in) pieces.push_back(bytes(piece, field, size_max, expected));
    return pieces;
  }

  FileContent content(const pb::FileContent& in) {
    FileContent content;
    content.root = id(in.root(), "file_content.root");
    expect(in.depth() <= UINT8_MAX, "file_content.depth", in.depth(), "at most 255");
    content.depth = static_cast<std::uint8_t>(in.depth());
    content.size = in.size();
    return content;
  }

  ItemKind item_kind(std::uint32_t kind, std::string_view field) {
    expect(kind >= 1 && kind <= 3, field, kind, "1, 2 or 3");
    return good() ? static_cast<ItemKind>(kind) : ItemKind::kHash;
  }

  Item item(const pb::Item& in) {
    Item item;
    item.kind = item_kind(in.kind(), "item.kind");
    item.body = bytes(in.body(), "item.body", kItemBodyBytesMax, "at most 65713 bytes");
    return item;
  }

 private:
  const Endpoint& usable(const Endpoint& endpoint, std::string_view field) {
    if (!is_unicast(endpoint) && good()) {
      problem_ = fmt::format("{}: found {}, expected a unicast endpoint", field, endpoint.to_string());
    }
    return endpoint;
  }

  std::string problem_;
};

ShutdownHost read(const pb::ShutdownHost& in, FieldReader& reader) {
  ShutdownHost body;
  reader.expect(in.signed_part().size() == kShutdownSignedBytes, "shutdown_host.signed_part",
                in.signed_part().size(), "48 bytes");
  body.signed_part =
      reader.bytes(in.signed_part(), "shutdown_host.signed_part", kShutdownSignedBytes, "48 bytes");
  reader.array(in.signature(), "shutdown_host.signature", "64 bytes", body.signature);
  return body;
}

StoreItem read(const pb::StoreItem& in, FieldReader& reader) {
  StoreItem body;
  body.item = reader.item(in.item());
  if (in.has_expected_sequence()) {
    reader.expect(body.item.kind == ItemKind::kPublish, "store_item.expected_sequence",
                  in.expected_sequence(), "none but for a publish item");
    body.expected_sequence = in.expected_sequence();
  }
  const std::uint64_t expires_max = body.item.kind == ItemKind::kHash ? kExpiresMsMax : 0;
  reader.expect(in.expires_ms() <= expires_max, "store_item.expires_ms", in.expires_ms(),
                "0, or less than 2^43 for a hash item");
  if (reader.good()) body.expires = WallTime(std::chrono::milliseconds(in.expires_ms()));
  return body;
}

GetItem read(const pb::GetItem& in, FieldReader& reader) {
  GetItem body;
  body.name.kind = reader.item_kind(in.kind(), "get_item.kind");
  body.name.location = reader.id(in.location(), "get_item.location");
  body.name.salt = reader.bytes(in.salt(), "get_item.salt", kSaltBytesMax, "at most 64 bytes");
  body.all = in.all();
  body.sequence_min = in.sequence_min();
  body.renewing = in.renewing();
  body.resume = in.resume();
  body.renewing_digest = reader.digest(in.renewing_digest(), "get_item.renewing_digest");
  reader.expect(body.name.kind == ItemKind::kPublish || (body.name.salt.empty() && !body.all),
                "get_item.kind", in.kind(), "2 when salt or all is set");
  return body;
}

BroadcastFsEvent read(const pb::BroadcastFsEvent& in, FieldReader& reader) {
  BroadcastFsEvent body;
  body.group = reader.id(in.group(), "broadcast_fs_event.group");
  body.origin = reader.id(in.origin(), "broadcast_fs_event.origin");
  body.number = in.number();
  body.event = reader.bytes(in.event(), "broadcast_fs_event.event", kFsEventBytesMax, "at most 1024 bytes");
  return body;
}

DelegateAuthority read(const pb::DelegateAuthority& in, FieldReader& reader) {
  DelegateAuthority body;
  body.group = reader.id(in.group(), "delegate_authority.group");
  body.counter = in.counter();
  body.host = reader.id(in.host(), "delegate_authority.host");
  body.beat = in.beat();
  return body;
}

OpenFolder read(const pb::OpenFolder& in, FieldReader& reader) {
  OpenFolder body;
  body.group = reader.id(in.group(), "open_folder.group");
  body.replica = reader.replica(in.replica(), "open_folder.replica");
  body.knowledge = reader.knowledge(in.knowledge(), "open_folder.knowledge");
  body.fingerprint = reader.id(in.fingerprint(), "open_folder.fingerprint");
  body.format = in.format();
  body.lineages = in.lineages();
  return body;
}

SendChanges read(const pb::SendChanges& in, FieldReader& reader) {
  SendChanges body;
  body.group = reader.id(in.group(), "send_changes.group");
  body.knowledge = reader.knowledge(in.knowledge(), "send_changes.knowledge");
  body.tips = reader.lineages(in.tips(), "send_changes.tips");
  if (!in.lineages_after().empty()) {
    body.lineages_after = reader.replica(in.lineages_after(), "send_changes.lineages_after");
  }
  return body;
}

SendFileDetails read(const pb::SendFileDetails& in, FieldReader& reader) {
  SendFileDetails body;
  body.group = reader.id(in.group(), "send_file_details.group");
  body.content = reader.content(in.content());
  const std::string& packed = in.packed_pages();
  reader.expect(packed.size() % kIdBytes == 0 && !packed.empty() && packed.size() <= kPagesMax * kIdBytes,
                "send_file_details.packed_pages", packed.size(), "a multiple of 32 bytes, 32 to 512");
  if (!reader.good()) return body;
  for (std::size_t at = 0; at < packed.size(); at += kIdBytes) {
    body.pages.push_back(Id::from_bytes(view(packed).subspan(at, kIdBytes)));
  }
  return body;
}

FilePart read(const pb::FilePart& in, FieldReader& reader) {
  FilePart part;
  part.content = reader.content(in.content());
  reader.expect(in.bytes() >= 1 && in.bytes() <= kFolderBytesMax, "file_part.bytes", in.bytes(),
                "1 to 65536");
  reader.expect(in.bytes() <= part.content.size && in.offset() <= part.content.size - in.bytes(),
                "file_part.offset", in.offset(), "a part within the content");
  part.offset = in.offset();
  part.bytes = in.bytes();
  return part;
}

SendFileParts read(const pb::SendFilePart& in, FieldReader& reader) {
  SendFileParts body;
  body.group = reader.id(in.group(), "send_file_part.group");
  const auto count = static_cast<std::size_t>(in.parts_size());
  reader.expect(count >= 1 && count <= kFilePartsMax, "send_file_part.parts", count, "1 to 256");
  if (!reader.good()) return body;
  body.parts.reserve(count);
  std::uint64_t sum = 0;
  for (const pb::FilePart& part : in.parts()) {
    body.parts.push_back(read(part, reader));
    sum += part.bytes();
  }
  reader.expect(sum <= kFolderBytesMax, "send_file_part.parts", sum, "at most 65536 bytes together");
  return body;
}

SendRangeFingerprints read(const pb::SendRangeFingerprints& in, FieldReader& reader) {
  SendRangeFingerprints body;
  body.group = reader.id(in.group(), "send_range_fingerprints.group");
  body.lo = reader.node_id(in.lo(), "send_range_fingerprints.lo");
  body.hi = reader.node_id(in.hi(), "send_range_fingerprints.hi");
  return body;
}

SendRange read(const pb::SendRange& in, FieldReader& reader) {
  SendRange body;
  body.group = reader.id(in.group(), "send_range.group");
  body.lo = reader.node_id(in.lo(), "send_range.lo");
  body.hi = reader.node_id(in.hi(), "send_range.hi");
  return body;
}

FolderOpened read(const pb::FolderOpened& in, FieldReader& reader) {
  FolderOpened body;
  body.replica = reader.replica(in.replica(), "folder_opened.replica");
  body.knowledge = reader.knowledge(in.knowledge(), "folder_opened.knowledge");
  body.fingerprint = reader.id(in.fingerprint(), "folder_opened.fingerprint");
  body.format = in.format();
  body.lineages = in.lineages();
  return body;
}

RecvChanges read(const pb::RecvChanges& in, FieldReader& reader) {
  RecvChanges body;
  const std::size_t sum = in.entries().size() + in.knowledge().size() + in.lineages().size();
  reader.expect(sum <= kFolderBytesMax, "recv_changes", sum,
                "at most 65536 bytes of entries, knowledge and lineages");
  body.entries = reader.bytes(in.entries(), "recv_changes.entries", kEntriesBytesMax, "at most 64000 bytes");
  body.knowledge = reader.knowledge(in.knowledge(), "recv_changes.knowledge");
  body.more = in.more();
  body.lineages = reader.lineages(in.lineages(), "recv_changes.lineages");
  body.lineages_hash = in.lineages_hash();
  return body;
}

RecvFileDetails read(const pb::RecvFileDetails& in, FieldReader& reader) {
  const auto count = static_cast<std::size_t>(in.pages_size());
  reader.expect(count <= kPagesMax, "recv_file_details.pages", count, "at most 16");
  return {reader.pieces(in.pages(), "recv_file_details.pages", kPageBytesMax, "at most 64000 bytes")};
}

RecvFileParts read(const pb::RecvFilePart& in, FieldReader& reader) {
  const auto count = static_cast<std::size_t>(in.parts_size());
  reader.expect(count <= kFilePartsMax, "recv_file_part.parts", count, "at most 256");
  return {reader.pieces(in.parts(), "recv_file_part.parts", kFolderBytesMax, "at most 65536 bytes")};
}

RecvRangeFingerprints read(const pb::RecvRangeFingerprints& in, FieldReader& reader) {
  RecvRangeFingerprints body;
  const auto count = static_cast<std::size_t>(in.ranges_size());
  reader.expect(count <= kRangesMax, "recv_range_fingerprints.ranges", count, "at most 16");
  if (!reader.good()) return body;
  body.ranges.reserve(count);
  for (const pb::RangeFingerprint& range : in.ranges()) {
    RangeFingerprint& added = body.ranges.emplace_back();
    added.hi = reader.node_id(range.hi(), "range_fingerprint.hi");
    added.fingerprint = reader.id(range.fingerprint(), "range_fingerprint.fingerprint");
    added.count = range.count();
  }
  return body;
}

Items read(const pb::Items& in, FieldReader& reader) {
  Items body;
  const auto count = static_cast<std::size_t>(in.items_size());
  reader.expect(count <= kItemsPerPageMax, "items.items", count, "at most 64");
  if (!reader.good()) return body;
  body.items.reserve(count);
  for (const pb::Item& item : in.items()) body.items.push_back(reader.item(item));
  body.contacts = reader.contacts(in.packed_contacts(), "items.packed_contacts");
  body.by_session_bytes = in.by_session_bytes();
  body.held_sequence = in.held_sequence();
  body.more = in.more();
  body.held_digest = reader.digest(in.held_digest(), "items.held_digest");
  return body;
}

// The reasons of later versions are none that this one could act on.
Refusal read(const pb::Refusal& in, FieldReader& reader) {
  reader.expect(in.code() >= 1 && in.code() <= 99, "refusal.code", in.code(), "1 to 99");
  const bool known = in.code() <= static_cast<std::uint32_t>(ErrorCode::kUnsupported);
  return {known ? static_cast<ErrorCode>(in.code()) : ErrorCode::kUnsupported, in.sequence()};
}

RequestBody read_body(const pb::Request& in, FieldReader& reader) {
  switch (in.body_case()) {
    case pb::Request::kPing:
    case pb::Request::BODY_NOT_SET:  // decode() has refused it
      return Ping{};
    case pb::Request::kStoreHost:
      return StoreHost{reader.contact(in.store_host().contact(), "store_host.contact")};
    case pb::Request::kFindHost:
      return FindHost{reader.id(in.find_host().target(), "find_host.target")};
    case pb::Request::kShutdownHost:
      return read(in.shutdown_host(), reader);
    case pb::Request::kGetNextConnection:
      return GetNextConnection{reader.id(in.get_next_connection().target(), "get_next_connection.target")};
    case pb::Request::kStoreItem:
      return read(in.store_item(), reader);
    case pb::Request::kGetItem:
      return read(in.get_item(), reader);
    case pb::Request::kTestReach: {
      const std::string& contact = in.test_reach().contact();
      if (contact.empty()) return TestReach{};
      return TestReach{reader.contact(contact, "test_reach.contact")};
    }
    case pb::Request::kBroadcastPeers: {
      BroadcastPeers body;
      body.group = reader.id(in.broadcast_peers().group(), "broadcast_peers.group");
      body.contacts = reader.contacts(in.broadcast_peers().packed(), "broadcast_peers.packed");
      return body;
    }
    case pb::Request::kBroadcastFsEvent:
      return read(in.broadcast_fs_event(), reader);
    case pb::Request::kDelegateAuthority:
      return read(in.delegate_authority(), reader);
    case pb::Request::kOpenFolder:
      return read(in.open_folder(), reader);
    case pb::Request::kSendChanges:
      return read(in.send_changes(), reader);
    case pb::Request::kSendFileDetails:
      return read(in.send_file_details(), reader);
    case pb::Request::kSendFilePart:
      return read(in.send_file_part(), reader);
    case pb::Request::kSendRangeFingerprints:
      return read(in.send_range_fingerprints(), reader);
    case pb::Request::kSendRange:
      return read(in.send_range(), reader);
  }
  return Ping{};
}

ResponseBody read_body(const pb::Response& in, FieldReader& reader) {
  if (in.has_refusal()) {
    reader.expect(in.body_case() == pb::Response::BODY_NOT_SET, "response.refusal", in.refusal().code(),
                  "no body beside it");
    return read(in.refusal(), reader);
  }
  switch (in.body_case()) {
    case pb::Response::BODY_NOT_SET:
      reader.expect(false, "response.body", 0, "a body or a refusal");
      return Done{};
    case pb::Response::kDone:
      return Done{};
    case pb::Response::kContacts:
      return Contacts{reader.contacts(in.contacts().packed(), "contacts.packed")};
    case pb::Response::kNextConnection: {
      const std::string& contact = in.next_connection().contact();
      if (contact.empty()) return NextConnection{};
      return NextConnection{reader.contact(contact, "next_connection.contact")};
    }
    case pb::Response::kItems:
      return read(in.items(), reader);
    case pb::Response::kFolderOpened:
      return read(in.folder_opened(), reader);
    case pb::Response::kRecvChanges:
      return read(in.recv_changes(), reader);
    case pb::Response::kRecvFileDetails:
      return read(in.recv_file_details(), reader);
    case pb::Response::kRecvFilePart:
      return read(in.recv_file_part(), reader);
    case pb::Response::kRecvRangeFingerprints:
      return read(in.recv_range_fingerprints(), reader);
  }
  return Done{};
}

Result<Message> read(const pb::Request& in) {
  if (in.body_case() == pb::Request::BODY_NOT_SET) return fail(ErrorCode::kUnsupported);
  FieldReader reader;
  Result<Message> result(Request{});
  auto& request = std::get<Request>(*result);
  request.id = in.id();
  request.token = reader.token(in.token(), "request.token");
  request.client = in.client();
  reader.expect(in.padding().size() <= kPaddingBytesMax, "request.padding", in.padding().size(),
                "at most 400 bytes");
  request.padding_bytes = static_cast<std::uint16_t>(in.padding().size());
  request.body = read_body(in, reader);
  if (!reader.good()) return reader.failure();
  return result;
}

Result<Message> read(const pb::Response& in) {
  FieldReader reader;
  Result<Message> result(Response{});
  auto& response = std::get<Response>(*result);
  response.id = in.id();
  response.token = reader.token(in.token(), "response.token");
  if (!in.observed().empty()) response.observed = reader.endpoint(in.observed(), "response.observed");
  response.time_s = in.time_s();
  response.client = in.client();
  response.body = read_body(in, reader);
  if (!reader.good()) return reader.failure();
  return result;
}

bool parse(ByteView bytes, pb::Message& out) {
  return bytes.size() <= kMessageBytesMax && out.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace

Result<Message> decode(ByteView bytes) {
  MessageArena arena;
  pb::Message& m = arena.message();
  if (!parse(bytes, m)) {
    return fail(ErrorCode::kMalformed,
                fmt::format("{} bytes that are no protobuf message of at most {} bytes", bytes.size(),
                            kMessageBytesMax));
  }
  switch (m.kind_case()) {
    case pb::Message::kRequest:
      return read(m.request());
    case pb::Message::kResponse:
      return read(m.response());
    case pb::Message::KIND_NOT_SET:
      break;
  }
  return fail(ErrorCode::kMalformed, "message.kind: found none, expected request or response");
}

std::optional<std::uint64_t> request_id(ByteView bytes) {
  MessageArena arena;
  pb::Message& m = arena.message();
  if (!parse(bytes, m) || !m.has_request()) return std::nullopt;
  return m.request().id();
}

}  // namespace shoal::wire
