#include "sim/message_streams.h"

#include <algorithm>
#include <utility>

#include "sim/message_segments.h"

namespace shoal::sim {
namespace {

constexpr std::size_t kEndsMax = std::size_t{1} << 24;
constexpr std::size_t kFirstWindowBytes = 10 * kSegmentBytes;  // RFC 6928
constexpr Duration kTimeoutFirst = 1s;                         // RFC 6298 §2.1
constexpr std::size_t kWritableRoomMin = kStreamWindowBytes / 4;

Guid guid_of(StreamId stream) {
  return {static_cast<std::uint32_t>(stream.value), static_cast<std::uint32_t>(stream.value >> 32)};
}

}  // namespace

MessageStreams::MessageStreams(EventLoop& loop, World& world, Hosts& hosts)
    : loop_(loop), world_(world), hosts_(hosts), ends_(kEndsMax) {}

// --- The port

Result<StreamId> MessageStreams::connect(HostIndex host, const Endpoint& to) {
  const auto mine = ends_of_host_.find(host);
  if ((mine != ends_of_host_.end() && mine->second.size() >= kStreamsPerHostMax) || ends_.full()) {
    return fail(ErrorCode::kBusy, "no descriptor is left for a stream to " + to.to_string());
  }
  const std::optional<HostIndex> remote = world_.host_at(to);
  End& end = new_end(host, remote.value_or(host), Phase::kConnecting);
  end.address = world_.address(host);
  end.remote_address = remote ? to.v4_address() : end.address;
  end.reaches_somebody = remote.has_value();
  end.right_port = to.port == kHostPort;
  end.give_up_at = loop_.now() + kConnectTimeout;
  send_syn(end);
  arm(end);
  return StreamId{end.self.value()};
}

std::size_t MessageStreams::write(HostIndex host, StreamId stream, ByteView bytes) {
  End* end = find_open(host, stream);
  if (end == nullptr) return 0;
  if (end->peer_ended) return bytes.size();  // lost, as what a closing TCP peer gets
  const std::size_t taken = std::min(bytes.size(), kStreamWindowBytes - end->out.size());
  end->out.append(bytes.first(taken));
  if (taken < bytes.size()) end->wants_writable = true;
  pump(*end);
  arm(*end);
  return taken;
}

std::size_t MessageStreams::read(HostIndex host, StreamId stream, MutableByteView out) {
  End* end = find_open(host, stream);
  if (end == nullptr) return 0;
  const std::size_t taken = std::min(out.size(), end->in.size());
  std::copy_n(end->in.view().begin(), taken, out.begin());
  end->in.consume(taken);
  if (taken < out.size()) end->wants_readable = true;
  if (end->peer_ended && end->in.empty()) {
    post_closed(*end);
  } else if (end->window_was_closed && kStreamWindowBytes - end->in.size() >= kBurstBytes) {
    acknowledge(*end, Segment{});
  }
  return taken;
}

void MessageStreams::close(HostIndex host, StreamId stream, CloseMode mode) {
  End* end = find(guid_of(stream));
  if (end == nullptr || end->host != host || end->phase == Phase::kLingering) return;
  // A peer that has closed takes nothing more.
  if (end->phase == Phase::kConnecting || (end->peer_ended && mode == CloseMode::kGraceful)) {
    remove(end->self);
  } else if (mode == CloseMode::kReset) {
    send(from_end(*end, Kind::kReset), &end->last_arrival);
    remove(end->self);
  } else {
    end->phase = Phase::kLingering;
    end->in.consume(end->in.size());
    pump(*end);
    arm(*end);
  }
}

void MessageStreams::drop_all(HostIndex host) {
  const auto mine = ends_of_host_.find(host);
  if (mine == ends_of_host_.end()) return;
  for (const Guid id : mine->second) ends_.erase(id);
  ends_of_host_.erase(mine);
}

// --- Ends

MessageStreams::End& MessageStreams::new_end(HostIndex host, HostIndex remote, Phase phase) {
  const Guid id = ends_.insert(std::make_unique<End>());
  End& end = **ends_.find(id);
  end.self = id;
  end.host = host;
  end.remote = remote;
  end.phase = phase;
  end.congestion_window = kFirstWindowBytes;
  end.timeout = kTimeoutFirst;
  ends_of_host_[host].push_back(id);
  return end;
}

void MessageStreams::remove(Guid id) {
  End* end = find(id);
  if (end == nullptr) return;
  const auto mine = ends_of_host_.find(end->host);
  std::vector<Guid>& ids = mine.value();
  ids.erase(std::find(ids.begin(), ids.end(), id));
  if (ids.empty()) ends_of_host_.erase(mine);
  ends_.erase(id);
}

MessageStreams::End* MessageStreams::find(Guid id) {
  std::unique_ptr<End>* end = ends_.find(id);
  return end == nullptr ? nullptr : end->get();
}

MessageStreams::End* MessageStreams::find_open(HostIndex host, StreamId stream) {
  End* end = find(guid_of(stream));
  return end != nullptr && end->host == host && end->phase == Phase::kOpen ? end : nullptr;
}

// --- Events

MessageStreams::SegmentEvent& MessageStreams::new_event(const Segment& segment) {
  if (free_events_ == nullptr) free_events_ = &events_.emplace_back(*this);
  SegmentEvent& event = *free_events_;
  free_events_ = event.next_free;
  event.next_free = nullptr;
  event.segment = segment;
  return event;
}

void MessageStreams::on_event(SegmentEvent& event) {
  const bool is_own = event.segment.kind == Kind::kTimer || event.segment.kind == Kind::kClosed;
  if (!is_own && wait_for_down_link(event)) return;
  const Segment segment = event.segment;
  event.next_free = free_events_;
  free_events_ = &event;
  if (!is_own && is_to_past(segment)) return;
  const SimulatedHost& host = hosts_.stream_host(segment.to_host);
  if (host.attached() && host.generation() == segment.to_generation) handle(segment);
}

bool MessageStreams::wait_for_down_link(SegmentEvent& event) {
  Segment& segment = event.segment;
  if (std::exchange(segment.queued, true)) return false;
  const Instant now = loop_.now();
  const Instant turn = world_.receive_paced(segment.to_host, wire_bytes(segment.bytes), now);
  if (turn == now) return false;
  segment.down_wait = turn - now;
  loop_.post(turn, event);
  return true;
}

void MessageStreams::handle(const Segment& segment) {
  switch (segment.kind) {
    case Kind::kSyn:
      return on_syn(segment);
    case Kind::kSynAck:
      return on_syn_ack(segment);
    case Kind::kData:
      return on_data(segment);
    case Kind::kAck:
      return on_ack(segment);
    case Kind::kReset:
      return on_reset(segment.to);
    case Kind::kTimer:
      return on_timer(segment.to);
    case Kind::kClosed:
      return on_closed(segment.to);
  }
}

void MessageStreams::on_syn(const Segment& syn) {
  End* connecting = find(syn.from);
  if (connecting == nullptr) return;
  // No mapping leads to the port that the host listens at: nothing ever goes out from it (RFC 5382 REQ-1).
  if (world_.behind_nat(syn.to_host)) return;
  if (End* known = find(connecting->peer); known != nullptr) {  // our SYN-ACK got lost
    send(from_end(*known, Kind::kSynAck), &known->last_arrival);
    return;
  }
  if (!connecting->right_port || !hosts_.listening(syn.to_host) || ends_.full()) {
    answer_with_reset(syn);
    return;
  }
  End& end = new_end(syn.to_host, syn.from_host, Phase::kOpen);
  end.address = syn.to_address;
  end.remote_address = syn.from_address;
  end.peer = syn.from;
  connecting->peer = end.self;
  send(from_end(end, Kind::kSynAck), &end.last_arrival);
  static constexpr std::uint16_t kEphemeralFirst = 49152;  // RFC 6335 §6
  const auto port = static_cast<std::uint16_t>(kEphemeralFirst + syn.from.slot % (65536 - kEphemeralFirst));
  const Endpoint peer = Endpoint::v4(end.remote_address, port);
  hosts_.stream_host(syn.to_host).deliver([id = StreamId{end.self.value()}, peer](PortEvents& events) {
    events.on_stream_opened(id, peer, true);
  });
}

void MessageStreams::on_syn_ack(const Segment& syn_ack) {
  End* end = find(syn_ack.to);
  if (end == nullptr) return answer_with_reset(syn_ack);
  if (end->phase != Phase::kConnecting) return;
  end->phase = Phase::kOpen;
  end->peer = syn_ack.from;
  end->timeout = kTimeoutFirst;
  end->resend_at = kNever;
  end->give_up_at = kNever;
  const Endpoint peer = Endpoint::v4(end->remote_address, kHostPort);
  hosts_.stream_host(end->host).deliver([id = StreamId{end->self.value()}, peer](PortEvents& events) {
    events.on_stream_opened(id, peer, false);
  });
}

void MessageStreams::on_data(const Segment& data) {
  End* end = find(data.to);
  if (end == nullptr) return answer_with_reset(data);
  const End* sender = find(data.from);
  if (sender == nullptr || end->phase == Phase::kConnecting) return;
  const bool in_order = data.offset == end->received && !end->peer_ended;
  if (in_order && data.bytes <= kStreamWindowBytes - end->in.size()) {
    if (end->phase == Phase::kOpen) {
      end->in.append(sender->out.view().subspan(data.offset - sender->acked, data.bytes));
    }
    end->received += data.bytes + (data.ends ? 1u : 0u);
    end->peer_ended = data.ends;
    if (data.ends && end->phase == Phase::kOpen) stop_sending(*end);
  }
  acknowledge(*end, data);
  if (end->phase == Phase::kLingering || !in_order) return;
  if (data.bytes > 0 && end->wants_readable) {
    end->wants_readable = false;
    hosts_.stream_host(end->host).deliver(
        [id = StreamId{end->self.value()}](PortEvents& events) { events.on_stream_readable(id); });
  } else if (end->peer_ended && end->in.empty()) {
    on_closed(end->self);
  }
}

void MessageStreams::on_ack(const Segment& ack) {
  End* end = find(ack.to);
  if (end == nullptr || end->phase == Phase::kConnecting) return;
  end->peer_window = ack.window;
  if (ack.offset > end->acked) {
    const std::size_t bytes = std::min<std::size_t>(ack.offset - end->acked, end->out.size());
    end->out.consume(bytes);
    end->acked = ack.offset;
    end->sent = std::max(end->sent, end->acked);
    if (ack.sent_at != kNever) learn_round_trip(*end, loop_.now() - ack.sent_at);
    grow_window(*end, bytes, ack.down_wait);
    if (end->sent == end->acked) end->recovering = false;  // an earlier sending of it had arrived
    if (!end->recovering) end->resend_at = end->sent > end->acked ? loop_.now() + end->timeout : kNever;
  }
  // What an end that lingers has sent includes the end itself.
  if (end->phase == Phase::kLingering && end->out.empty() && end->ended && end->sent == end->acked) {
    remove(end->self);
    return;
  }
  end->give_up_at = end->sent > end->acked || !end->out.empty() ? loop_.now() + kGiveUpAfter : kNever;
  pump(*end);
  arm(*end);
  if (end->wants_writable && kStreamWindowBytes - end->out.size() >= kWritableRoomMin) {
    end->wants_writable = false;
    hosts_.stream_host(end->host).deliver(
        [id = StreamId{end->self.value()}](PortEvents& events) { events.on_stream_writable(id); });
  }
}

void MessageStreams::on_reset(Guid id) {
  const End* end = find(id);
  if (end == nullptr) return;
  if (end->peer_ended && end->phase == Phase::kOpen) return;  // closed comes once all has been read
  const bool told = end->phase != Phase::kLingering;
  SimulatedHost& host = hosts_.stream_host(end->host);
  remove(id);
  if (!told) return;
  host.deliver([id](PortEvents& events) { events.on_stream_reset(StreamId{id.value()}); });
}

void MessageStreams::on_closed(Guid id) {
  const End* end = find(id);
  if (end == nullptr || end->phase != Phase::kOpen) return;
  SimulatedHost& host = hosts_.stream_host(end->host);
  remove(id);
  host.deliver([id](PortEvents& events) { events.on_stream_closed(StreamId{id.value()}); });
}

void MessageStreams::on_timer(Guid id) {
  End* end = find(id);
  const Instant now = loop_.now();
  if (end == nullptr || end->timer_at != now) return;  // an earlier timer was posted since
  end->timer_at = kNever;
  if (now >= end->give_up_at) return on_reset(id);
  if (now >= end->resend_at) resend(*end);
  if (now >= end->pump_at) {
    end->pump_at = kNever;
    pump(*end);
  }
  arm(*end);
}

}  // namespace shoal::sim
