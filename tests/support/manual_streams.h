// ManualStreamEngine: the streams of a ManualNetwork. Each direction of a connection is a queue of segments
// that arrive in order; a side may have kManualStreamBytesMax bytes under way or unread at the other, and
// gets that room back when the other reads.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "tests/support/manual_host.h"

namespace shoal {

class ManualStreamEngine {
 public:
  using HostIndex = ManualNetwork::HostIndex;

  explicit ManualStreamEngine(ManualNetwork& network) : network_(network) {}

  Result<StreamId> connect(HostIndex from, const Endpoint& to);
  void listen(HostIndex host) { listening_[host] = true; }
  std::size_t write(StreamId stream, ByteView bytes);
  std::size_t read(StreamId stream, MutableByteView out);
  void close(StreamId stream, CloseMode mode);
  // The host lost its streams and listens no more.
  void crash(HostIndex host);

 private:
  // kIdle: not yet accepted. kLingering: closed gracefully by its own node; what it wrote still goes out,
  // what arrives is thrown away. kDead: knows of no connection.
  enum class State { kIdle, kConnecting, kOpen, kLingering, kDead };
  enum class Kind { kConnect, kAccept, kData, kRoom, kFinish, kReset };
  struct Segment {
    Kind kind;
    Instant arrival;
    Bytes data;
    std::size_t room = 0;
  };
  struct Side {
    HostIndex host = 0;
    StreamId id;
    Endpoint peer;
    State state = State::kIdle;
    std::deque<std::uint8_t> inbox;
    bool readable_armed = true;
    bool writable_due = false;
    bool finished = false;  // the other side sent all it will send
    std::size_t room = kManualStreamBytesMax;
    std::deque<Segment> outgoing;
    bool pump_posted = false;
    std::optional<Instant> stalled_since;
  };
  struct Connection {
    std::array<Side, 2> sides;
  };
  struct Place {
    std::uint64_t connection;
    std::size_t side;
  };

  StreamId add_stream(std::uint64_t connection, std::size_t side);
  Side* open_side(StreamId stream, Place& place);
  void give_up_connecting(std::uint64_t connection);
  void send(std::uint64_t connection, std::size_t from, Segment segment);
  // `moving`: the segment is on its way, not stalled.
  void post_pump(std::uint64_t connection, std::size_t from, Instant when, bool moving);
  void pump(std::uint64_t connection, std::size_t from);
  bool stalled_too_long(Side& from);
  void arrive(std::uint64_t connection, std::size_t at, Segment segment);
  void arrive_connect(std::uint64_t connection, Side& side);
  void arrive_accept(std::uint64_t connection, Side& side);
  void arrive_data(std::uint64_t connection, Side& side, const Segment& segment);
  void arrive_room(Side& side, std::size_t room);
  void arrive_finish(std::uint64_t connection, Side& side);
  void finish_if_read(std::uint64_t connection, std::size_t at);
  void end_with_reset(std::uint64_t connection, std::size_t at);
  void forget_if_over(std::uint64_t connection);

  ManualNetwork& network_;
  std::map<HostIndex, bool> listening_;
  std::map<StreamId, Place> streams_;
  std::map<std::uint64_t, Connection> connections_;
  std::uint64_t next_stream_ = 1;
  std::uint64_t next_connection_ = 1;
  std::uint16_t next_port_ = 49152;  // the dynamic ports, RFC 6335 §6
};

}  // namespace shoal
