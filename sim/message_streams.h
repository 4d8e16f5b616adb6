// MessageStreams: streams of the message fidelity, a small TCP. Real enough to show what a protocol above it
// notices: a handshake of one round trip, order, slow start, a bounded window, shared access links, stalls
// and recovery, refusals, resets; cheap enough to move 11.6 kB with two events.
//
//   connect ─► kConnecting ──SYN-ACK──► kOpen ──close()──► kLingering ──all acknowledged──► gone
//   SYN ───────────────────────────────►┘                  (its id is dead already)
//
// Segments that the way loses are sent again from the last acknowledged byte on (go-back-n), after one round
// trip for a loss and after a doubling time-out for a cut or a silent peer. Memory exists only for streams
// that do. A NAT lets streams out and none in.
#pragma once

#include <tsl/robin_map.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "node/base/guid.h"
#include "node/base/result.h"
#include "node/base/slot_table.h"
#include "node/ports/streams.h"
#include "sim/byte_fifo.h"
#include "sim/event_loop.h"
#include "sim/simulated_host.h"
#include "sim/stream_limits.h"
#include "sim/world.h"

namespace shoal::sim {

class MessageStreams {
 public:
  // How the model reaches hosts.
  class Hosts {
   public:
    virtual ~Hosts() = default;
    virtual SimulatedHost& stream_host(HostIndex host) = 0;
    virtual bool listening(HostIndex host) = 0;
    virtual void count_bytes_sent(std::size_t bytes) = 0;
  };

  MessageStreams(EventLoop& loop, World& world, Hosts& hosts);

  Result<StreamId> connect(HostIndex host, const Endpoint& to);
  std::size_t write(HostIndex host, StreamId stream, ByteView bytes);
  std::size_t read(HostIndex host, StreamId stream, MutableByteView out);
  void close(HostIndex host, StreamId stream, CloseMode mode);
  // The host crashed: nobody is told.
  void drop_all(HostIndex host);

 private:
  enum class Phase : std::uint8_t { kConnecting, kOpen, kLingering };

  struct End {
    Guid self, peer;
    HostIndex host = 0;
    HostIndex remote = 0;
    std::uint32_t address = 0;  // of the host and its remote, when the stream was opened
    std::uint32_t remote_address = 0;
    Phase phase = Phase::kConnecting;
    bool reaches_somebody = true;  // false: nobody has the address that this one connects to
    bool right_port = true;        // false: nobody listens there

    // Sending. Offsets count the stream's bytes, and one more for its end. `out` starts at `acked`.
    ByteFifo out;
    std::uint64_t acked = 0;
    std::uint64_t sent = 0;
    std::size_t peer_window = kStreamWindowBytes;
    std::size_t congestion_window = 0;
    std::size_t slow_start_until = kStreamWindowBytes;
    bool wants_writable = false;
    bool recovering = false;  // a segment was lost; nothing more is sent until it is sent again
    bool ended = false;       // the end of the stream is among what was sent
    Duration round_trip{};    // smoothed; 0: unknown
    Duration round_trip_deviation{};
    Duration timeout{};  // before the next retransmission
    Instant resend_at = kNever;
    Instant pump_at = kNever;  // the up link is free enough again
    Instant give_up_at = kNever;
    Instant last_arrival{};  // of what was sent: later segments do not overtake

    // Receiving.
    ByteFifo in;
    std::uint64_t received = 0;
    bool peer_ended = false;
    bool wants_readable = true;
    bool window_was_closed = false;

    Instant timer_at = kNever;  // of the earliest timer event posted
  };

  enum class Kind : std::uint8_t { kSyn, kSynAck, kData, kAck, kReset, kTimer, kClosed };

  // On the way between hosts; or (kTimer, kClosed) an event of `to` itself.
  struct Segment {
    Kind kind = Kind::kTimer;
    bool ends = false;    // kData: the stream ends after these bytes
    bool queued = false;  // has its turn on the down link already
    Guid from, to;
    HostIndex from_host = 0, to_host = 0;
    std::uint32_t from_address = 0, to_address = 0;
    std::uint32_t to_generation = 0;
    std::uint32_t bytes = 0;   // kData: of the stream
    std::uint32_t window = 0;  // that the sender of this segment has free
    std::uint64_t offset = 0;  // kData: of the first byte; kAck: all before it have arrived
    Instant sent_at = kNever;  // kAck: of the segment that it answers, if it does
    Duration down_wait{};      // kAck: how long that one waited for its down link
  };

  class SegmentEvent final : public ns3::EventImpl {
   public:
    explicit SegmentEvent(MessageStreams& streams) : streams_(streams) {}
    Segment segment;
    SegmentEvent* next_free = nullptr;

   private:
    void Notify() override { streams_.on_event(*this); }
    MessageStreams& streams_;
  };

  End& new_end(HostIndex host, HostIndex remote, Phase phase);
  void remove(Guid id);
  End* find(Guid id);
  End* find_open(HostIndex host, StreamId stream);

  SegmentEvent& new_event(const Segment& segment);
  void on_event(SegmentEvent& event);
  // Does it bear an address that its sender, or its receiver, has given up?
  bool is_from_past(const Segment& segment) const {
    return world_.has_moved() && world_.address(segment.from_host) != segment.from_address;
  }
  bool is_to_past(const Segment& segment) const {
    return world_.has_moved() && world_.address(segment.to_host) != segment.to_address;
  }
  bool wait_for_down_link(SegmentEvent& event);
  void handle(const Segment& segment);
  void on_syn(const Segment& syn);
  void on_syn_ack(const Segment& syn_ack);
  void on_data(const Segment& data);
  void on_ack(const Segment& ack);
  void on_reset(Guid id);
  void on_closed(Guid id);
  void on_timer(Guid id);

  static Segment from_end(const End& end, Kind kind);
  World::Fate send(Segment segment, Instant* not_before);
  void answer_with_reset(const Segment& to);
  void acknowledge(End& end, const Segment& data);
  void send_syn(End& end);
  void pump(End& end);
  bool may_send_more(End& end);
  static void stop_sending(End& end);
  World::Fate send_next(End& end);
  void resend(End& end);
  static void learn_round_trip(End& end, Duration sample);
  static void grow_window(End& end, std::size_t acked, Duration down_wait);
  void arm(End& end);
  void post_closed(End& end);

  EventLoop& loop_;
  World& world_;
  Hosts& hosts_;
  SlotTable<std::unique_ptr<End>> ends_;
  tsl::robin_map<HostIndex, std::vector<Guid>> ends_of_host_;
  std::deque<SegmentEvent> events_;
  SegmentEvent* free_events_ = nullptr;
};

}  // namespace shoal::sim
