// OneHopRouting: every host is one hop away through the cloud, and the host itself through loopback. Two
// fixed routes, so that routing a packet allocates and searches nothing.
#pragma once

#include "sim/fixed_routing.h"

namespace shoal::sim {

class OneHopRouting final : public FixedRouting {
 public:
  static ns3::TypeId GetTypeId();

  // Before anything is sent, and when the host has another address.
  void set_host(ns3::Ipv4Address own, const ns3::Ptr<ns3::NetDevice>& cloud,
                const ns3::Ptr<ns3::NetDevice>& loopback);
  const ns3::Ptr<ns3::Ipv4Route>& route_to(ns3::Ipv4Address to) const {
    return to == own_ ? to_self_ : to_others_;
  }

  ns3::Ptr<ns3::Ipv4Route> RouteOutput(ns3::Ptr<ns3::Packet> packet, const ns3::Ipv4Header& header,
                                       ns3::Ptr<ns3::NetDevice> device,
                                       ns3::Socket::SocketErrno& error) override;
  bool RouteInput(ns3::Ptr<const ns3::Packet> packet, const ns3::Ipv4Header& header,
                  ns3::Ptr<const ns3::NetDevice> device, UnicastForwardCallback forward,
                  MulticastForwardCallback forward_multicast, LocalDeliverCallback deliver,
                  ErrorCallback fail) override;

 private:
  void DoDispose() override;

  ns3::Ipv4Address own_;
  ns3::Ptr<ns3::Ipv4Route> to_others_;
  ns3::Ptr<ns3::Ipv4Route> to_self_;
};

}  // namespace shoal::sim
