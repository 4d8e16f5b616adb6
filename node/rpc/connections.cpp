#include "node/rpc/connections.h"

#include <array>
#include <utility>
#include <vector>

namespace shoal {
Connections::Connections(NodeContext& context, const KeyPair& keys, Streams& streams,
                         ConnectionListener& listener)
    : context_(context),
      keys_(keys),
      streams_(streams),
      listener_(listener),
      connections_(context.config.sessions_max) {}

Result<Guid> Connections::open(const Contact& contact) {
  if (const auto known = by_host_.find(contact.key); known != by_host_.end()) return known->second;
  if (connections_.full()) {
    return fail(ErrorCode::kBusy, "all sessions_max sessions are in use");
  }
  const auto stream = streams_.connect(contact.endpoint);
  if (!stream) return tl::unexpected(stream.error());
  Connection connection;
  connection.stream = *stream;
  connection.peer = contact.endpoint;
  connection.contact = contact;
  connection.session =
      std::make_unique<Session>(noise::Role::kInitiator, keys_, contact.key, context_.rng.fork());
  const Guid guid = connections_.insert(std::move(connection));
  by_stream_.emplace(*stream, guid);
  by_host_.emplace(contact.key, guid);
  begin(guid);
  return guid;
}

void Connections::begin(Guid guid) {
  Connection& connection = *connections_.find(guid);
  connection.last_active = context_.now();
  context_.after(context_.config.handshake_timeout, DeadlineKind::kConnection, guid);
}

void Connections::accept(StreamId stream, const Endpoint& peer) {
  if (connections_.full()) {
    streams_.close(stream, CloseMode::kReset);
    return;
  }
  Connection connection;
  connection.stream = stream;
  connection.peer = peer;
  connection.session =
      std::make_unique<Session>(noise::Role::kResponder, keys_, std::nullopt, context_.rng.fork());
  const Guid guid = connections_.insert(std::move(connection));
  by_stream_.emplace(stream, guid);
  begin(guid);
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

std::uint32_t Connections::next_stream(Guid guid) {
  Connection* connection = connections_.find(guid);
  if (connection == nullptr) return 0;
  // Requests of both sides share the stream numbers: even ones are the initiator's.
  const std::uint32_t stream = connection->next_stream * 2 + (connection->contact ? 0 : 1);
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
    connection->last_active = context_.now();
    if (!connection->session->receive(ByteView(buffer).first(got))) {
      ++context_.counters.dropped_unverified;
      lose(guid, true);
      return;
    }
    deliver(guid);
    if (connections_.find(guid) != nullptr) flush(guid);
    if (got < buffer.size()) return;
  }
}

void Connections::deliver(Guid guid) {
  Connection* connection = connections_.find(guid);
  Session& session = *connection->session;
  if (!session.established()) return;
  if (!connection->contact) by_host_.try_emplace(session.peer(), guid);
  while (auto received = session.next_message()) {
    Origin origin;
    origin.key = session.peer();
    origin.endpoint = connection->peer;
    origin.connection = guid;
    origin.stream = received->stream;
    origin.received_bytes = static_cast<std::uint32_t>(received->message.size());
    listener_.on_session_message(origin, received->message);
  }
}

void Connections::flush(Guid guid) {
  Connection* connection = connections_.find(guid);
  Session& session = *connection->session;
  for (ByteView out = session.outgoing(); !out.empty(); out = session.outgoing()) {
    const std::size_t written = streams_.write(connection->stream, out);
    session.consumed(written);
    if (written < out.size()) return;
  }
  if (connection->finishing || session.finished_by_peer()) {
    streams_.close(connection->stream, CloseMode::kGraceful);
    lose(guid, false);
  }
}

void Connections::lose(Guid guid, bool reset) {
  std::optional<Connection> connection = connections_.take(guid);
  if (!connection) return;
  by_stream_.erase(connection->stream);
  const std::optional<Id> host = connection->contact ? std::optional<Id>(connection->contact->key)
                                 : connection->session->established()
                                     ? std::optional<Id>(connection->session->peer())
                                     : std::nullopt;
  if (host) {
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
  connection.finishing = true;
  connection.session->finish();
  flush(guid);
}

void Connections::on_deadline(Guid guid) {
  Connection* connection = connections_.find(guid);
  if (connection == nullptr) return;
  const bool stuck = !connection->session->established() || connection->finishing;
  if (stuck) {
    lose(guid, true);
    return;
  }
  const Instant idle_at = connection->last_active + context_.config.session_idle_timeout;
  if (context_.now() < idle_at) {
    context_.at(idle_at, DeadlineKind::kConnection, guid);
    return;
  }
  context_.after(context_.config.handshake_timeout, DeadlineKind::kConnection, guid);
  finish(guid);
}

void Connections::close(const Id& host) {
  const auto found = by_host_.find(host);
  if (found != by_host_.end()) finish(found->second);
}

void Connections::close_all() {
  std::vector<Guid> all;
  connections_.for_each([&](Guid guid, const Connection&) { all.push_back(guid); });
  for (const Guid guid : all) finish(guid);
}

}  // namespace shoal
