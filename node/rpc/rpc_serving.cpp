// What comes in: datagrams, messages, hellos; and the answers to them.
#include <algorithm>
#include <utility>

#include "node/rpc/rpc.h"
#include "node/rpc/told_contacts.h"
#include "node/wire/codec.h"

namespace shoal {
namespace {

constexpr std::size_t kHelloBytes = kSealHeaderBytes + kIdBytes;
constexpr std::size_t kAmplification = 3;  // RFC 9000 §8.1

JobClass class_of(const wire::Request& request) {
  switch (request.kind()) {
    case wire::RequestKind::kStoreItem:
    case wire::RequestKind::kGetItem:
      return JobClass::kStorage;
    case wire::RequestKind::kOpenFolder:
    case wire::RequestKind::kSendChanges:
    case wire::RequestKind::kSendFileDetails:
    case wire::RequestKind::kSendFileParts:
    case wire::RequestKind::kSendRangeFingerprints:
    case wire::RequestKind::kSendRange:
      return JobClass::kSync;
    default:
      return JobClass::kNetwork;
  }
}

// 0 for a clock that stands before 1970 or beyond what the field holds.
std::uint32_t seconds_of(WallTime wall) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(wall.time_since_epoch()).count();
  return seconds < 0 || seconds > UINT32_MAX ? 0 : static_cast<std::uint32_t>(seconds);
}

}  // namespace

// ---- Receiving

void Rpc::on_datagram(const Endpoint& from, ByteView datagram) {
  ++context_.counters.datagrams_received;
  context_.counters.bytes_received += datagram.size();
  const std::optional<Id> sender =
      datagram.size() <= kDatagramBytesMax ? peek_sender(datagram) : std::nullopt;
  if (!sender) {
    ++context_.counters.dropped_malformed;
    return;
  }
  const Instant now = context_.now();
  const bool known = cipher_.knows(*sender);
  if (!known && !sources_.allow(from, now)) {
    ++context_.counters.dropped_rate_limit;
    return;
  }
  if (!known && !strangers_.allow(now)) {
    ++context_.counters.dropped_stranger_budget;
    return;
  }
  context_.post(known ? JobClass::kNetwork : JobClass::kStrangers,
                HandleDatagram{from, Bytes(datagram.begin(), datagram.end())});
}

void Rpc::handle(const HandleDatagram& job) {
  if (*peek_sender(job.datagram) == Id{}) {
    handle_hello(job.from, job.datagram);
    return;
  }
  const bool known = cipher_.knows(*peek_sender(job.datagram));
  auto opened = cipher_.open(
      job.datagram, known || sources_.admit(job.from, context_.now()) ? Admission::kAdmit : Admission::kPass);
  if (!opened) {
    const bool malformed = opened.error().code == ErrorCode::kMalformed;
    if (!malformed && listener_.on_not_ours(job.from, job.datagram)) return;
    ++(malformed ? context_.counters.dropped_malformed : context_.counters.dropped_unverified);
    return;
  }
  const auto bytes = static_cast<std::uint32_t>(job.datagram.size());
  on_message(Origin{opened->sender, job.from, {}, 0, bytes}, opened->payload);
}

// A request that a later version of the protocol knows and we do not is answered, so that its sender need not
// wait.
void Rpc::on_message(const Origin& origin, ByteView bytes) {
  auto message = wire::decode(bytes);
  if (message) {
    post_message(origin, std::move(*message));
    return;
  }
  ++context_.counters.dropped_malformed;
  if (message.error().code != ErrorCode::kUnsupported) return;
  if (const auto id = wire::request_id(bytes)) {
    respond(origin, *id, wire::RequestKind::kPing, wire::Refusal{ErrorCode::kUnsupported, 0});
  }
}

void Rpc::on_session_message(const Origin& origin, ByteView message) {
  context_.counters.session_bytes_received += message.size();
  on_message(origin, message);
}

// A token proves it; by session it needs none.
bool Rpc::is_validated(const Origin& origin, const wire::Request& request) const {
  if (origin.connection) return true;
  return request.token && mint_.accepts(*request.token, origin.endpoint.address, origin.key, context_.now());
}

void Rpc::post_message(Origin origin, wire::Message message) {
  const auto* response = std::get_if<wire::Response>(&message);
  const bool is_asked_for = response != nullptr && by_wire_id_.contains(response->id);
  if (!origin.connection && !is_asked_for && !sources_.allow_host(origin.key, context_.now())) {
    ++context_.counters.dropped_rate_limit;
    return;
  }
  place_on_link(message, origin.endpoint);
  if (auto* request = std::get_if<wire::Request>(&message)) {
    ++context_.counters.kinds[request->body.index()].requests_received;
    if (!origin.connection && !has_contacted(origin.endpoint)) {
      listener_.on_reached_by_stranger(origin.endpoint);
    }
    origin.validated = is_validated(origin, *request);
    const JobClass job_class = class_of(*request);
    context_.post(job_class, HandleRequest{origin, std::move(*request)});
  } else {
    context_.post(JobClass::kNetwork, HandleResponse{origin, std::move(std::get<wire::Response>(message))});
  }
}

// ---- Hello

void Rpc::send_hello(const Endpoint& to) {
  Bytes hello(kHelloBytes, 0);
  hello[0] = wire::kProtocolVersion;
  context_.rng.fill(MutableByteView(hello).subspan(1 + kIdBytes, kNonceBytes - sizeof hello_secret_));
  for (std::size_t i = 0; i < sizeof hello_secret_; ++i) {
    hello[kSealHeaderBytes - 1 - i] = static_cast<std::uint8_t>(hello_secret_ >> (8 * i));
  }
  send_raw(to, hello);
}

void Rpc::handle_hello(const Endpoint& from, ByteView datagram) {
  if (datagram.size() != kHelloBytes) {
    ++context_.counters.dropped_malformed;
    return;
  }
  const Id key = Id::from_bytes(datagram.last(kIdBytes));
  if (key == Id{}) {
    if (!has_contacted(from)) listener_.on_reached_by_stranger(from);
    Bytes answer(datagram.begin(), datagram.end());
    std::copy(self_.bytes.begin(), self_.bytes.end(), answer.end() - kIdBytes);
    send_raw(from, answer);
    return;
  }
  std::uint64_t secret = 0;
  for (const std::uint8_t byte : datagram.subspan(kSealHeaderBytes - sizeof secret, sizeof secret)) {
    secret = secret << 8 | byte;
  }
  if (secret != hello_secret_) {
    if (listener_.on_not_ours(from, datagram)) return;
    ++context_.counters.dropped_late_response;
    return;
  }
  listener_.on_hello(Contact{key, from});
}

// ---- Answering

std::size_t Rpc::response_bytes_max(const Origin& origin) const {
  if (origin.connection) return wire::kMessageBytesMax;
  if (origin.validated) return wire::kDatagramMessageBytesMax;
  constexpr std::size_t kKept = kSealOverheadBytes + wire::kPingBytesMax;
  const std::size_t sealed_max = kAmplification * origin.received_bytes;
  return sealed_max < kKept + kSealOverheadBytes
             ? 0
             : std::min(wire::kDatagramMessageBytesMax, sealed_max - kKept - kSealOverheadBytes);
}

bool Rpc::has_room(const Origin& origin, std::size_t bytes) const {
  return !origin.connection || connections_.has_room(origin.connection, bytes);
}

void Rpc::respond(const Origin& origin, const wire::Request& request, wire::ResponseBody body) {
  respond(origin, request.id, request.kind(), std::move(body));
}

void Rpc::respond(const Origin& origin, std::uint64_t request_id, wire::RequestKind request_kind,
                  wire::ResponseBody body) {
  wire::Response response;
  response.id = request_id;
  response.body = std::move(body);
  if (!origin.connection) {
    response.token = mint_.mint(origin.endpoint.address, origin.key, context_.now());
    response.observed = origin.endpoint;
    response.time_s = seconds_of(context_.clock.wall_time());
    response.client = client_in_responses_;
  }
  const std::size_t bytes_max = response_bytes_max(origin);
  wire::Message message(std::move(response));
  Bytes encoded = wire::encode(message);
  std::vector<Contact>* contacts = contacts_of(std::get<wire::Response>(message).body);
  while (encoded.size() > bytes_max && contacts != nullptr && !contacts->empty()) {
    const std::size_t excess = (encoded.size() - bytes_max + wire::kContactBytes - 1) / wire::kContactBytes;
    contacts->resize(contacts->size() - std::min(contacts->size(), excess));
    encoded = wire::encode(message);
  }
  if (encoded.size() > bytes_max) {
    ++context_.counters.dropped_amplification;
    return;
  }
  NodeCounters::Kind& kind = context_.counters.kinds[static_cast<std::size_t>(request_kind)];
  if (origin.connection) {
    const std::size_t bytes = encoded.size();
    if (!connections_.send(origin.connection, origin.stream, std::move(encoded))) return;
    context_.counters.session_bytes_sent += bytes;
    kind.response_bytes_sent += bytes;
  } else {
    kind.response_bytes_sent += send_sealed(origin.key, origin.endpoint, encoded, Admission::kPass);
  }
  ++kind.responses_sent;
}

}  // namespace shoal
