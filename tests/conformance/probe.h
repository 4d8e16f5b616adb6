// Probe: the node that the conformance suite puts on a host. It records every event, keeps the rules of the
// ports itself, and reports every breach by the host: a call back from inside a port's method, an event of a
// dead stream, an event that was not due.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "node/ports/hosted_node.h"

namespace shoal::conformance {

class Probe final : public HostedNode, private PortEvents {
 public:
  struct Arrival {
    Endpoint from;
    Bytes bytes;
  };
  struct Stream {
    Endpoint peer;
    bool inbound = false;
    bool opened = false;
    bool closed = false;  // on_stream_closed
    bool reset = false;   // on_stream_reset
    bool dead = false;    // by either, or by our close()
    Bytes received;
    std::size_t written = 0;  // bytes that write() took
    Bytes outbox;             // bytes for it to take, from outbox_done on
    std::size_t outbox_done = 0;
    bool close_when_written = false;
    std::size_t chunk_bytes = 64 * 1024;  // offered or asked for in one call
    bool reading = true;                  // reads whatever arrives
    std::size_t writable_events = 0;
    std::size_t readable_events = 0;
    // What the ports' rules allow next
    bool readable_armed = true;
    bool writable_due = false;
    bool readable_seen = false;  // on_stream_readable came, and no read was short since

    bool blocked() const { return writable_due; }
    bool ended() const { return closed || reset; }
  };

  // The ports of the host it is attached to; before it is attached to anything that runs.
  void use(HostPorts ports) { ports_.emplace(ports); }
  // To be done inside the next run_jobs (wake the host); ports are used from there only, as a node does.
  void then(std::function<void()> action) { actions_.push_back(std::move(action)); }

  // From inside an action
  bool send(const Endpoint& to, ByteView datagram);
  Result<void> join(const Endpoint& group);
  void leave(const Endpoint& group);
  void wake_at(Instant when);
  Result<void> listen();
  StreamId connect(const Endpoint& to);
  std::size_t write(StreamId stream, ByteView bytes);
  std::size_t read(StreamId stream, MutableByteView out);
  void close(StreamId stream, CloseMode mode);
  Instant now() const { return ports_->clock.now(); }

  // Writes all of it, as the stream takes it, and then closes it gracefully if asked to.
  void write_all(StreamId stream, Bytes bytes, bool close_then = false);
  // Reads until a read is short.
  void drain(StreamId stream);

  Stream& stream(StreamId id) { return streams_.at(id); }
  // The n-th inbound stream, in the order in which they opened.
  bool has_inbound(std::size_t n) const { return inbound_.size() > n; }
  StreamId inbound(std::size_t n) const { return inbound_.at(n); }
  Stream& inbound_stream(std::size_t n) { return stream(inbound(n)); }

  std::vector<Arrival> datagrams, multicasts;
  std::vector<Instant> alarms;
  std::vector<Endpoint> interfaces;
  std::size_t events_seen = 0;
  // Keeps every stream that opens from reading by itself.
  bool hold_reading = false;

 private:
  PortEvents& events() override { return *this; }
  bool run_jobs() override;

  void on_datagram(const Endpoint& from, ByteView datagram) override;
  void on_multicast(const Endpoint& from, ByteView datagram) override;
  void on_alarm() override;
  void on_stream_opened(StreamId stream, const Endpoint& peer, bool inbound) override;
  void on_stream_readable(StreamId stream) override;
  void on_stream_writable(StreamId stream) override;
  void on_stream_closed(StreamId stream) override;
  void on_stream_reset(StreamId stream) override;
  void on_committed(CommitId commit, const Result<void>& outcome) override;
  void on_interfaces(std::span<const Endpoint> own) override;

  // Notes the event, and fails the test when the host may not call now.
  void event(const char* name);
  // The live stream of an event; fails the test and returns nullptr when there is none.
  Stream* live(StreamId id, const char* name);
  void pump(StreamId id, Stream& stream);

  std::optional<HostPorts> ports_;
  std::deque<std::function<void()>> actions_;
  std::map<StreamId, Stream> streams_;
  std::vector<StreamId> inbound_;
  std::vector<StreamId> pumped_;  // streams that have work for the next run_jobs
  bool in_jobs_ = false;
  Instant last_now_{};
};

}  // namespace shoal::conformance
