#include "node/rpc/connections.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace shoal {
namespace {

constexpr int kKeepAlivesMissed = 3;

// What one stranger can have as many of as it likes is left out: ports, and the addresses of an IPv6 /64.
Address source_of(const Endpoint& endpoint) {
  Address source = endpoint.address;
  if (!endpoint.is_v4()) std::fill(source.begin() + 8, source.end(), std::uint8_t{0});
  return source;
}

bool same_source(const Endpoint& a, const Endpoint& b) {
  return source_of(a) == source_of(b);
}

}  // namespace

Connections::Connections(NodeContext& context, const KeyPair& keys, SessionGroups& groups, Streams& streams,
                         ConnectionListener& listener)
    : context_(context),
      keys_(keys),
      groups_(groups),
      streams_(streams),
      listener_(listener),
      started_(context.now()),
      connections_(context.config.sessions_max) {}

Result<Guid> Connections::open(const Contact& contact, std::optional<Id> group) {
  if (const auto known = by_host_.find(contact.key); known != by_host_.end()) return known->second;
  if (connections_.full() && !end_one(is_stranger, nullptr)) {
    return fail(ErrorCode::kBusy, "all sessions_max sessions are in use");
  }
  const auto stream = streams_.connect(contact.endpoint);
  if (!stream) return tl::unexpected(stream.error());
  Connection connection;
  connection.stream = *stream;
  connection.peer = contact.endpoint;
  connection.contact = contact;
  connection.session = std::make_unique<Session>(keys_,
                                                 SessionOptions{.role = noise::Role::kInitiator,
                                                                .expected_peer = contact.key,
                                                                .groups = &groups_,
                                                                .group = group,
                                                                .now = context_.wall_time()},
                                                 context_.rng.fork());
  const Guid guid = insert(std::move(connection));
  by_host_.emplace(contact.key, guid);
  return guid;
}

Guid Connections::insert(Connection connection) {
  const StreamId stream = connection.stream;
  connection.last_active = connection.last_heard = connection.last_sent = context_.now();
  connection.rekey_at = context_.now() + context_.config.session_rekey_interval;
  const Guid guid = connections_.insert(std::move(connection));
  by_stream_.emplace(stream, guid);
  schedule(guid, context_.now() + context_.config.handshake_timeout);
  return guid;
}

void Connections::schedule(Guid guid, Instant when) {
  connections_.find(guid)->deadline = when;
  context_.at(when, DeadlineKind::kConnection, guid);
}

bool Connections::is_half_open(const Connection& connection) {
  return !connection.outbound() && !connection.session->established();
}

bool Connections::is_stranger(const Connection& connection) {
  return !connection.outbound() && !connection.shares_groups && connection.session->established();
}

bool Connections::may_accept(const Endpoint& peer) {
  const NodeConfig& config = context_.config;
  std::size_t half_open = 0;
  std::size_t half_open_of_source = 0;
  std::size_t strangers = 0;
  std::size_t strangers_of_source = 0;
  connections_.for_each([&](Guid, const Connection& connection) {
    const std::size_t of_source = same_source(connection.peer, peer) ? 1 : 0;
    if (is_stranger(connection)) {
      ++strangers;
      strangers_of_source += of_source;
    } else if (is_half_open(connection)) {
      ++half_open;
      half_open_of_source += of_source;
    }
  });
  if (half_open_of_source >= config.half_open_per_source_max) return false;
  if (half_open >= config.half_open_max && !end_one(is_half_open, nullptr)) return false;
  if (strangers_of_source >= config.sessions_per_source_max) return end_one(is_stranger, &peer);
  if (strangers >= strangers_max()) return end_one(is_stranger, nullptr);
  return !connections_.full() || end_one(is_stranger, nullptr);
}

bool Connections::end_one(bool (*is_of)(const Connection&), const Endpoint* source) {
  std::map<Address, std::size_t> of_source;
  connections_.for_each([&](Guid, const Connection& connection) {
    if (is_of(connection)) ++of_source[source_of(connection.peer)];
  });
  Guid least;
  std::size_t least_of_source = 0;
  Instant least_active{};
  connections_.for_each([&](Guid guid, const Connection& connection) {
    if (!is_of(connection) || (source != nullptr && !same_source(connection.peer, *source))) return;
    const std::size_t count = of_source.at(source_of(connection.peer));
    const bool is_least = !least || count > least_of_source ||
                          (count == least_of_source && connection.last_active < least_active);
    if (!is_least) return;
    least = guid;
    least_of_source = count;
    least_active = connection.last_active;
  });
  if (!least) return false;
  ++context_.counters.sessions_gave_way;
  lose(least, true);
  return true;
}

void Connections::accept(StreamId stream, const Endpoint& peer) {
  if (!may_accept(peer)) {
    ++context_.counters.sessions_refused;
    streams_.close(stream, CloseMode::kReset);
    return;
  }
  Connection connection;
  connection.stream = stream;
  connection.peer = peer;
  const WallTime now = context_.wall_time();
  const auto uptime = std::chrono::duration_cast<std::chrono::milliseconds>(context_.now() - started_);
  connection.session = std::make_unique<Session>(
      keys_,
      SessionOptions{.role = noise::Role::kResponder, .groups = &groups_, .now = now, .since = now - uptime},
      context_.rng.fork());
  insert(std::move(connection));
}

Result<void> Connections::send(Guid guid, std::uint32_t stream, Bytes message) {
  Connection* connection = connections_.find(guid);
  if (connection == nullptr || connection->finishing) {
    return fail(ErrorCode::kNotConnected, "the session has ended");
  }
  connection->last_active = context_.now();
  if (auto sent = connection->session->send(stream, std::move(message)); !sent) return sent;
  flush(guid);
  return {};
}

bool Connections::has_room(Guid guid, std::size_t bytes) const {
  const Connection* connection = connections_.find(guid);
  return connection == nullptr || connection->session->has_room(bytes);
}

std::uint32_t Connections::next_stream(Guid guid) {
  Connection* connection = connections_.find(guid);
  if (connection == nullptr) return 0;
  // Requests of both sides share the stream numbers: even ones are the initiator's.
  const std::uint32_t stream = connection->next_stream * 2 + (connection->outbound() ? 0 : 1);
  ++connection->next_stream;
  return stream;
}

Guid Connections::find(StreamId stream) const {
  const auto found = by_stream_.find(stream);
  return found == by_stream_.end() ? Guid{} : found->second;
}

void Connections::handle(const HandleStream& job) {
  if (job.event == HandleStream::Event::kOpened && job.inbound) {
    accept(job.stream, job.peer);
    return;
  }
  const Guid guid = find(job.stream);
  if (!guid) return;
  switch (job.event) {
    case HandleStream::Event::kOpened:
    case HandleStream::Event::kWritable:
      flush(guid);
      break;
    case HandleStream::Event::kReadable:
      read(guid);
      break;
    case HandleStream::Event::kClosed:
      lose(guid, !connections_.find(guid)->session->finished_by_peer());
      break;
    case HandleStream::Event::kReset:
      lose(guid, true);
      break;
  }
}

void Connections::read(Guid guid) {
  std::array<std::uint8_t, 16 * 1024> buffer;
  for (;;) {
    Connection* connection = connections_.find(guid);
    if (connection == nullptr) return;
    const std::size_t got = streams_.read(connection->stream, buffer);
    if (got == 0) return;
    connection->last_heard = context_.now();
    const bool was_established = connection->session->established();
    if (!connection->session->receive(ByteView(buffer).first(got))) {
      ++context_.counters.dropped_unverified;
      lose(guid, true);
      return;
    }
    if (!was_established && connection->session->established()) on_established(guid);
    deliver(guid);
    if (connections_.find(guid) != nullptr) flush(guid);
    if (got < buffer.size()) return;
  }
}

void Connections::on_established(Guid guid) {
  Connection& connection = *connections_.find(guid);
  connection.last_active = connection.established_at = context_.now();
  if (!by_host_.try_emplace(connection.session->peer(), guid).second) end_duplicate(guid);
}

// Both sides choose alike, whichever of the two sessions was established first.
void Connections::end_duplicate(Guid guid) {
  const Connection& newer = *connections_.find(guid);
  Guid& named = by_host_.at(newer.session->peer());
  if (named == guid) return;
  const Connection& older = *connections_.find(named);
  // Two hosts that call each other at once do so within the time of a handshake.
  const bool forgotten = context_.now() >= older.established_at + context_.config.handshake_timeout;
  if (!forgotten && newer.outbound() == older.outbound()) {  // both begun by one host: it knows why
    named = guid;
    return;
  }
  const bool ours_stays = keys_.public_key() < newer.session->peer();
  const Guid loser = forgotten || newer.outbound() == ours_stays ? named : guid;
  if (loser == named) named = guid;
  finish(loser);
}

void Connections::deliver(Guid guid) {
  if (const Connection* connection = connections_.find(guid);
      connection == nullptr || !connection->session->established())
    return;
  tell_shared_groups(guid);
  while (Connection* connection = connections_.find(guid)) {
    auto received = connection->session->next_message();
    if (!received) return;
    connection->last_active = context_.now();
    Origin origin;
    origin.key = connection->session->peer();
    origin.endpoint = connection->peer;
    origin.connection = guid;
    origin.stream = received->stream;
    origin.received_bytes = static_cast<std::uint32_t>(received->message.size());
    listener_.on_session_message(origin, received->message);
  }
}

void Connections::tell_shared_groups(Guid guid) {
  Connection& connection = *connections_.find(guid);
  if (connection.finishing) return;  // of two sessions with one host it is the one that goes
  const auto shared = connection.session->take_shared_groups();
  if (!shared) return;
  if (connection.shares_groups == shared->empty()) schedule(guid, context_.now());
  connection.shares_groups = !shared->empty();
  listener_.on_shared_groups(guid, {connection.session->peer(), connection.peer}, connection.outbound(),
                             *shared);
}

void Connections::on_groups_changed() {
  std::vector<Guid> all;
  connections_.for_each([&](Guid guid, const Connection&) { all.push_back(guid); });
  for (const Guid guid : all) {
    connections_.find(guid)->session->on_groups_changed();
    if (connections_.find(guid)->session->established()) tell_shared_groups(guid);
    flush(guid);
  }
}

void Connections::flush(Guid guid) {
  Connection* connection = connections_.find(guid);
  if (connection == nullptr) return;
  Session& session = *connection->session;
  for (ByteView out = session.outgoing(); !out.empty(); out = session.outgoing()) {
    const std::size_t written = streams_.write(connection->stream, out);
    if (written > 0) connection->last_sent = context_.now();
    session.consumed(written);
    if (written < out.size()) return;
  }
  if (connection->finishing || session.finished_by_peer()) {
    streams_.close(connection->stream, CloseMode::kGraceful);
    lose(guid, false);
  }
}

std::optional<Id> Connections::host_of(const Connection& connection) const {
  if (connection.contact) return connection.contact->key;
  if (connection.session->established()) return connection.session->peer();
  return std::nullopt;
}

void Connections::lose(Guid guid, bool reset) {
  std::optional<Connection> connection = connections_.take(guid);
  if (!connection) return;
  by_stream_.erase(connection->stream);
  if (const auto host = host_of(*connection)) {
    const auto named = by_host_.find(*host);
    if (named != by_host_.end() && named->second == guid) by_host_.erase(named);
  }
  if (reset) streams_.close(connection->stream, CloseMode::kReset);
  lost_.push_back({guid, connection->contact, reset});
  context_.at(context_.now(), DeadlineKind::kSessionsLost);
}

void Connections::report_lost() {
  for (const Lost& lost : std::exchange(lost_, {})) {
    listener_.on_session_lost(lost.connection, lost.contact, lost.reset);
  }
}

void Connections::finish(Guid guid) {
  Connection& connection = *connections_.find(guid);
  if (!connection.session->established()) {
    lose(guid, true);
    return;
  }
  if (!connection.finishing) schedule(guid, context_.now() + context_.config.handshake_timeout);
  connection.finishing = true;
  connection.session->finish();
  flush(guid);
}

void Connections::on_deadline(Guid guid) {
  Connection* connection = connections_.find(guid);
  if (connection == nullptr || context_.now() < connection->deadline) return;
  const bool stuck = !connection->session->established() || connection->finishing;
  if (stuck) {
    lose(guid, true);
  } else if (connection->shares_groups) {
    keep_alive(guid);
  } else if (const Instant idle_at = connection->last_active + context_.config.session_idle_timeout;
             context_.now() < idle_at) {
    schedule(guid, idle_at);
  } else {
    finish(guid);
  }
}

void Connections::keep_alive(Guid guid) {
  Connection& connection = *connections_.find(guid);
  const Duration interval = context_.config.session_keep_alive;
  const Instant now = context_.now();
  const bool doubted = connection.doubted_at && now >= *connection.doubted_at + kDoubted &&
                       connection.last_heard <= *connection.doubted_at;
  if (doubted || now >= connection.last_heard + kKeepAlivesMissed * interval) {
    lose(guid, true);
    return;
  }
  if (now >= connection.rekey_at) {
    connection.session->rekey();
    connection.rekey_at = now + context_.config.session_rekey_interval;
  }
  if (now >= connection.last_sent + interval) connection.session->keep_alive();
  schedule(guid, now + interval);
  flush(guid);
}

void Connections::doubt_all() {
  std::vector<Guid> all;
  connections_.for_each([&](Guid guid, const Connection& connection) {
    if (connection.shares_groups && !connection.finishing) all.push_back(guid);
  });
  for (const Guid guid : all) {
    connections_.find(guid)->doubted_at = context_.now();
    schedule(guid, context_.now() + kDoubted);
  }
}

void Connections::close(const Id& host) {
  const auto found = by_host_.find(host);
  if (found != by_host_.end() && !connections_.find(found->second)->shares_groups) finish(found->second);
}

void Connections::close_all() {
  std::vector<Guid> all;
  connections_.for_each([&](Guid guid, const Connection&) { all.push_back(guid); });
  for (const Guid guid : all) finish(guid);
}

void Connections::reset_all() {
  for (const auto& [stream, guid] : by_stream_) streams_.close(stream, CloseMode::kReset);
}

}  // namespace shoal
