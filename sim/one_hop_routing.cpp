#include "sim/one_hop_routing.h"

#include <ns3/packet.h>

namespace shoal::sim {
namespace {

constexpr std::uint32_t kCloudInterface = 1;  // 0 is loopback

}  // namespace

ns3::TypeId OneHopRouting::GetTypeId() {
  static const ns3::TypeId kTypeId = ns3::TypeId("shoal::sim::OneHopRouting")
                                         .SetParent<ns3::Ipv4RoutingProtocol>()
                                         .AddConstructor<OneHopRouting>();
  return kTypeId;
}

void OneHopRouting::set_host(ns3::Ipv4Address own, const ns3::Ptr<ns3::NetDevice>& cloud,
                             const ns3::Ptr<ns3::NetDevice>& loopback) {
  own_ = own;
  to_others_ = make_route(own, cloud);
  to_self_ = make_route(own, loopback);
}

ns3::Ptr<ns3::Ipv4Route> OneHopRouting::RouteOutput(ns3::Ptr<ns3::Packet>, const ns3::Ipv4Header& header,
                                                    ns3::Ptr<ns3::NetDevice>,
                                                    ns3::Socket::SocketErrno& error) {
  error = ns3::Socket::ERROR_NOTERROR;
  return route_to(header.GetDestination());
}

bool OneHopRouting::RouteInput(ns3::Ptr<const ns3::Packet> packet, const ns3::Ipv4Header& header,
                               ns3::Ptr<const ns3::NetDevice>, UnicastForwardCallback,
                               MulticastForwardCallback, LocalDeliverCallback deliver, ErrorCallback) {
  // The cloud brings multicast to members only.
  if (header.GetDestination() != own_ && !header.GetDestination().IsMulticast()) return false;
  deliver(packet, header, kCloudInterface);
  return true;
}

void OneHopRouting::DoDispose() {
  to_others_ = nullptr;
  to_self_ = nullptr;
  FixedRouting::DoDispose();
}

}  // namespace shoal::sim
