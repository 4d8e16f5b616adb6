// TcpStreams: the Streams port on TCP. There are no buffers but the kernel's: write() and read() are system
// calls, and a stream is watched only for what its node may still be told.
#pragma once

#include <tsl/robin_map.h>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "node/os/event_loop.h"
#include "node/os/host_link.h"
#include "node/os/socket.h"
#include "node/os/system_clock.h"
#include "node/ports/streams.h"

namespace shoal {

class TcpStreams final : public Streams {
 public:
  // `socket` is bound to `listen`, and does not listen yet.
  TcpStreams(EventLoop& loop, HostLink& link, Descriptor socket, const Endpoint& listen);
  ~TcpStreams() override;

  Result<StreamId> connect(const Endpoint& to) override;
  Result<void> listen() override;
  std::size_t write(StreamId stream, ByteView bytes) override;
  std::size_t read(StreamId stream, MutableByteView out) override;
  void close(StreamId stream, CloseMode mode) override;

  // Tells the node what was found out inside its own calls.
  void deliver_deferred();
  // Resets all streams and accepts no more.
  void stop();

 private:
  // kLingering: closed gracefully by the node. The kernel still delivers what was written; what arrives is
  // thrown away, because closing a socket over unread bytes would reset it.
  enum class State { kConnecting, kOpen, kLingering };
  enum class End { kClosed, kReset };
  struct Stream {
    TcpStreams* owner;
    StreamId id;
    Endpoint peer;
    State state;
    Descriptor socket;
    UvHandle<uv_poll_t> poll;  // goes before the socket
    int watched = 0;
    bool readable_armed = true;
    bool writable_due = false;
    bool finished = false;  // the other side's end has arrived, perhaps behind unread bytes
    bool ending = false;    // its end is deferred
  };
  struct Deadline {
    Instant when;
    StreamId stream;
  };

  Result<Stream*> add(Descriptor socket, const Endpoint& peer, State state);
  Stream* find(StreamId stream);
  void erase(Stream& stream);
  void watch(Stream& stream, int events);
  void defer(Stream& stream, End end);
  void end(Stream& stream, End end);

  void on_poll(Stream& stream, int status, int events);
  void on_connected(Stream& stream);
  void on_open(Stream& stream, int events);
  bool ended_behind_reads(Stream& stream);
  void discard(Stream& stream);
  void drop_oldest_lingering();

  void watch_listener();
  void accept_some();
  void pause_accepting();
  void arm_timer();
  void on_timer();

  EventLoop& loop_;
  HostLink& link_;
  Endpoint listen_;
  SystemClock clock_;
  Descriptor listener_;
  UvHandle<uv_poll_t> listener_poll_;
  UvHandle<uv_timer_t> timer_;
  bool listening_ = false;
  Instant accept_again_ = kNever;
  std::uint64_t next_id_ = 1;
  tsl::robin_map<std::uint64_t, std::unique_ptr<Stream>> streams_;
  std::deque<Deadline> connecting_;  // oldest first
  std::deque<Deadline> lingering_;   // oldest first; some are gone already
  std::size_t lingering_count_ = 0;
  std::vector<std::pair<StreamId, End>> deferred_;
  Bytes waste_;
};

}  // namespace shoal
