// FixedRouting: what the routing protocols of ns-3's hosts and routers here share. Routes are made before
// anything is sent, and nobody has to be told of interfaces: whoever changes an address makes them anew.
#pragma once

#include <ns3/ipv4-address.h>
#include <ns3/ipv4-route.h>
#include <ns3/ipv4-routing-protocol.h>
#include <ns3/net-device.h>

namespace shoal::sim {

class FixedRouting : public ns3::Ipv4RoutingProtocol {
 public:
  void NotifyInterfaceUp(std::uint32_t) final {}
  void NotifyInterfaceDown(std::uint32_t) final {}
  void NotifyAddAddress(std::uint32_t, ns3::Ipv4InterfaceAddress) final {}
  void NotifyRemoveAddress(std::uint32_t, ns3::Ipv4InterfaceAddress) final {}
  void SetIpv4(ns3::Ptr<ns3::Ipv4>) final {}
  void PrintRoutingTable(ns3::Ptr<ns3::OutputStreamWrapper>, ns3::Time::Unit) const final {}

 protected:
  // Everything goes straight to its destination; `own` is what the host's or router's own packets come from.
  static ns3::Ptr<ns3::Ipv4Route> make_route(ns3::Ipv4Address own, const ns3::Ptr<ns3::NetDevice>& device) {
    const auto route = ns3::Create<ns3::Ipv4Route>();
    route->SetSource(own);
    route->SetGateway(ns3::Ipv4Address::GetAny());
    route->SetOutputDevice(device);
    return route;
  }
};

}  // namespace shoal::sim
