// PlainNode: a node that records what its host tells it, and does what a test hands it from inside run_jobs.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "sim/network.h"

namespace shoal::sim {

class PlainNode final : public HostedNode, private PortEvents {
 public:
  struct Arrival {
    Instant at;
    Endpoint from;
    std::size_t bytes;
  };

  // Added to the network as a new host, and attached.
  explicit PlainNode(Network& network) : network_(network), host_(network.add_host()), ports_(ports()) {
    network.attach(host_, *this);
  }

  HostIndex host() const { return host_; }
  Endpoint endpoint() const { return network_.endpoint(host_); }
  HostPorts& port() { return ports_; }
  // As an event of its own, now or at an instant.
  void act(std::function<void()> action) {
    actions_.push_back(std::move(action));
    network_.wake(host_);
  }
  void act_at(Instant when, std::function<void()> action) {
    network_.at(when, [this, action = std::move(action)] { act(action); });
  }

  // Reads what a stream has. From inside an action.
  void read(StreamId id) {
    Bytes in(16 * 1024);
    for (std::size_t n = in.size(); reading && n == in.size();) {
      n = ports_.streams.read(id, in);
      bytes_read += n;
    }
  }
  // Writes what the last stream takes. From inside an action.
  void write() {
    static const Bytes kZeros(16 * 1024);
    while (bytes_to_write > 0) {
      const std::size_t offered = std::min(bytes_to_write, kZeros.size());
      const std::size_t taken = ports_.streams.write(stream, ByteView(kZeros).first(offered));
      bytes_written += taken;
      bytes_to_write -= taken;
      if (taken < offered) break;
    }
  }

  std::vector<Arrival> datagrams, multicasts;
  std::vector<Instant> alarms;
  std::function<void()> at_alarm;  // what to do then
  std::size_t interfaces = 0;      // how often they were told
  std::vector<Endpoint> own;       // what they were
  StreamId stream;                 // the last one opened
  Endpoint stream_peer;            // and its other side
  bool opened = false, closed = false, reset = false;
  std::optional<Instant> ended_at;
  std::size_t bytes_read = 0, bytes_written = 0;
  std::size_t bytes_to_write = 0;  // whenever the stream takes them
  bool reading = true;
  bool echoing = false;  // sends each datagram back

 private:
  HostPorts ports() { return network_.ports(host_); }
  PortEvents& events() override { return *this; }
  bool run_jobs() override {
    if (actions_.empty()) return false;
    const std::function<void()> action = std::move(actions_.front());
    actions_.pop_front();
    action();
    return true;
  }

  void on_datagram(const Endpoint& from, ByteView datagram) override {
    datagrams.push_back({network_.now(), from, datagram.size()});
    if (!echoing) return;
    actions_.push_back([this, from, bytes = Bytes(datagram.begin(), datagram.end())] {
      ports_.datagrams.send(from, bytes);
    });
  }
  void on_multicast(const Endpoint& from, ByteView datagram) override {
    multicasts.push_back({network_.now(), from, datagram.size()});
  }
  void on_alarm() override {
    alarms.push_back(network_.now());
    if (at_alarm) actions_.push_back(at_alarm);
  }
  void on_interfaces(std::span<const Endpoint> endpoints) override {
    ++interfaces;
    own.assign(endpoints.begin(), endpoints.end());
  }
  void on_committed(CommitId, const Result<void>&) override {}
  void on_stream_opened(StreamId id, const Endpoint& peer, bool) override {
    stream = id;
    stream_peer = peer;
    opened = true;
    actions_.push_back([this] { write(); });
  }
  void on_stream_readable(StreamId id) override {
    actions_.push_back([this, id] { read(id); });
  }
  void on_stream_writable(StreamId) override {
    actions_.push_back([this] { write(); });
  }
  void on_stream_closed(StreamId) override {
    closed = true;
    ended_at = network_.now();
  }
  void on_stream_reset(StreamId) override {
    reset = true;
    ended_at = network_.now();
  }

  Network& network_;
  HostIndex host_;
  HostPorts ports_;
  std::deque<std::function<void()>> actions_;
};

}  // namespace shoal::sim
