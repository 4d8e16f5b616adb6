// Asking: a request from its sending to its end.
#include "node/rpc/rpc.h"

#include <algorithm>
#include <utility>

#include "node/wire/codec.h"

namespace shoal {
namespace {

// Of an index that has become empty: what a burst has taken is given back.
constexpr std::size_t kBucketsKept = 16;
// The wait for an answer to a later sending, in time-outs.
constexpr int kBackoffMax = 2;
// In request_timeout_first.
constexpr int kPatience = 2;
// Handshake and transfer of the largest value over a slow link.
constexpr Duration kSessionRequestTimeout = std::chrono::seconds(30);
// A session that was one too many has ended by then; one that ends later has failed.
constexpr Duration kSessionTooManyWithin = std::chrono::seconds(2);
// Before the second session, and twice as long before each after it: others may end their handshakes.
constexpr Duration kSessionAgainAfter = std::chrono::milliseconds(100);
constexpr std::uint8_t kSessionsTried = 4;

bool asks_for_contacts(const wire::Request& request) {
  return request.kind() == wire::RequestKind::kFindHost || request.kind() == wire::RequestKind::kGetItem;
}

}  // namespace

Rpc::Rpc(NodeContext& context, const Id& self, Datagrams& datagrams, DatagramCipher& cipher,
         Connections& connections, RpcListener& listener)
    : context_(context),
      self_(self),
      datagrams_(datagrams),
      cipher_(cipher),
      connections_(connections),
      listener_(listener),
      mint_(context.rng),
      tokens_(context.config.tokens_max),
      sources_(context.config.requests_per_source_per_s, context.rng),
      strangers_(context.config.strangers_per_s),
      pacer_(context.config.requests_per_source_per_s, context.rng),
      client_in_requests_(context.config.client),
      client_in_responses_(context.config.client),
      hello_secret_(context.rng.next()),
      out_workers_(context.config.requests_in_flight_max) {}

Guid Rpc::request(OutRequest out) {
  if (out_workers_.full()) return {};
  OutWorker worker{};
  worker.request.id = context_.rng.next();
  worker.request.client = client_in_requests_;
  worker.request.body = std::move(out.body);
  worker.to = out.to;
  worker.purpose = out.purpose;
  worker.completion = out.completion;
  worker.by_session = out.by_session;
  worker.connection = out.connection;
  worker.prompted = out.prompted;
  worker.padded = out.padded;
  worker.names_connection = static_cast<bool>(out.connection);
  worker.by_multicast = !out.by_session && !wire::is_unicast(out.to.endpoint);
  const std::uint8_t attempts_usual = out.by_session ? kSessionsTried : context_.config.request_attempts;
  worker.attempts_max = out.attempts_max == 0 ? attempts_usual : out.attempts_max;
  worker.timeout = timeout_for(worker);
  worker.rtt_known = tokens_.rtt(worker.to.key) > Duration::zero();
  const std::uint64_t wire_id = worker.request.id;
  const Guid guid = out_workers_.insert(std::move(worker));
  by_wire_id_.insert_or_assign(wire_id, guid);
  begin(guid, *out_workers_.find(guid));
  return guid;
}

// Now, or when its turn comes.
void Rpc::begin(Guid guid, OutWorker& worker) {
  const bool is_paced = !worker.by_session && !worker.by_multicast;
  const Duration wait = is_paced ? pacer_.wait(worker.to.key, context_.now()) : Duration();
  if (wait == Duration::zero()) {
    send(guid, worker);
    return;
  }
  worker.due = context_.now() + wait;
  context_.at(worker.due, DeadlineKind::kRequest, guid);
}

void Rpc::forget(Guid request) {
  if (OutWorker* worker = out_workers_.find(request)) worker->completion = {};
}

Duration Rpc::usual_timeout() const {
  const NodeConfig& config = context_.config;
  if (!rtt_.known()) return config.request_timeout_first;
  return std::clamp(rtt_.mean() + 4 * rtt_.deviation(), config.request_timeout_min,
                    config.request_timeout_max);
}

// An answer that comes after the usual time-out counts as if it came just then: a few slow hosts are not to
// prolong the wait for all others. A network that has become slower is still followed within seconds.
void Rpc::learn(Duration rtt) {
  rtt_.sample(std::min(rtt, usual_timeout()));
}

// What is usual, but for a host known to be slow as much as it takes.
Duration Rpc::timeout_for(const OutWorker& worker) const {
  if (worker.by_session) return kSessionRequestTimeout;
  const Duration of_this_one = tokens_.rtt(worker.to.key) * 3 / 2;
  return std::max(usual_timeout(), std::min(of_this_one, context_.config.request_timeout_max));
}

// For the answer to the sending that is about to begin. A contact that nothing is known of may be one of the
// few that are many times slower than the rest: it has kPatience in all before it counts as silent.
Duration Rpc::wait_for(const OutWorker& worker) const {
  if (worker.by_session) return worker.timeout;
  const bool only_one = worker.attempts_max == 1;
  const Duration wait =
      worker.timeout * (only_one ? kBackoffMax : std::min<int>(worker.attempts, kBackoffMax));
  if (worker.rtt_known || worker.attempts < worker.attempts_max) return wait;
  const Instant first = worker.earlier.empty() ? worker.sent : worker.earlier.front().sent;
  return std::max(wait, first + kPatience * context_.config.request_timeout_first - worker.sent);
}

void Rpc::send(Guid guid, OutWorker& worker) {
  ++worker.attempts;
  worker.sent = context_.now();
  worker.due = worker.sent + wait_for(worker);
  context_.at(worker.due, DeadlineKind::kRequest, guid);
  if (worker.by_session) {
    send_by_session(guid, worker);
    return;
  }
  worker.request.token = tokens_.find(worker.to.key, worker.sent);
  worker.request.padding_bytes = 0;
  const bool is_first = worker.attempts == 1;
  if (asks_for_contacts(worker.request) && !worker.request.token && worker.padded && is_first) {
    worker.request.padding_bytes = wire::padding_for(worker.request, wire::kPaddedFindBytes);
  }
  const std::size_t bytes =
      send_sealed(worker.to.key, worker.to.endpoint, wire::encode(worker.request), Admission::kAdmit);
  NodeCounters::Kind& kind = context_.counters.kinds[worker.request.body.index()];
  ++kind.requests_sent;
  kind.request_bytes_sent += bytes;
  context_.counters.count(worker.purpose, bytes);
}

void Rpc::send_by_session(Guid guid, OutWorker& worker) {
  Bytes message = wire::encode(worker.request);
  const std::size_t bytes = message.size();
  const auto connection =
      worker.names_connection ? Result<Guid>(worker.connection) : connections_.open(worker.to);
  if (connection) worker.connection = *connection;
  if (!connection ||
      !connections_.send(*connection, connections_.next_stream(*connection), std::move(message))) {
    on_session_failed(guid, worker);
    return;
  }
  NodeCounters::Kind& kind = context_.counters.kinds[worker.request.body.index()];
  ++kind.requests_sent;
  kind.request_bytes_sent += bytes;
  context_.counters.session_bytes_sent += bytes;
  context_.counters.count(worker.purpose, bytes);
}

std::size_t Rpc::send_sealed(const Id& to, const Endpoint& endpoint, ByteView message, Admission admission) {
  Bytes datagram;
  datagram.reserve(message.size() + kSealOverheadBytes);
  if (!cipher_.seal(to, message, datagram, admission)) return 0;  // no valid key: it will go unanswered
  send_raw(endpoint, datagram);
  return datagram.size();
}

void Rpc::send_raw(const Endpoint& to, ByteView datagram) {
  if (!datagrams_.send(to, datagram)) {
    ++context_.counters.dropped_send;
    return;
  }
  contacted_.add(to, context_.now());
  ++context_.counters.datagrams_sent;
  context_.counters.bytes_sent += datagram.size();
}

bool Rpc::is_due(Guid guid, Instant when) {
  const OutWorker* worker = out_workers_.find(guid);
  if (worker == nullptr) return false;
  return when >= worker->due;
}

// It goes on with the next deadline: by another session, or to its end. Its owner hears of that only after it
// has been told the request's guid.
void Rpc::on_session_failed(Guid guid, OutWorker& worker) {
  const bool one_too_many = context_.now() - worker.sent < kSessionTooManyWithin;
  worker.due = context_.now();
  if (one_too_many && !worker.names_connection && worker.attempts < worker.attempts_max) {
    worker.connection = {};
    worker.due += context_.rng.jittered(kSessionAgainAfter * (1 << (worker.attempts - 1)), 0.5);
  }
  context_.at(worker.due, DeadlineKind::kRequest, guid);
}

void Rpc::on_deadline(Guid guid) {
  if (!is_due(guid, context_.now())) return;
  OutWorker* worker = out_workers_.find(guid);
  if (worker->attempts == 0) {
    send(guid, *worker);
    return;
  }
  const bool session_fails = worker->by_session && worker->connection;
  if (session_fails || worker->attempts >= worker->attempts_max) {
    finish(guid, ErrorCode::kTimeout, nullptr);
    return;
  }
  const Completion completion = worker->completion;
  const bool first = worker->attempts == 1 && !worker->by_session;
  send_again(guid, *worker);
  if (first) listener_.on_slow(completion);
}

void Rpc::send_again(Guid guid, OutWorker& worker) {
  if (!worker.by_session && !worker.by_multicast) (void)pacer_.wait(worker.to.key, context_.now());
  worker.earlier.push_back({worker.request.id, worker.sent});
  worker.request.id = context_.rng.next();
  by_wire_id_.insert_or_assign(worker.request.id, guid);
  send(guid, worker);
}

void Rpc::forget_earlier(OutWorker& worker) {
  for (const Sending& sending : worker.earlier) by_wire_id_.erase(sending.id);
  worker.earlier.clear();
}

void Rpc::finish(Guid guid, ErrorCode error, const wire::Response* response, std::optional<Duration> rtt) {
  std::optional<OutWorker> worker = out_workers_.take(guid);
  if (!worker) return;
  by_wire_id_.erase(worker->request.id);
  const bool at_its_endpoint = !worker->by_session && !worker->by_multicast;
  if (response == nullptr && at_its_endpoint) note_unanswered(*worker);
  forget_earlier(*worker);
  if (by_wire_id_.empty() && by_wire_id_.bucket_count() > kBucketsKept) by_wire_id_ = {};
  const Answer answer{worker->completion, worker->to, error, response, rtt};
  if (response == nullptr) {
    ++context_.counters.requests_timed_out;
    if (at_its_endpoint) listener_.on_contact_silent(worker->to);
  } else {
    if (!worker->by_session) learn(*rtt);
    if (response->client) {
      listener_.on_client(worker->to.key);
    } else if (at_its_endpoint) {
      listener_.on_contact_answered(worker->to, *rtt);
    }
    const bool counts = !worker->prompted && !worker->by_session;
    if (response->time_s != 0 && counts) {
      context_.network_time.heard(worker->to.endpoint, WallTime(std::chrono::seconds(response->time_s)),
                                  context_.clock.wall_time(), context_.now());
    }
    if (response->observed && counts && at_its_endpoint) {
      listener_.on_observed(*response->observed, worker->to);
    }
  }
  if (answer.completion.owner != Completion::Owner::kNobody) listener_.on_answer(answer);
}

void Rpc::note_unanswered(const OutWorker& worker) {
  const auto note = [&](const Sending& sending) {
    if (unanswered_.size() == kUnansweredMax) unanswered_.erase(unanswered_.begin());
    unanswered_.push_back({sending, worker.to});
  };
  for (const Sending& sending : worker.earlier) note(sending);
  note({worker.request.id, worker.sent});
}

// Nobody waits for it any longer, but it says that the contact is there, and how long to wait for it next
// time.
void Rpc::handle_late(const HandleResponse& job) {
  ++context_.counters.dropped_late_response;
  const auto late = std::ranges::find_if(
      unanswered_, [&](const Unanswered& request) { return request.sending.id == job.response.id; });
  if (late == unanswered_.end() || job.origin.connection || late->to.key != job.origin.key ||
      !late->to.endpoint.same_place(job.origin.endpoint)) {
    return;
  }
  const Contact contact = late->to;
  const Duration rtt = context_.now() - late->sending.sent;
  unanswered_.erase(late);
  learn(rtt);
  if (job.response.token) tokens_.put(contact.key, *job.response.token, context_.now(), rtt);
  if (!job.response.client) listener_.on_contact_answered(contact, rtt);
}

void Rpc::on_session_lost(Guid connection) {
  std::vector<Guid> ended;
  out_workers_.for_each([&](Guid guid, const OutWorker& worker) {
    if (worker.by_session && worker.connection == connection) ended.push_back(guid);
  });
  for (const Guid guid : ended) on_session_failed(guid, *out_workers_.find(guid));
}

// A store needs our current token; a host that has lost ours sends a new one with its refusal.
bool Rpc::renew_token(Guid guid, OutWorker& worker, const wire::Response& response) {
  const auto* refusal = std::get_if<wire::Refusal>(&response.body);
  if (refusal == nullptr || refusal->code != ErrorCode::kBadToken || worker.token_renewed ||
      !response.token) {
    return false;
  }
  worker.token_renewed = true;
  worker.attempts = 0;
  send_again(guid, worker);
  forget_earlier(worker);  // they had the old token too, and mean nothing any more
  return true;
}

void Rpc::handle(const HandleResponse& job) {
  const auto found = by_wire_id_.find(job.response.id);
  OutWorker* worker = found == by_wire_id_.end() ? nullptr : out_workers_.find(found->second);
  const bool from_whom_we_asked =
      worker != nullptr && worker->to.key == job.origin.key &&
      (worker->by_session ? worker->connection && worker->connection == job.origin.connection
                          : !job.origin.connection && (worker->by_multicast ||
                                                       worker->to.endpoint.same_place(job.origin.endpoint)));
  if (!from_whom_we_asked) {
    handle_late(job);
    return;
  }
  const Guid guid = found->second;
  ++context_.counters.kinds[worker->request.body.index()].responses_received;
  context_.counters.count(worker->purpose, job.origin.received_bytes);
  Instant sent = worker->sent;
  for (const Sending& sending : worker->earlier) {
    if (sending.id == job.response.id) sent = sending.sent;
  }
  const Duration rtt = context_.now() - sent;
  if (job.response.token) {
    tokens_.put(job.origin.key, *job.response.token, context_.now(),
                worker->by_session ? Duration::zero() : rtt);
  }
  if (renew_token(guid, *worker, job.response)) return;
  if (worker->by_multicast) worker->to.endpoint = job.origin.endpoint;
  const auto* refusal = std::get_if<wire::Refusal>(&job.response.body);
  finish(guid, refusal == nullptr ? ErrorCode::kNone : refusal->code, &job.response, rtt);
}

}  // namespace shoal
