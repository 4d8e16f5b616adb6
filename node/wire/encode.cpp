// Messages to bytes.
#include <string>

#include "node/wire/codec.h"
#include "node/wire/message_arena.h"

namespace shoal::wire {
namespace {

void assign(ByteView bytes, std::string& field) {
  field.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void assign(const Endpoint& endpoint, std::string& field) {
  field.resize(kEndpointBytes);
  write_endpoint(endpoint, reinterpret_cast<std::uint8_t*>(field.data()));
}

void assign(const std::vector<Contact>& contacts, std::string& field) {
  field.resize(contacts.size() * kContactBytes);
  auto* out = reinterpret_cast<std::uint8_t*>(field.data());
  for (const Contact& contact : contacts) {
    write_contact(contact, out);
    out += kContactBytes;
  }
}

void assign(const Contact& contact, std::string& field) {
  field.resize(kContactBytes);
  write_contact(contact, reinterpret_cast<std::uint8_t*>(field.data()));
}

void assign(const Item& item, pb::Item& out) {
  out.set_kind(static_cast<std::uint32_t>(item.kind));
  assign(ByteView(item.body), *out.mutable_body());
}

void fill(const Ping&, pb::Request& out) {
  out.mutable_ping();
}
void fill(const StoreHost& body, pb::Request& out) {
  assign(body.contact, *out.mutable_store_host()->mutable_contact());
}
void fill(const FindHost& body, pb::Request& out) {
  assign(body.target.view(), *out.mutable_find_host()->mutable_target());
}
void fill(const ShutdownHost& body, pb::Request& out) {
  assign(ByteView(body.signed_part), *out.mutable_shutdown_host()->mutable_signed_part());
  assign(ByteView(body.signature), *out.mutable_shutdown_host()->mutable_signature());
}
void fill(const GetNextConnection& body, pb::Request& out) {
  assign(body.target.view(), *out.mutable_get_next_connection()->mutable_target());
}
void fill(const StoreItem& body, pb::Request& out) {
  pb::StoreItem& store = *out.mutable_store_item();
  assign(body.item, *store.mutable_item());
  if (body.expected_sequence) store.set_expected_sequence(*body.expected_sequence);
  store.set_expires_ms(static_cast<std::uint64_t>(body.expires.time_since_epoch().count()));
}
void fill(const GetItem& body, pb::Request& out) {
  pb::GetItem& get = *out.mutable_get_item();
  get.set_kind(static_cast<std::uint32_t>(body.name.kind));
  assign(body.name.location.view(), *get.mutable_location());
  assign(ByteView(body.name.salt), *get.mutable_salt());
  get.set_all(body.all);
  get.set_sequence_min(body.sequence_min);
  get.set_renewing(body.renewing);
  get.set_resume(body.resume);
  if (body.renewing_digest) assign(ByteView(*body.renewing_digest), *get.mutable_renewing_digest());
}

void fill(const TestReach& body, pb::Request& out) {
  pb::TestReach& test = *out.mutable_test_reach();
  if (body.contact) assign(*body.contact, *test.mutable_contact());
}

void fill(const BroadcastPeers& body, pb::Request& out) {
  pb::BroadcastPeers& peers = *out.mutable_broadcast_peers();
  assign(body.group.view(), *peers.mutable_group());
  assign(body.contacts, *peers.mutable_packed());
}

void fill(const BroadcastFsEvent& body, pb::Request& out) {
  pb::BroadcastFsEvent& event = *out.mutable_broadcast_fs_event();
  assign(body.group.view(), *event.mutable_group());
  assign(body.origin.view(), *event.mutable_origin());
  event.set_number(body.number);
  assign(ByteView(body.event), *event.mutable_event());
}

void fill(const DelegateAuthority& body, pb::Request& out) {
  pb::DelegateAuthority& claim = *out.mutable_delegate_authority();
  assign(body.group.view(), *claim.mutable_group());
  claim.set_counter(body.counter);
  assign(body.host.view(), *claim.mutable_host());
  claim.set_beat(body.beat);
}

void assign(const FileContent& content, pb::FileContent& out) {
  assign(content.root.view(), *out.mutable_root());
  out.set_depth(content.depth);
  out.set_size(content.size);
}

void fill(const OpenFolder& body, pb::Request& out) {
  pb::OpenFolder& open = *out.mutable_open_folder();
  assign(body.group.view(), *open.mutable_group());
  assign(ByteView(body.replica), *open.mutable_replica());
  assign(ByteView(body.knowledge), *open.mutable_knowledge());
  assign(body.fingerprint.view(), *open.mutable_fingerprint());
  open.set_format(body.format);
  open.set_lineages(body.lineages);
}

void fill(const SendChanges& body, pb::Request& out) {
  pb::SendChanges& send = *out.mutable_send_changes();
  assign(body.group.view(), *send.mutable_group());
  assign(ByteView(body.knowledge), *send.mutable_knowledge());
  assign(ByteView(body.tips), *send.mutable_tips());
  if (body.lineages_after) assign(ByteView(*body.lineages_after), *send.mutable_lineages_after());
}

void fill(const SendFileDetails& body, pb::Request& out) {
  pb::SendFileDetails& send = *out.mutable_send_file_details();
  assign(body.group.view(), *send.mutable_group());
  assign(body.content, *send.mutable_content());
  std::string& packed = *send.mutable_packed_pages();
  packed.reserve(body.pages.size() * kIdBytes);
  for (const Id& page : body.pages) packed.append(page.bytes.begin(), page.bytes.end());
}

void fill(const SendFileParts& body, pb::Request& out) {
  pb::SendFilePart& send = *out.mutable_send_file_part();
  assign(body.group.view(), *send.mutable_group());
  for (const FilePart& part : body.parts) {
    pb::FilePart& added = *send.add_parts();
    assign(part.content, *added.mutable_content());
    added.set_offset(part.offset);
    added.set_bytes(part.bytes);
  }
}

void fill(const SendRangeFingerprints& body, pb::Request& out) {
  pb::SendRangeFingerprints& send = *out.mutable_send_range_fingerprints();
  assign(body.group.view(), *send.mutable_group());
  assign(ByteView(body.lo), *send.mutable_lo());
  assign(ByteView(body.hi), *send.mutable_hi());
}

void fill(const SendRange& body, pb::Request& out) {
  pb::SendRange& send = *out.mutable_send_range();
  assign(body.group.view(), *send.mutable_group());
  assign(ByteView(body.lo), *send.mutable_lo());
  assign(ByteView(body.hi), *send.mutable_hi());
}

void fill(const Done&, pb::Response& out) {
  out.mutable_done();
}
void fill(const Contacts& body, pb::Response& out) {
  assign(body.contacts, *out.mutable_contacts()->mutable_packed());
}
void fill(const NextConnection& body, pb::Response& out) {
  pb::NextConnection& next = *out.mutable_next_connection();
  if (body.contact) assign(*body.contact, *next.mutable_contact());
}
void fill(const Items& body, pb::Response& out) {
  pb::Items& items = *out.mutable_items();
  for (const Item& item : body.items) assign(item, *items.add_items());
  assign(body.contacts, *items.mutable_packed_contacts());
  items.set_by_session_bytes(body.by_session_bytes);
  items.set_more(body.more);
  items.set_held_sequence(body.held_sequence);
  if (body.held_digest) assign(ByteView(*body.held_digest), *items.mutable_held_digest());
}
void fill(const Refusal& body, pb::Response& out) {
  const bool known = body.code >= ErrorCode::kMalformed && body.code <= ErrorCode::kUnsupported;
  const ErrorCode code = known ? body.code : ErrorCode::kBusy;
  out.mutable_refusal()->set_code(static_cast<std::uint32_t>(code));
  out.mutable_refusal()->set_sequence(body.sequence);
}

void fill(const FolderOpened& body, pb::Response& out) {
  pb::FolderOpened& opened = *out.mutable_folder_opened();
  assign(ByteView(body.replica), *opened.mutable_replica());
  assign(ByteView(body.knowledge), *opened.mutable_knowledge());
  assign(body.fingerprint.view(), *opened.mutable_fingerprint());
  opened.set_format(body.format);
  opened.set_lineages(body.lineages);
}
void fill(const RecvChanges& body, pb::Response& out) {
  pb::RecvChanges& changes = *out.mutable_recv_changes();
  assign(ByteView(body.entries), *changes.mutable_entries());
  assign(ByteView(body.knowledge), *changes.mutable_knowledge());
  changes.set_more(body.more);
  assign(ByteView(body.lineages), *changes.mutable_lineages());
  changes.set_lineages_hash(body.lineages_hash);
}
void fill(const RecvFileDetails& body, pb::Response& out) {
  pb::RecvFileDetails& details = *out.mutable_recv_file_details();
  for (const Bytes& page : body.pages) assign(ByteView(page), *details.add_pages());
}
void fill(const RecvFileParts& body, pb::Response& out) {
  pb::RecvFilePart& parts = *out.mutable_recv_file_part();
  for (const Bytes& part : body.parts) assign(ByteView(part), *parts.add_parts());
}
void fill(const RecvRangeFingerprints& body, pb::Response& out) {
  pb::RecvRangeFingerprints& recv = *out.mutable_recv_range_fingerprints();
  for (const RangeFingerprint& range : body.ranges) {
    pb::RangeFingerprint& added = *recv.add_ranges();
    assign(ByteView(range.hi), *added.mutable_hi());
    assign(range.fingerprint.view(), *added.mutable_fingerprint());
    added.set_count(range.count);
  }
}

void fill(const Request& request, pb::Message& out) {
  pb::Request& r = *out.mutable_request();
  r.set_id(request.id);
  if (request.token) assign(ByteView(*request.token), *r.mutable_token());
  r.set_client(request.client);
  if (request.padding_bytes > 0) r.mutable_padding()->resize(request.padding_bytes);
  std::visit([&](const auto& body) { fill(body, r); }, request.body);
}

void fill(const Response& response, pb::Message& out) {
  pb::Response& r = *out.mutable_response();
  r.set_id(response.id);
  if (response.token) assign(ByteView(*response.token), *r.mutable_token());
  if (response.observed) assign(*response.observed, *r.mutable_observed());
  r.set_time_s(response.time_s);
  r.set_client(response.client);
  std::visit([&](const auto& body) { fill(body, r); }, response.body);
}

}  // namespace

void encode(const Message& message, Bytes& out) {
  MessageArena arena;
  pb::Message& m = arena.message();
  std::visit([&](const auto& kind) { fill(kind, m); }, message);
  const std::size_t before = out.size();
  out.resize(before + m.ByteSizeLong());
  m.SerializeWithCachedSizesToArray(out.data() + before);
}

std::size_t encoded_size(const Message& message) {
  MessageArena arena;
  pb::Message& m = arena.message();
  std::visit([&](const auto& kind) { fill(kind, m); }, message);
  return m.ByteSizeLong();
}

std::uint16_t padding_for(const Request& request, std::size_t size) {
  Request padded = request;
  padded.padding_bytes = 0;
  const std::size_t bare = encoded_size(padded);
  if (bare >= size) return 0;
  // Padding that is one byte longer makes the message at least one byte longer, and at most three length
  // fields grow on the way: from below, the first that reaches `size` is found within a few steps.
  const std::size_t fields_max = 6;
  padded.padding_bytes = static_cast<std::uint16_t>(size - bare > fields_max ? size - bare - fields_max : 1);
  while (encoded_size(padded) < size) ++padded.padding_bytes;
  return padded.padding_bytes;
}

}  // namespace shoal::wire
