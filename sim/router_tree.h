// RouterTree: the routers of the topology `routers`, as ns-3 nodes with IPv4 and point-to-point links with
// drop-tail queues. Packets enter and leave at edge routers; in between each router takes one off their TTL.
#pragma once

#include <ns3/node.h>
#include <ns3/packet.h>
#include <ns3/ptr.h>

#include <vector>

#include "sim/cloud_device.h"
#include "sim/router_plan.h"
#include "sim/tree_routing.h"

namespace ns3 {
class PointToPointChannel;
}

namespace shoal::sim {

class RouterTree final : private PacketCarrier {
 public:
  // Who is told what became of a packet. Its tags are those that it entered with.
  class Outside {
   public:
    virtual ~Outside() = default;
    // To the hosts of the edge router whose prefix its destination has.
    virtual void on_left_routers(const ns3::Ptr<ns3::Packet>& packet) = 0;
    // It found a queue full.
    virtual void on_dropped_by_router(const ns3::Packet& packet) = 0;
  };

  // Both outlive this. Before any other ns-3 node of the network is made: routers are its first nodes.
  RouterTree(const RouterPlan& plan, Outside& outside);

  // A packet that begins with its IPv4 header comes from a host of an edge router.
  void enter(std::uint32_t edge, const ns3::Ptr<ns3::Packet>& packet) { doors_[edge]->deliver(packet); }

 private:
  struct Node {
    ns3::Ptr<ns3::Node> node;
    ns3::Ptr<TreeRouting> routing;
  };

  static Node make_router(const RouterPlan& plan, RouterPlan::Router router);
  static void add_port(const Node& router, std::uint32_t port, const ns3::Ptr<ns3::NetDevice>& device);
  // One end of a link.
  void plug(const Node& router, std::uint32_t port, const ns3::Ptr<ns3::PointToPointChannel>& link,
            std::uint64_t bits_per_s, Duration queue);
  void open_door(const Node& router, std::uint32_t edge);
  bool carry(std::uint32_t edge, ns3::Ptr<ns3::Packet> packet) override;
  void on_drop(ns3::Ptr<const ns3::Packet> packet);

  Outside& outside_;
  std::vector<Node> routers_;                 // by number
  std::vector<ns3::Ptr<CloudDevice>> doors_;  // by edge router: where its hosts are
};

}  // namespace shoal::sim
