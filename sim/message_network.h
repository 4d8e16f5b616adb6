// MessageNetwork: the message fidelity: ns-3's event core without its stack. One event carries a datagram
// from host to host (two when its down link is busy), streams are MessageStreams. For 1,000 to 1,000,000
// hosts.
#pragma once

#include <deque>

#include "sim/datagram_pool.h"
#include "sim/message_streams.h"
#include "sim/network_base.h"

namespace shoal::sim {

class MessageNetwork final : public NetworkBase, private DatagramReceiver, private MessageStreams::Hosts {
 public:
  MessageNetwork(const NetworkSpec& spec, std::uint64_t seed);
  ~MessageNetwork() override;

  HostIndex add_host() override;

 private:
  class Host final : public SimulatedHost {
   public:
    Host(MessageNetwork& network, HostIndex index)
        : SimulatedHost(network.loop_, network.world_, index), network_(network) {}

    bool listening() const { return listening_; }
    void stop_listening() { listening_ = false; }

    bool send(const Endpoint& to, ByteView datagram) override;
    std::size_t write(StreamId stream, ByteView bytes) override;
    std::size_t read(StreamId stream, MutableByteView out) override;
    void close(StreamId stream, CloseMode mode) override;

   private:
    Result<StreamId> open_stream(const Endpoint& to) override;
    Result<void> start_listening() override;

    MessageNetwork& network_;
    bool listening_ = false;
  };

  SimulatedHost& host_at(HostIndex host) override { return hosts_[host]; }
  void on_detached(HostIndex host) override;

  bool send(HostIndex from, const Endpoint& to, ByteView datagram);
  // To the other members of a group in the sender's LAN.
  bool send_to_group(HostIndex from, const Endpoint& group, ByteView datagram);
  struct Way {
    HostIndex from, to;
    std::uint16_t from_port, to_port;  // as both are seen between their NATs
    bool multicast = false;
  };
  // Posts what arrives, counts the rest.
  void carry(const Way& way, ByteView datagram, const World::Departure& departure);
  // Into an event that arrives at the down link of `way.to`.
  void post(const Way& way, ByteView datagram, Instant arrives);
  bool drop_at_nat();
  bool let_in(const Nat& nat, const DatagramEvent& event) const;
  bool send_to_nobody(HostIndex from, std::size_t bytes);
  void on_datagram_event(DatagramEvent& event) override;
  void prefetch(HostIndex to, HostEvent::Step step) const override { hosts_[to].prefetch(step); }

  SimulatedHost& stream_host(HostIndex host) override { return hosts_[host]; }
  bool listening(HostIndex host) override { return hosts_[host].listening(); }
  void count_bytes_sent(std::size_t bytes) override { totals_.bytes_sent += bytes; }

  std::deque<Host> hosts_;
  DatagramPool pool_;
  MessageStreams streams_;
};

}  // namespace shoal::sim
