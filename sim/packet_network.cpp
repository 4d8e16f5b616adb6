#include "sim/packet_network.h"

#include <ns3/ipv4-interface-address.h>
#include <ns3/ipv4-l3-protocol.h>
#include <ns3/tcp-l4-protocol.h>
#include <ns3/traffic-control-layer.h>

#include <algorithm>
#include <array>

#include "node/base/check.h"

namespace shoal::sim {

PacketNetwork::PacketNetwork(const NetworkSpec& spec, std::uint64_t seed)
    : NetworkBase(spec, seed), cloud_(loop_, world_, *this, totals_) {
  PacketStreams::set_defaults();
}

PacketNetwork::~PacketNetwork() {
  loop_.destroy();
}

HostIndex PacketNetwork::add_host() {
  const HostIndex index = world_.add_host();
  hosts_.emplace_back(*this, index);
  return index;
}

PacketNetwork::Host::Host(PacketNetwork& network, HostIndex index)
    : SimulatedHost(network.loop_, network.world_, index),
      network_(network),
      own_(network.world_.inside_address(index)) {
  make_stack();
}

void PacketNetwork::Host::make_stack() {
  node_ = ns3::CreateObject<ns3::Node>();
  node_->AggregateObject(ns3::CreateObject<ns3::TrafficControlLayer>());  // IPv4 sends through it
  const auto ipv4 = ns3::CreateObject<ns3::Ipv4L3Protocol>();
  node_->AggregateObject(ipv4);
  udp_ = ns3::CreateObject<ns3::UdpL4Protocol>();
  node_->AggregateObject(udp_);
  node_->AggregateObject(ns3::CreateObject<ns3::TcpL4Protocol>());

  device_ = ns3::CreateObject<CloudDevice>();
  device_->plug_in(network_.cloud_, index());
  node_->AddDevice(device_);
  routing_ = ns3::CreateObject<OneHopRouting>();
  ipv4->SetRoutingProtocol(routing_);
  interface_ = ipv4->AddInterface(device_);
  take_address();
  ipv4->SetUp(interface_);
  node_->Initialize();  // at once: sending before it happens would crash
}

void PacketNetwork::Host::take_address() {
  const auto ipv4 = node_->GetObject<ns3::Ipv4L3Protocol>();
  // The mask is wide, so that no host has the address of a subnet's broadcast.
  ipv4->AddAddress(interface_, ns3::Ipv4InterfaceAddress(own_, ns3::Ipv4Mask("255.0.0.0")));
  routing_->set_host(own_, device_, ipv4->GetNetDevice(0));
  // The port's own endpoint instead of a socket: a socket would queue and copy every datagram once more.
  udp_port_ = udp_->Allocate(nullptr, own_, kHostPort);
  udp_port_->SetRxCallback(ns3::MakeCallback(&Host::on_udp, this));
}

void PacketNetwork::Host::change_address() {
  udp_->DeAllocate(udp_port_);
  node_->GetObject<ns3::Ipv4L3Protocol>()->RemoveAddress(interface_, 0);
  own_ = ns3::Ipv4Address(network_.world_.inside_address(index()));
  take_address();
  if (streams_ != nullptr) streams_->change_address(own_);
}

void PacketNetwork::Host::receive(const ns3::Ptr<ns3::Packet>& packet) {
  if (streams_ != nullptr) {
    const PacketSummary summary = PacketSummary::of(*packet);
    if (summary.is_tcp_reset) streams_->on_reset_segment(summary);
  }
  device_->deliver(packet);
}

void PacketNetwork::Host::on_udp(ns3::Ptr<ns3::Packet> packet, ns3::Ipv4Header header, std::uint16_t port,
                                 ns3::Ptr<ns3::Ipv4Interface>) {
  std::array<std::uint8_t, kDatagramBytesMax> bytes;
  const std::size_t count = packet->CopyData(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
  const Endpoint from = Endpoint::v4(header.GetSource().Get(), port);
  deliver_datagram(from, ByteView(bytes).first(count), is_multicast(header.GetDestination().Get()));
}

bool PacketNetwork::Host::send(const Endpoint& to, ByteView datagram) {
  if (!attached() || datagram.size() > kDatagramBytesMax || !to.is_v4() || !to) return false;
  if (network_.world_.up_queue_full(index(), sends_at())) {
    ++network_.totals_.datagrams_queue_dropped;
    return false;
  }
  const ns3::Ipv4Address destination(to.v4_address());
  udp_->Send(ns3::Create<ns3::Packet>(datagram.data(), static_cast<std::uint32_t>(datagram.size())), own_,
             destination, kHostPort, to.port, routing_->route_to(destination));
  return true;
}

// ns-3 tells endpoints apart by address and port, and keeps them for ever.
void PacketNetwork::Host::on_joined(const Endpoint& group) {
  if (std::ranges::find(groups_, group) != groups_.end()) return;
  groups_.push_back(group);
  udp_->Allocate(nullptr, ns3::Ipv4Address(group.v4_address()), group.port)
      ->SetRxCallback(ns3::MakeCallback(&Host::on_udp, this));
}

PacketStreams& PacketNetwork::Host::streams() {
  if (streams_ == nullptr) streams_ = std::make_unique<PacketStreams>(loop(), *this, node_, own_);
  return *streams_;
}

void PacketNetwork::Host::drop_streams() {
  if (streams_ != nullptr) streams_->drop_all();
}

Result<StreamId> PacketNetwork::Host::open_stream(const Endpoint& to) {
  return streams().connect(to);
}

Result<void> PacketNetwork::Host::start_listening() {
  return streams().listen();
}

std::size_t PacketNetwork::Host::write(StreamId stream, ByteView bytes) {
  return streams().write(stream, bytes);
}

std::size_t PacketNetwork::Host::read(StreamId stream, MutableByteView out) {
  return streams().read(stream, out);
}

void PacketNetwork::Host::close(StreamId stream, CloseMode mode) {
  streams().close(stream, mode);
}

}  // namespace shoal::sim
