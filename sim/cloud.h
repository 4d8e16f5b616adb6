// Cloud: the Internet of the packet fidelity: takes IP packets from the hosts' devices, has the World say
// what becomes of each, and hands it to the host whose address it bears: straight, or, where the topology has
// routers, through those between the two access links:
//
//   up link ─► sender's access delay, disturbances ─► routers ─► receiver's access delay ─► down link
#pragma once

#include <ns3/event-impl.h>
#include <ns3/packet.h>

#include <array>
#include <cstdint>
#include <deque>
#include <memory>

#include "sim/cloud_device.h"
#include "sim/event_loop.h"
#include "sim/network.h"
#include "sim/passage_tag.h"
#include "sim/router_tree.h"
#include "sim/simulated_host.h"
#include "sim/world.h"

namespace shoal::sim {

// The fields of an IPv4 packet's headers that matter to whoever carries it.
struct PacketSummary {
  std::uint32_t source = 0, destination = 0;
  std::uint16_t source_port = 0, destination_port = 0;
  bool is_udp = false;
  bool is_tcp_reset = false;

  // Of a packet that begins with an IPv4 header without options, as ns-3 builds them.
  static PacketSummary of(const ns3::Packet& packet);
};

class Cloud final : public PacketCarrier, private RouterTree::Outside {
 public:
  // How the cloud reaches hosts.
  class Hosts {
   public:
    virtual ~Hosts() = default;
    virtual SimulatedHost& cloud_host(HostIndex host) = 0;
    virtual void on_packet(HostIndex host, const ns3::Ptr<ns3::Packet>& packet) = 0;
  };

  // Before any host: routers are the first of ns-3's nodes, hosts follow in their order.
  Cloud(EventLoop& loop, World& world, Hosts& hosts, NetworkTotals& totals);

  // False: the up link's queue is full, or the host is detached.
  bool carry(HostIndex from, ns3::Ptr<ns3::Packet> packet) override;

 private:
  class Passage final : public ns3::EventImpl {
   public:
    explicit Passage(Cloud& cloud) : cloud_(cloud) {}
    ns3::Ptr<ns3::Packet> packet;
    HostIndex to = 0;
    std::uint32_t to_generation = 0;
    bool is_udp = false;
    bool to_routers = false;  // is on its way to the first of them
    bool queued = false;      // has its turn on the down link already
    Passage* next_free = nullptr;

   private:
    void Notify() override { to_routers ? cloud_.enter_routers(*this) : cloud_.arrive(*this); }
    Cloud& cloud_;
  };

  // Into a passage that would arrive at the down link of `to` then, if it had to wait nowhere.
  void post(HostIndex from, const ns3::Ptr<ns3::Packet>& packet, HostIndex to, bool is_udp, Instant arrives);
  // Into one that arrives there then.
  void post_arrival(const ns3::Ptr<ns3::Packet>& packet, const PassageTag& tag, Instant arrives);
  void post_passage(Passage& passage, Instant when);
  void enter_routers(Passage& passage);
  void on_left_routers(const ns3::Ptr<ns3::Packet>& packet) override;
  void on_dropped_by_router(const ns3::Packet& packet) override;
  // The packet as its sender's NAT lets it out; nullptr: it does not.
  ns3::Ptr<ns3::Packet> translate_out(HostIndex from, const ns3::Ptr<ns3::Packet>& packet,
                                      PacketSummary& summary);
  // The same at the receiver's.
  ns3::Ptr<ns3::Packet> translate_in(HostIndex to, const ns3::Ptr<ns3::Packet>& packet);
  // To the other members of a group in the sender's LAN.
  bool carry_to_group(HostIndex from, const ns3::Ptr<ns3::Packet>& packet, const PacketSummary& summary);
  // Posts what arrives, counts the rest.
  void cross(HostIndex from, HostIndex to, const ns3::Ptr<ns3::Packet>& packet, bool is_udp,
             const World::Departure& departure);
  bool carry_to_nobody(HostIndex from, std::size_t bytes, bool is_udp);
  void count_sent(std::size_t bytes, bool is_udp);
  void arrive(Passage& passage);
  // Its receiver has another address by now.
  bool is_to_past(const Passage& passage) const;
  // False: it has to wait, or is dropped.
  bool pass_down_link(Passage& passage);
  Passage& new_passage();
  void free(Passage& passage);

  EventLoop& loop_;
  World& world_;
  Hosts& hosts_;
  NetworkTotals& totals_;
  std::deque<Passage> passages_;
  Passage* free_ = nullptr;
  std::unique_ptr<RouterTree> routers_;  // of the topology that has some
  std::uint32_t first_host_node_ = 0;    // ns-3's number of the first host
};

}  // namespace shoal::sim
