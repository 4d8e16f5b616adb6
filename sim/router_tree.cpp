#include "sim/router_tree.h"

#include <ns3/data-rate.h>
#include <ns3/drop-tail-queue.h>
#include <ns3/icmpv4-l4-protocol.h>
#include <ns3/ipv4-l3-protocol.h>
#include <ns3/mac48-address.h>
#include <ns3/nstime.h>
#include <ns3/point-to-point-net-device.h>

#include <ns3/point-to-point-channel.h>  // after the device, which it only declares
#include <ns3/queue-size.h>
#include <ns3/traffic-control-layer.h>

#include <algorithm>

namespace shoal::sim {
namespace {

constexpr std::uint32_t kFirstRouterAddress = 100u << 24 | 64u << 16 | 1;  // RFC 6598: a carrier's own
constexpr std::uint64_t kLargestFrameBytes = 1502;  // an IP packet of 1,500 bytes in PPP

std::uint32_t queue_bytes(Duration queue, std::uint64_t bits_per_s) {
  const auto bytes = static_cast<std::uint64_t>(to_seconds(queue) * static_cast<double>(bits_per_s) / 8);
  // A packet passes through the queue even when the link is idle.
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(bytes, kLargestFrameBytes, UINT32_MAX));
}

}  // namespace

RouterTree::RouterTree(const RouterPlan& plan, Outside& outside) : outside_(outside) {
  for (std::size_t level = 0; level <= plan.depth(); ++level) {
    for (std::uint32_t i = 0; i < plan.count(level); ++i) routers_.push_back(make_router(plan, {level, i}));
  }
  for (std::size_t level = 0; level < plan.depth(); ++level) {
    const RouterLevel& links = plan.links_below(level);
    for (std::uint32_t i = 0; i < plan.count(level + 1); ++i) {
      const RouterPlan::Router lower{level + 1, i};
      const auto link = ns3::CreateObject<ns3::PointToPointChannel>();
      link->SetAttribute("Delay", ns3::TimeValue(ns3::NanoSeconds(links.delay.count())));
      plug(routers_[plan.number(plan.parent(lower))], RouterPlan::kFirstDownPort + i % links.fan_out, link,
           links.down_bits_per_s, links.queue);
      plug(routers_[plan.number(lower)], RouterPlan::kUpPort, link, links.up_bits_per_s, links.queue);
    }
  }
  for (std::uint32_t edge = 0; edge < plan.edge_count(); ++edge) {
    open_door(routers_[plan.number({plan.depth(), edge})], edge);
  }
  for (const Node& router : routers_) router.node->Initialize();
}

RouterTree::Node RouterTree::make_router(const RouterPlan& plan, RouterPlan::Router router) {
  const auto node = ns3::CreateObject<ns3::Node>();
  node->AggregateObject(ns3::CreateObject<ns3::TrafficControlLayer>());  // IPv4 sends through it
  const auto ipv4 = ns3::CreateObject<ns3::Ipv4L3Protocol>();
  node->AggregateObject(ipv4);
  // A packet whose TTL ends would find a null pointer in its place.
  node->AggregateObject(ns3::CreateObject<ns3::Icmpv4L4Protocol>());
  const auto routing = ns3::CreateObject<TreeRouting>();
  routing->set_router(plan, router, ns3::Ipv4Address(kFirstRouterAddress + plan.number(router)));
  ipv4->SetRoutingProtocol(routing);
  return {node, routing};
}

void RouterTree::add_port(const Node& router, std::uint32_t port, const ns3::Ptr<ns3::NetDevice>& device) {
  const auto ipv4 = router.node->GetObject<ns3::Ipv4L3Protocol>();
  router.node->AddDevice(device);
  ipv4->SetUp(ipv4->AddInterface(device));
  router.routing->set_port(port, device);
}

void RouterTree::plug(const Node& router, std::uint32_t port, const ns3::Ptr<ns3::PointToPointChannel>& link,
                      std::uint64_t bits_per_s, Duration queue) {
  const auto packets = ns3::CreateObject<ns3::DropTailQueue<ns3::Packet>>();
  packets->SetMaxSize(ns3::QueueSize(ns3::QueueSizeUnit::BYTES, queue_bytes(queue, bits_per_s)));
  packets->TraceConnectWithoutContext("Drop", ns3::MakeCallback(&RouterTree::on_drop, this));
  const auto device = ns3::CreateObject<ns3::PointToPointNetDevice>();
  device->SetAddress(ns3::Mac48Address("02:00:00:00:00:01"));  // never looked at
  device->SetDataRate(ns3::DataRate(bits_per_s));
  device->SetQueue(packets);
  device->Attach(link);
  add_port(router, port, device);
}

void RouterTree::open_door(const Node& router, std::uint32_t edge) {
  const auto device = ns3::CreateObject<CloudDevice>();
  device->plug_in(*this, edge);
  add_port(router, RouterPlan::kFirstDownPort, device);
  doors_.push_back(device);
}

bool RouterTree::carry(std::uint32_t, ns3::Ptr<ns3::Packet> packet) {
  outside_.on_left_routers(packet);
  return true;
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): an ns-3 callback
void RouterTree::on_drop(ns3::Ptr<const ns3::Packet> packet) {
  outside_.on_dropped_by_router(*packet);
}

}  // namespace shoal::sim
