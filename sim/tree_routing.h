// TreeRouting: how a router of the topology `routers` routes: by the prefix of an address, which names the
// edge router of its host, and by arithmetic (RouterPlan). One fixed route a port, so that routing a packet
// allocates and searches nothing, however large the network is.
#pragma once

#include <vector>

#include "sim/fixed_routing.h"
#include "sim/router_plan.h"

namespace shoal::sim {

class TreeRouting final : public FixedRouting {
 public:
  static ns3::TypeId GetTypeId();

  // Once, before anything is sent; the plan outlives this. `own` is what the router's own messages come from.
  void set_router(const RouterPlan& plan, RouterPlan::Router router, ns3::Ipv4Address own);
  void set_port(std::uint32_t port, const ns3::Ptr<ns3::NetDevice>& device);
  // nullptr: no host can have that address.
  ns3::Ptr<ns3::Ipv4Route> route_to(ns3::Ipv4Address to) const;

  ns3::Ptr<ns3::Ipv4Route> RouteOutput(ns3::Ptr<ns3::Packet> packet, const ns3::Ipv4Header& header,
                                       ns3::Ptr<ns3::NetDevice> device,
                                       ns3::Socket::SocketErrno& error) override;
  bool RouteInput(ns3::Ptr<const ns3::Packet> packet, const ns3::Ipv4Header& header,
                  ns3::Ptr<const ns3::NetDevice> device, UnicastForwardCallback forward,
                  MulticastForwardCallback forward_multicast, LocalDeliverCallback deliver,
                  ErrorCallback fail) override;

 private:
  void DoDispose() override;

  const RouterPlan* plan_ = nullptr;
  RouterPlan::Router router_;
  ns3::Ipv4Address own_;
  std::vector<ns3::Ptr<ns3::Ipv4Route>> routes_;  // by port
};

}  // namespace shoal::sim
