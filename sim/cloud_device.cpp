#include "sim/cloud_device.h"

#include <ns3/ipv4-l3-protocol.h>
#include <ns3/mac48-address.h>

namespace shoal::sim {

ns3::TypeId CloudDevice::GetTypeId() {
  static const ns3::TypeId kTypeId =
      ns3::TypeId("shoal::sim::CloudDevice").SetParent<ns3::NetDevice>().AddConstructor<CloudDevice>();
  return kTypeId;
}

void CloudDevice::plug_in(PacketCarrier& carrier, std::uint32_t port) {
  carrier_ = &carrier;
  port_ = port;
  address_ = ns3::Mac48Address("02:00:00:00:00:01");  // never looked at
}

bool CloudDevice::Send(ns3::Ptr<ns3::Packet> packet, const ns3::Address&, std::uint16_t protocol) {
  if (carrier_ == nullptr || protocol != ns3::Ipv4L3Protocol::PROT_NUMBER) return false;
  return carrier_->carry(port_, packet);
}

void CloudDevice::deliver(const ns3::Ptr<ns3::Packet>& packet) {
  on_receive_(this, packet, ns3::Ipv4L3Protocol::PROT_NUMBER, address_);
}

void CloudDevice::DoDispose() {
  carrier_ = nullptr;
  node_ = nullptr;
  on_receive_ = ReceiveCallback();
  NetDevice::DoDispose();
}

}  // namespace shoal::sim
