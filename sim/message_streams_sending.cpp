// The half of MessageStreams that sends: segments, windows, retransmissions.
#include <algorithm>

#include "sim/message_segments.h"
#include "sim/message_streams.h"

namespace shoal::sim {
namespace {

constexpr std::size_t kWindowBytesMin = 2 * kSegmentBytes;
// A stream adds to its up link's queue only up to here, so that datagrams of the host still get through; and
// backs off when its bursts wait longer than this for the peer's down link.
constexpr Duration kUpBacklogMax = 20ms;
constexpr Duration kDownWaitMax = 50ms;
constexpr Duration kTimeoutMin = 200ms;
constexpr Duration kTimeoutMax = 60s;

}  // namespace

MessageStreams::Segment MessageStreams::from_end(const End& end, Kind kind) {
  Segment segment;
  segment.kind = kind;
  segment.from = end.self;
  segment.to = end.peer;
  segment.from_host = end.host;
  segment.to_host = end.remote;
  segment.from_address = end.address;
  segment.to_address = end.remote_address;
  segment.window = static_cast<std::uint32_t>(kStreamWindowBytes - end.in.size());
  return segment;
}

// `not_before`: arrival of what was sent before it; moves on. Null: order does not matter.
World::Fate MessageStreams::send(Segment segment, Instant* not_before) {
  if (is_from_past(segment)) return World::Fate::kCut;
  const Instant now = loop_.now();
  const std::size_t bytes = wire_bytes(segment.bytes);
  hosts_.count_bytes_sent(bytes);
  const Instant leaves = hosts_.stream_host(segment.from_host).sends_at();
  const World::Departure departure =
      world_.depart_paced(segment.from_host, segment.to_host, bytes, segments_of(segment.bytes), leaves);
  if (departure.fate != World::Fate::kArrives) return departure.fate;
  if (is_to_past(segment)) return World::Fate::kCut;
  Instant arrives = departure.arrives + world_.down_time(bytes);
  if (not_before != nullptr) *not_before = arrives = std::max(arrives, *not_before);
  segment.to_generation = hosts_.stream_host(segment.to_host).generation();
  if (segment.kind != Kind::kAck) segment.sent_at = now;
  loop_.post(arrives, new_event(segment));
  return departure.fate;
}

void MessageStreams::answer_with_reset(const Segment& to) {
  Segment reset;
  reset.kind = Kind::kReset;
  reset.from = to.to;
  reset.to = to.from;
  reset.from_host = to.to_host;
  reset.to_host = to.from_host;
  reset.from_address = to.to_address;
  reset.to_address = to.from_address;
  send(reset, nullptr);
}

// `data` default: only the window has changed.
void MessageStreams::acknowledge(End& end, const Segment& data) {
  Segment ack = from_end(end, Kind::kAck);
  ack.offset = end.received;
  ack.sent_at = data.sent_at;
  ack.down_wait = data.down_wait;
  end.window_was_closed = ack.window < kBurstBytes;
  send(ack, nullptr);
}

void MessageStreams::send_syn(End& end) {
  if (end.reaches_somebody) {
    send(from_end(end, Kind::kSyn), nullptr);
  } else {
    world_.enter_up_link(end.host, wire_bytes(0), hosts_.stream_host(end.host).sends_at());
  }
  end.resend_at = loop_.now() + end.timeout;
  end.timeout *= 2;
}

void MessageStreams::pump(End& end) {
  while (may_send_more(end)) {
    const Instant now = loop_.now();
    const Duration backlog = world_.up_backlog(end.host, now);
    if (backlog > kUpBacklogMax) {
      end.pump_at = now + (backlog - kUpBacklogMax);
      return;
    }
    if (end.give_up_at == kNever) end.give_up_at = now + kGiveUpAfter;
    const World::Fate fate = send_next(end);
    if (end.resend_at == kNever) end.resend_at = now + end.timeout;
    if (fate == World::Fate::kArrives) continue;
    end.recovering = true;
    // A loss among others is noticed by the acknowledgements that follow it, a cut by silence.
    const bool soon = fate == World::Fate::kLost && end.round_trip > Duration::zero();
    if (soon) end.resend_at = std::min(end.resend_at, now + end.round_trip);
  }
}

// The peer has closed, and nobody reads there any more.
void MessageStreams::stop_sending(End& end) {
  end.out.consume(end.out.size());
  end.acked = end.sent;
  end.wants_writable = false;
  end.resend_at = end.pump_at = end.give_up_at = kNever;
}

bool MessageStreams::may_send_more(End& end) {
  const bool one_way = end.phase == Phase::kOpen && end.peer_ended;
  if (end.phase == Phase::kConnecting || one_way || end.recovering || end.ended) return false;
  const std::size_t in_flight = end.sent - end.acked;
  const std::size_t unsent = end.out.size() - in_flight;
  if (unsent == 0) return end.phase == Phase::kLingering;
  const std::size_t limit = std::min(end.congestion_window, end.peer_window);
  if (in_flight == 0) {
    if (limit > 0) return true;
    if (end.resend_at == kNever) end.resend_at = loop_.now() + end.timeout;  // then asks for the window
    return false;
  }
  return in_flight < limit && limit - in_flight >= std::min(unsent, kSegmentBytes);
}

World::Fate MessageStreams::send_next(End& end) {
  const std::size_t in_flight = end.sent - end.acked;
  const std::size_t unsent = end.out.size() - in_flight;
  const std::size_t limit = std::min(end.congestion_window, end.peer_window);
  const std::size_t allowed = limit > in_flight ? limit - in_flight : 0;
  Segment data = from_end(end, Kind::kData);
  data.bytes = static_cast<std::uint32_t>(std::min({unsent, allowed, kBurstBytes}));
  data.ends = end.phase == Phase::kLingering && data.bytes == unsent;
  data.offset = end.sent;
  end.sent += data.bytes + (data.ends ? 1u : 0u);
  end.ended = data.ends;
  return send(data, &end.last_arrival);
}

void MessageStreams::resend(End& end) {
  end.resend_at = kNever;
  if (end.phase == Phase::kConnecting) return send_syn(end);
  if (end.sent == end.acked) {  // a closed window: its opening may have been lost
    Segment probe = from_end(end, Kind::kData);
    probe.offset = end.sent;
    send(probe, &end.last_arrival);
    end.resend_at = loop_.now() + end.timeout;
  } else {
    end.sent = end.acked;
    end.ended = false;
    end.recovering = false;
    end.slow_start_until = std::max(end.congestion_window / 2, kWindowBytesMin);
    end.congestion_window = end.slow_start_until;
    pump(end);
  }
  end.timeout = std::min(2 * end.timeout, kTimeoutMax);
}

// RFC 6298 §2.
void MessageStreams::learn_round_trip(End& end, Duration sample) {
  if (end.round_trip == Duration::zero()) {
    end.round_trip = sample;
    end.round_trip_deviation = sample / 2;
  } else {
    const Duration error = sample > end.round_trip ? sample - end.round_trip : end.round_trip - sample;
    end.round_trip_deviation += (error - end.round_trip_deviation) / 4;
    end.round_trip += (sample - end.round_trip) / 8;
  }
  end.timeout = std::max(kTimeoutMin, end.round_trip + 4 * end.round_trip_deviation);
}

// Slow start, then one segment a round trip (RFC 5681 §3.1), and back when the down link fills up.
void MessageStreams::grow_window(End& end, std::size_t acked, Duration down_wait) {
  std::size_t& window = end.congestion_window;
  if (down_wait > kDownWaitMax) {
    window = std::max(window - std::min(window, kSegmentBytes), kWindowBytesMin);
  } else if (window < end.slow_start_until) {
    window += acked;
  } else {
    window += kSegmentBytes * acked / window;
  }
  window = std::min(window, kStreamWindowBytes);
}

void MessageStreams::arm(End& end) {
  const Instant next = std::min({end.resend_at, end.pump_at, end.give_up_at});
  if (next >= end.timer_at) return;
  end.timer_at = next;
  Segment timer;
  timer.to = end.self;
  timer.to_host = end.host;
  timer.to_generation = hosts_.stream_host(end.host).generation();
  loop_.post(next, new_event(timer));
}

void MessageStreams::post_closed(End& end) {
  Segment closed;
  closed.kind = Kind::kClosed;
  closed.to = end.self;
  closed.to_host = end.host;
  closed.to_generation = hosts_.stream_host(end.host).generation();
  loop_.post(loop_.now(), new_event(closed));
}

}  // namespace shoal::sim
