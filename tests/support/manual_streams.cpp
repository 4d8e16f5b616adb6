#include "tests/support/manual_streams.h"

#include <algorithm>

#include "node/base/check.h"

namespace shoal {
namespace {

constexpr Duration kRetryInterval = 200ms;  // of a segment that cannot pass now

}  // namespace

StreamId ManualStreamEngine::add_stream(std::uint64_t connection, std::size_t side) {
  const StreamId id{next_stream_++};
  streams_.emplace(id, Place{connection, side});
  return id;
}

ManualStreamEngine::Side* ManualStreamEngine::open_side(StreamId stream, Place& place) {
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return nullptr;
  place = found->second;
  Side& side = connections_.at(place.connection).sides[place.side];
  return side.state == State::kOpen ? &side : nullptr;
}

Result<StreamId> ManualStreamEngine::connect(HostIndex from, const Endpoint& to) {
  if (!network_.up(from)) return fail(ErrorCode::kBusy, "the host is down");
  const std::uint64_t number = next_connection_++;
  Connection& connection = connections_[number];
  Side& ours = connection.sides[0];
  ours.host = from;
  ours.id = add_stream(number, 0);
  ours.peer = to;
  ours.state = State::kConnecting;
  const StreamId id = ours.id;
  network_.post(network_.now() + kConnectTimeout, false, [this, number] { give_up_connecting(number); });
  const ManualNetwork::Host* host = network_.host_at(to.address);
  Side& theirs = connection.sides[1];
  if (host == nullptr) {
    theirs.state = State::kDead;
    return id;
  }
  theirs.peer = network_.endpoint(from);
  theirs.peer.port = next_port_++;
  if (next_port_ == 0) next_port_ = 49152;
  theirs.host = network_.by_address_.at(to.address);
  send(number, 0, Segment{Kind::kConnect, {}, {}});
  return id;
}

void ManualStreamEngine::give_up_connecting(std::uint64_t connection) {
  const auto found = connections_.find(connection);
  if (found == connections_.end() || found->second.sides[0].state != State::kConnecting) return;
  if (found->second.sides[1].state == State::kIdle) found->second.sides[0].outgoing.clear();
  end_with_reset(connection, 0);
}

std::size_t ManualStreamEngine::write(StreamId stream, ByteView bytes) {
  Place place{};
  Side* side = open_side(stream, place);
  if (side == nullptr) return 0;
  const std::size_t count = std::min(bytes.size(), side->room);
  if (count < bytes.size()) side->writable_due = true;
  if (count == 0) return 0;
  side->room -= count;
  const ByteView taken = bytes.first(count);
  network_.totals_.stream_bytes_written += count;
  if (network_.tap_) {
    const Side& other = connections_.at(place.connection).sides[1 - place.side];
    network_.tap_({ManualPassage::Kind::kStream, side->host, other.host, other.peer, place.connection,
                   place.side == 0, Bytes(taken.begin(), taken.end())});
  }
  send(place.connection, place.side, Segment{Kind::kData, {}, Bytes(taken.begin(), taken.end())});
  return count;
}

std::size_t ManualStreamEngine::read(StreamId stream, MutableByteView out) {
  Place place{};
  Side* side = open_side(stream, place);
  if (side == nullptr) return 0;
  const std::size_t count = std::min(out.size(), side->inbox.size());
  const auto end = side->inbox.begin() + static_cast<std::ptrdiff_t>(count);
  std::copy(side->inbox.begin(), end, out.begin());
  side->inbox.erase(side->inbox.begin(), end);
  if (count < out.size()) side->readable_armed = true;
  if (count > 0) send(place.connection, place.side, Segment{Kind::kRoom, {}, {}, count});
  if (side->finished && side->inbox.empty()) {
    network_.post(network_.now(), true, [this, place] { finish_if_read(place.connection, place.side); });
  }
  return count;
}

void ManualStreamEngine::close(StreamId stream, CloseMode mode) {
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  const Place place = found->second;
  streams_.erase(found);
  Side& side = connections_.at(place.connection).sides[place.side];
  if (mode == CloseMode::kGraceful && side.state == State::kOpen) {
    side.state = State::kLingering;
    send(place.connection, place.side, Segment{Kind::kRoom, {}, {}, side.inbox.size()});
    send(place.connection, place.side, Segment{Kind::kFinish, {}, {}});
    side.inbox.clear();
    return;
  }
  side.state = State::kDead;
  switch (connections_.at(place.connection).sides[1 - place.side].state) {
    case State::kIdle:  // has not heard of us yet, and never will
      side.outgoing.clear();
      return forget_if_over(place.connection);
    case State::kDead:
      return forget_if_over(place.connection);
    default:
      return send(place.connection, place.side, Segment{Kind::kReset, {}, {}});
  }
}

void ManualStreamEngine::crash(HostIndex host) {
  listening_[host] = false;
  for (auto next = connections_.begin(); next != connections_.end();) {
    const auto current = next++;
    for (Side& side : current->second.sides) {
      if (side.host != host || side.state == State::kIdle) continue;
      side.state = State::kDead;
      side.outgoing.clear();
      streams_.erase(side.id);
    }
    forget_if_over(current->first);
  }
}

void ManualStreamEngine::send(std::uint64_t connection, std::size_t from, Segment segment) {
  Connection& c = connections_.at(connection);
  Side& side = c.sides[from];
  segment.arrival = network_.now() + network_.link(side.host, c.sides[1 - from].host).delay;
  if (!side.outgoing.empty()) segment.arrival = std::max(segment.arrival, side.outgoing.back().arrival);
  side.outgoing.push_back(std::move(segment));
  post_pump(connection, from, side.outgoing.front().arrival, true);
}

void ManualStreamEngine::post_pump(std::uint64_t connection, std::size_t from, Instant when, bool moving) {
  Side& side = connections_.at(connection).sides[from];
  if (side.pump_posted) return;
  side.pump_posted = true;
  network_.post(when, moving, [this, connection, from] { pump(connection, from); });
}

// Delivers the segments that have arrived by now, or tries again later when they cannot pass.
void ManualStreamEngine::pump(std::uint64_t connection, std::size_t from) {
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  Side& side = found->second.sides[from];
  const Side& other = found->second.sides[1 - from];
  side.pump_posted = false;
  if (side.outgoing.empty()) return;
  if (!network_.up(other.host) || network_.link(side.host, other.host).cut) {
    std::erase_if(side.outgoing, [](const Segment& segment) { return segment.kind == Kind::kReset; });
    if (!side.stalled_since) side.stalled_since = network_.now();
    if (side.outgoing.empty() || stalled_too_long(side)) {
      side.outgoing.clear();
      end_with_reset(connection, from);
    } else {
      post_pump(connection, from, network_.now() + kRetryInterval, false);
    }
    return;
  }
  side.stalled_since.reset();
  while (connections_.contains(connection) && !side.outgoing.empty() &&
         side.outgoing.front().arrival <= network_.now()) {
    Segment segment = std::move(side.outgoing.front());
    side.outgoing.pop_front();
    arrive(connection, 1 - from, std::move(segment));
  }
  if (connections_.contains(connection) && !side.outgoing.empty()) {
    post_pump(connection, from, side.outgoing.front().arrival, true);
  }
}

// As in TCP, only bytes and the end are waited for; an acknowledgement (kRoom) is not.
bool ManualStreamEngine::stalled_too_long(Side& from) {
  const bool waits = std::ranges::any_of(from.outgoing, [](const Segment& segment) {
    return segment.kind == Kind::kData || segment.kind == Kind::kFinish;
  });
  return waits && network_.now() - *from.stalled_since >= kManualStallTimeout;
}

void ManualStreamEngine::arrive(std::uint64_t connection, std::size_t at, Segment segment) {
  Side& side = connections_.at(connection).sides[at];
  switch (segment.kind) {
    case Kind::kConnect:
      return arrive_connect(connection, side);
    case Kind::kAccept:
      return arrive_accept(connection, side);
    case Kind::kData:
      return arrive_data(connection, side, segment);
    case Kind::kRoom:
      return arrive_room(side, segment.room);
    case Kind::kFinish:
      return arrive_finish(connection, side);
    case Kind::kReset:
      return end_with_reset(connection, at);
  }
}

void ManualStreamEngine::arrive_connect(std::uint64_t connection, Side& side) {
  const bool at_its_port =
      connections_.at(connection).sides[0].peer.port == network_.endpoint(side.host).port;
  if (!listening_[side.host] || !at_its_port) {
    side.state = State::kDead;
    return send(connection, 1, Segment{Kind::kReset, {}, {}});
  }
  side.state = State::kOpen;
  side.id = add_stream(connection, 1);
  send(connection, 1, Segment{Kind::kAccept, {}, {}});
  network_.deliver(side.host, [id = side.id, peer = side.peer](PortEvents& events) {
    events.on_stream_opened(id, peer, true);
  });
}

void ManualStreamEngine::arrive_accept(std::uint64_t connection, Side& side) {
  if (side.state != State::kConnecting) return send(connection, 0, Segment{Kind::kReset, {}, {}});
  side.state = State::kOpen;
  network_.deliver(side.host, [id = side.id, peer = side.peer](PortEvents& events) {
    events.on_stream_opened(id, peer, false);
  });
}

void ManualStreamEngine::arrive_data(std::uint64_t connection, Side& side, const Segment& segment) {
  const std::size_t at = &side == &connections_.at(connection).sides[1] ? 1 : 0;
  if (side.state == State::kLingering) {
    return send(connection, at, Segment{Kind::kRoom, {}, {}, segment.data.size()});
  }
  if (side.state != State::kOpen) return send(connection, at, Segment{Kind::kReset, {}, {}});
  side.inbox.insert(side.inbox.end(), segment.data.begin(), segment.data.end());
  if (!side.readable_armed) return;
  side.readable_armed = false;
  network_.deliver(side.host, [id = side.id](PortEvents& events) { events.on_stream_readable(id); });
}

void ManualStreamEngine::arrive_room(Side& side, std::size_t room) {
  side.room += room;
  if (side.state != State::kOpen || !side.writable_due || side.room == 0) return;
  side.writable_due = false;
  network_.deliver(side.host, [id = side.id](PortEvents& events) { events.on_stream_writable(id); });
}

void ManualStreamEngine::arrive_finish(std::uint64_t connection, Side& side) {
  const std::size_t at = &side == &connections_.at(connection).sides[1] ? 1 : 0;
  side.finished = true;
  if (side.state == State::kOpen) return finish_if_read(connection, at);
  if (side.state != State::kLingering) return send(connection, at, Segment{Kind::kReset, {}, {}});
  side.state = State::kDead;
  forget_if_over(connection);
}

void ManualStreamEngine::finish_if_read(std::uint64_t connection, std::size_t at) {
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  Side& side = found->second.sides[at];
  if (side.state != State::kOpen || !side.finished || !side.inbox.empty()) return;
  side.state = State::kDead;
  const StreamId id = side.id;
  const HostIndex host = side.host;
  streams_.erase(id);
  forget_if_over(connection);
  network_.deliver(host, [id](PortEvents& events) { events.on_stream_closed(id); });
}

void ManualStreamEngine::end_with_reset(std::uint64_t connection, std::size_t at) {
  Side& side = connections_.at(connection).sides[at];
  const bool known = side.state == State::kConnecting || side.state == State::kOpen;
  side.state = State::kDead;
  const StreamId id = side.id;
  const HostIndex host = side.host;
  streams_.erase(id);
  forget_if_over(connection);
  if (known) network_.deliver(host, [id](PortEvents& events) { events.on_stream_reset(id); });
}

// A connection is over when neither side can see an event of it any more. What a lingering side still owes to
// a dead one is of no use to anybody.
void ManualStreamEngine::forget_if_over(std::uint64_t connection) {
  const auto& [asker, asked] = connections_.at(connection).sides;
  const auto alive = [](const Side& side) {
    return side.state == State::kConnecting || side.state == State::kOpen;
  };
  const bool on_its_way = asked.state == State::kIdle && !asker.outgoing.empty();
  if (!alive(asker) && !alive(asked) && !on_its_way) connections_.erase(connection);
}

}  // namespace shoal
