#include "sim/tree_routing.h"

#include <ns3/packet.h>

#include "sim/address_plan.h"

namespace shoal::sim {

ns3::TypeId TreeRouting::GetTypeId() {
  static const ns3::TypeId kTypeId = ns3::TypeId("shoal::sim::TreeRouting")
                                         .SetParent<ns3::Ipv4RoutingProtocol>()
                                         .AddConstructor<TreeRouting>();
  return kTypeId;
}

void TreeRouting::set_router(const RouterPlan& plan, RouterPlan::Router router, ns3::Ipv4Address own) {
  plan_ = &plan;
  router_ = router;
  own_ = own;
}

void TreeRouting::set_port(std::uint32_t port, const ns3::Ptr<ns3::NetDevice>& device) {
  if (port >= routes_.size()) routes_.resize(port + 1);
  routes_[port] = make_route(own_, device);
}

ns3::Ptr<ns3::Ipv4Route> TreeRouting::route_to(ns3::Ipv4Address to) const {
  const std::optional<std::uint32_t> edge = edge_router_of(to.Get());
  if (!edge || *edge >= plan_->edge_count()) return nullptr;
  return routes_[plan_->port_towards(router_, *edge)];
}

ns3::Ptr<ns3::Ipv4Route> TreeRouting::RouteOutput(ns3::Ptr<ns3::Packet>, const ns3::Ipv4Header& header,
                                                  ns3::Ptr<ns3::NetDevice>, ns3::Socket::SocketErrno& error) {
  ns3::Ptr<ns3::Ipv4Route> route = route_to(header.GetDestination());
  error = route == nullptr ? ns3::Socket::ERROR_NOROUTETOHOST : ns3::Socket::ERROR_NOTERROR;
  return route;
}

bool TreeRouting::RouteInput(ns3::Ptr<const ns3::Packet> packet, const ns3::Ipv4Header& header,
                             ns3::Ptr<const ns3::NetDevice>, UnicastForwardCallback forward,
                             MulticastForwardCallback, LocalDeliverCallback, ErrorCallback) {
  const ns3::Ptr<ns3::Ipv4Route> route = route_to(header.GetDestination());
  if (route == nullptr) return false;
  forward(route, packet, header);
  return true;
}

void TreeRouting::DoDispose() {
  routes_.clear();
  FixedRouting::DoDispose();
}

}  // namespace shoal::sim
