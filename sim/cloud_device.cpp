#include "sim/cloud_device.h"

#include <ns3/ipv4-l3-protocol.h>
#include <ns3/mac48-address.h>

#include "sim/cloud.h"

namespace shoal::sim {

ns3::TypeId CloudDevice::GetTypeId() {
  static const ns3::TypeId kTypeId =
      ns3::TypeId("shoal::sim::CloudDevice").SetParent<ns3::NetDevice>().AddConstructor<CloudDevice>();
  return kTypeId;
}

void CloudDevice::plug_in(Cloud& cloud, HostIndex host) {
  cloud_ = &cloud;
  host_ = host;
  address_ = ns3::Mac48Address("02:00:00:00:00:01");  // never looked at
}

bool CloudDevice::Send(ns3::Ptr<ns3::Packet> packet, const ns3::Address&, std::uint16_t protocol) {
  if (cloud_ == nullptr || protocol != ns3::Ipv4L3Protocol::PROT_NUMBER) return false;
  return cloud_->carry(host_, packet);
}

void CloudDevice::deliver(const ns3::Ptr<ns3::Packet>& packet) {
  on_receive_(this, packet, ns3::Ipv4L3Protocol::PROT_NUMBER, address_);
}

void CloudDevice::DoDispose() {
  cloud_ = nullptr;
  node_ = nullptr;
  on_receive_ = ReceiveCallback();
  NetDevice::DoDispose();
}

}  // namespace shoal::sim
