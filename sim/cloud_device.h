// CloudDevice: the network device between an ns-3 stack and our own half of the network: a simulated host's
// only one, or an edge router's towards its hosts. What the stack sends goes to the carrier, and what the
// carrier delivers goes up the stack. No ARP, no queue of its own: World's access links are the queues.
#pragma once

#include <ns3/channel.h>
#include <ns3/net-device.h>
#include <ns3/node.h>
#include <ns3/packet.h>

#include <cstdint>

namespace shoal::sim {

class PacketCarrier {
 public:
  virtual ~PacketCarrier() = default;
  // A packet that begins with its IPv4 header, from the device that was plugged in as `port`. False: dropped.
  virtual bool carry(std::uint32_t port, ns3::Ptr<ns3::Packet> packet) = 0;
};

class CloudDevice final : public ns3::NetDevice {
 public:
  static ns3::TypeId GetTypeId();

  // Once, before anything is sent. The carrier outlives the simulation.
  void plug_in(PacketCarrier& carrier, std::uint32_t port);
  // A packet that begins with its IPv4 header.
  void deliver(const ns3::Ptr<ns3::Packet>& packet);

  bool Send(ns3::Ptr<ns3::Packet> packet, const ns3::Address& to, std::uint16_t protocol) override;
  bool SendFrom(ns3::Ptr<ns3::Packet>, const ns3::Address&, const ns3::Address&, std::uint16_t) override {
    return false;
  }
  bool SupportsSendFrom() const override { return false; }

  void SetIfIndex(const std::uint32_t index) override { index_ = index; }
  std::uint32_t GetIfIndex() const override { return index_; }
  ns3::Ptr<ns3::Channel> GetChannel() const override { return nullptr; }
  void SetAddress(ns3::Address address) override { address_ = address; }
  ns3::Address GetAddress() const override { return address_; }
  bool SetMtu(const std::uint16_t) override { return false; }
  std::uint16_t GetMtu() const override { return 1500; }
  bool IsLinkUp() const override { return true; }
  void AddLinkChangeCallback(ns3::Callback<void>) override {}
  bool IsBroadcast() const override { return false; }
  ns3::Address GetBroadcast() const override { return address_; }
  bool IsMulticast() const override { return false; }
  ns3::Address GetMulticast(ns3::Ipv4Address) const override { return address_; }
  ns3::Address GetMulticast(ns3::Ipv6Address) const override { return address_; }
  bool IsBridge() const override { return false; }
  bool IsPointToPoint() const override { return true; }
  ns3::Ptr<ns3::Node> GetNode() const override { return node_; }
  void SetNode(ns3::Ptr<ns3::Node> node) override { node_ = ns3::PeekPointer(node); }
  bool NeedsArp() const override { return false; }
  void SetReceiveCallback(ReceiveCallback callback) override { on_receive_ = callback; }
  void SetPromiscReceiveCallback(PromiscReceiveCallback) override {}

 private:
  void DoDispose() override;

  PacketCarrier* carrier_ = nullptr;
  ns3::Node* node_ = nullptr;  // owns this
  ReceiveCallback on_receive_;
  ns3::Address address_;
  std::uint32_t index_ = 0;
  std::uint32_t port_ = 0;
};

}  // namespace shoal::sim
