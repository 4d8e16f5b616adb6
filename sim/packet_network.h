// PacketNetwork: the packet fidelity: every host is an ns-3 node with IPv4, UDP and TCP, over the Cloud. For
// up to a few thousand hosts. Stacks are made once a host and used by every node that runs on it.
#pragma once

#include <ns3/ipv4-end-point.h>
#include <ns3/udp-l4-protocol.h>

#include <deque>
#include <memory>
#include <vector>

#include "sim/cloud.h"
#include "sim/cloud_device.h"
#include "sim/network_base.h"
#include "sim/one_hop_routing.h"
#include "sim/packet_streams.h"

namespace shoal::sim {

class PacketNetwork final : public NetworkBase, private Cloud::Hosts {
 public:
  PacketNetwork(const NetworkSpec& spec, std::uint64_t seed);
  ~PacketNetwork() override;

  HostIndex add_host() override;

 private:
  class Host final : public SimulatedHost {
   public:
    Host(PacketNetwork& network, HostIndex index);

    void receive(const ns3::Ptr<ns3::Packet>& packet);
    void drop_streams();
    // Listens there from now on; connections from and to the old one are left to find out.
    void change_address();

    bool send(const Endpoint& to, ByteView datagram) override;
    std::size_t write(StreamId stream, ByteView bytes) override;
    std::size_t read(StreamId stream, MutableByteView out) override;
    void close(StreamId stream, CloseMode mode) override;

   private:
    Result<StreamId> open_stream(const Endpoint& to) override;
    Result<void> start_listening() override;
    void on_joined(const Endpoint& group) override;
    void make_stack();
    void take_address();
    void on_udp(ns3::Ptr<ns3::Packet> packet, ns3::Ipv4Header header, std::uint16_t port,
                ns3::Ptr<ns3::Ipv4Interface> interface);
    PacketStreams& streams();

    PacketNetwork& network_;
    ns3::Ipv4Address own_;
    ns3::Ptr<ns3::Node> node_;
    ns3::Ptr<CloudDevice> device_;
    ns3::Ptr<OneHopRouting> routing_;
    ns3::Ptr<ns3::UdpL4Protocol> udp_;
    ns3::Ipv4EndPoint* udp_port_ = nullptr;  // of the host's own address; owned by udp_
    std::uint32_t interface_ = 0;
    std::unique_ptr<PacketStreams> streams_;  // made when first used
    std::vector<Endpoint> groups_;            // that the stack takes in; which it is a member of, World knows
  };

  SimulatedHost& host_at(HostIndex host) override { return hosts_[host]; }
  void on_detached(HostIndex host) override { hosts_[host].drop_streams(); }
  void on_address_changed(HostIndex host) override { hosts_[host].change_address(); }
  SimulatedHost& cloud_host(HostIndex host) override { return hosts_[host]; }
  void on_packet(HostIndex host, const ns3::Ptr<ns3::Packet>& packet) override {
    hosts_[host].receive(packet);
  }

  std::deque<Host> hosts_;
  Cloud cloud_;
};

}  // namespace shoal::sim
