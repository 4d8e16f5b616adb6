#include "sim/cloud.h"

#include <ns3/ipv4-header.h>
#include <ns3/tcp-header.h>
#include <ns3/tcp-l4-protocol.h>
#include <ns3/udp-header.h>
#include <ns3/udp-l4-protocol.h>

#include <utility>

namespace shoal::sim {
namespace {

// RFC 791 §3.1, RFC 9293 §3.1
constexpr std::size_t kIpHeaderBytes = 20;
constexpr std::size_t kProtocolAt = 9;
constexpr std::size_t kSourceAt = 12;
constexpr std::size_t kDestinationAt = 16;
constexpr std::size_t kSourcePortAt = kIpHeaderBytes;
constexpr std::size_t kDestinationPortAt = kIpHeaderBytes + 2;
constexpr std::size_t kTcpFlagsAt = kIpHeaderBytes + 13;

template <class Header>
void set_ports(ns3::Packet& packet, const PacketSummary& wanted) {
  Header header;
  packet.RemoveHeader(header);
  header.SetSourcePort(wanted.source_port);
  header.SetDestinationPort(wanted.destination_port);
  packet.AddHeader(header);
}

// A copy that bears the addresses and ports of `wanted`. ns-3 reckons no checksums unless told to.
ns3::Ptr<ns3::Packet> rewritten(const ns3::Packet& packet, const PacketSummary& wanted) {
  const ns3::Ptr<ns3::Packet> copy = packet.Copy();
  ns3::Ipv4Header ip;
  copy->RemoveHeader(ip);
  if (wanted.is_udp) {
    set_ports<ns3::UdpHeader>(*copy, wanted);
  } else {
    set_ports<ns3::TcpHeader>(*copy, wanted);
  }
  ip.SetSource(ns3::Ipv4Address(wanted.source));
  ip.SetDestination(ns3::Ipv4Address(wanted.destination));
  copy->AddHeader(ip);
  return copy;
}

Nat::Protocol protocol_of(const PacketSummary& summary) {
  return summary.is_udp ? Nat::Protocol::kUdp : Nat::Protocol::kTcp;
}

}  // namespace

PacketSummary PacketSummary::of(const ns3::Packet& packet) {
  std::array<std::uint8_t, kTcpFlagsAt + 1> header{};
  packet.CopyData(header.data(), static_cast<std::uint32_t>(header.size()));
  const auto u16 = [&](std::size_t i) { return static_cast<std::uint16_t>(header[i] << 8 | header[i + 1]); };
  const auto u32 = [&](std::size_t i) { return std::uint32_t{u16(i)} << 16 | u16(i + 2); };
  PacketSummary summary;
  summary.source = u32(kSourceAt);
  summary.destination = u32(kDestinationAt);
  summary.source_port = u16(kSourcePortAt);
  summary.destination_port = u16(kDestinationPortAt);
  summary.is_udp = header[kProtocolAt] == ns3::UdpL4Protocol::PROT_NUMBER;
  summary.is_tcp_reset = header[kProtocolAt] == ns3::TcpL4Protocol::PROT_NUMBER &&
                         (header[kTcpFlagsAt] & ns3::TcpHeader::RST) != 0;
  return summary;
}

Cloud::Cloud(EventLoop& loop, World& world, Hosts& hosts, NetworkTotals& totals)
    : loop_(loop), world_(world), hosts_(hosts), totals_(totals) {
  if (!world_.has_routers()) return;
  RouterTree::Outside& outside = *this;
  routers_ = std::make_unique<RouterTree>(world_.routers(), outside);
  first_host_node_ = world_.routers().router_count();
}

bool Cloud::carry(HostIndex from, ns3::Ptr<ns3::Packet> packet) {
  if (!hosts_.cloud_host(from).attached()) return false;
  PacketSummary summary = PacketSummary::of(*packet);
  const std::size_t bytes = packet->GetSize();
  // A connection of an address that the host has given up.
  if (world_.has_moved() && summary.source != world_.inside_address(from)) return false;
  if (world_.behind_nat(from) && (packet = translate_out(from, packet, summary)) == nullptr) return true;
  const std::optional<HostIndex> to = world_.host_at(summary.destination);
  const bool right_port = !summary.is_udp || summary.destination_port == kHostPort;
  if (!to || (!right_port && !world_.behind_nat(*to))) {
    if (summary.is_udp && is_multicast(summary.destination)) return carry_to_group(from, packet, summary);
    return carry_to_nobody(from, bytes, summary.is_udp);
  }
  const World::Departure departure = world_.depart(from, *to, bytes, hosts_.cloud_host(from).sends_at());
  if (departure.fate == World::Fate::kQueueFull) {
    if (summary.is_udp) ++totals_.datagrams_queue_dropped;
    return false;
  }
  count_sent(bytes, summary.is_udp);
  cross(from, *to, packet, summary.is_udp, departure);
  return true;
}

// Once on the sender's link; the switch makes the copies.
bool Cloud::carry_to_group(HostIndex from, const ns3::Ptr<ns3::Packet>& packet,
                           const PacketSummary& summary) {
  const std::span<const HostIndex> members =
      world_.members(from, summary.destination, summary.destination_port);
  const std::size_t bytes = packet->GetSize();
  if (members.empty()) return carry_to_nobody(from, bytes, true);
  const std::optional<Instant> leaves = world_.enter_up_link(from, bytes, hosts_.cloud_host(from).sends_at());
  if (!leaves) {
    ++totals_.datagrams_queue_dropped;
    return false;
  }
  count_sent(bytes, true);
  for (const HostIndex member : members) {
    if (member != from) cross(from, member, packet->Copy(), true, world_.cross(from, member, *leaves));
  }
  return true;
}

void Cloud::cross(HostIndex from, HostIndex to, const ns3::Ptr<ns3::Packet>& packet, bool is_udp,
                  const World::Departure& departure) {
  if (is_udp && departure.fate == World::Fate::kLost) ++totals_.datagrams_lost;
  if (is_udp && departure.fate == World::Fate::kCut) ++totals_.datagrams_cut;
  if (departure.fate != World::Fate::kArrives) return;
  post(from, packet, to, is_udp, departure.arrives);
  if (const auto copy = world_.copy_arrives(from, departure.arrives)) {
    if (is_udp) ++totals_.datagrams_duplicated;
    post(from, packet->Copy(), to, is_udp, *copy);
  }
}

void Cloud::post(HostIndex from, const ns3::Ptr<ns3::Packet>& packet, HostIndex to, bool is_udp,
                 Instant arrives) {
  const PassageTag tag(to, hosts_.cloud_host(to).generation(), is_udp);
  if (routers_ == nullptr || from == to) return post_arrival(packet, tag, arrives);
  packet->AddPacketTag(tag);
  Passage& passage = new_passage();
  passage.packet = packet;
  passage.to = from;  // whose edge router comes first
  passage.to_routers = true;
  post_passage(passage, arrives - world_.delay_from_first_router(from, to));
}

void Cloud::post_arrival(const ns3::Ptr<ns3::Packet>& packet, const PassageTag& tag, Instant arrives) {
  Passage& passage = new_passage();
  passage.packet = packet;
  passage.to = tag.to;
  passage.to_generation = tag.to_generation;
  passage.is_udp = tag.is_udp;
  passage.to_routers = false;
  post_passage(passage, arrives + world_.down_time(packet->GetSize()));
}

void Cloud::post_passage(Passage& passage, Instant when) {
  loop_.post(when, passage, first_host_node_ + passage.to);
}

void Cloud::enter_routers(Passage& passage) {
  const ns3::Ptr<ns3::Packet> packet = std::move(passage.packet);
  const std::uint32_t edge = world_.region(passage.to);
  free(passage);
  routers_->enter(edge, packet);
}

void Cloud::on_left_routers(const ns3::Ptr<ns3::Packet>& packet) {
  PassageTag tag;
  if (!packet->RemovePacketTag(tag)) return;  // a router's own message, for which hosts have no use
  post_arrival(packet, tag, loop_.now() + world_.edge_delay(tag.to));
}

void Cloud::on_dropped_by_router(const ns3::Packet& packet) {
  PassageTag tag;
  ++totals_.router_packets_dropped;
  if (packet.PeekPacketTag(tag) && tag.is_udp) ++totals_.datagrams_queue_dropped;
}

ns3::Ptr<ns3::Packet> Cloud::translate_out(HostIndex from, const ns3::Ptr<ns3::Packet>& packet,
                                           PacketSummary& summary) {
  const Nat::Remote to{summary.destination, summary.destination_port};
  const auto port = world_.nat(from)->out(protocol_of(summary), summary.source_port, to, loop_.now());
  if (!port) {
    if (summary.is_udp) ++totals_.datagrams_sent, ++totals_.datagrams_filtered;
    return nullptr;
  }
  summary.source = world_.address(from);
  summary.source_port = *port;
  return rewritten(*packet, summary);
}

ns3::Ptr<ns3::Packet> Cloud::translate_in(HostIndex to, const ns3::Ptr<ns3::Packet>& packet) {
  PacketSummary summary = PacketSummary::of(*packet);
  const Nat::Remote from{summary.source, summary.source_port};
  const auto port = world_.nat(to)->in(protocol_of(summary), summary.destination_port, from, loop_.now());
  if (!port) return nullptr;
  summary.destination = world_.inside_address(to);
  summary.destination_port = *port;
  return rewritten(*packet, summary);
}

bool Cloud::carry_to_nobody(HostIndex from, std::size_t bytes, bool is_udp) {
  if (!world_.enter_up_link(from, bytes, hosts_.cloud_host(from).sends_at())) {
    if (is_udp) ++totals_.datagrams_queue_dropped;
    return false;
  }
  count_sent(bytes, is_udp);
  if (is_udp) ++totals_.datagrams_to_nobody;
  return true;
}

void Cloud::count_sent(std::size_t bytes, bool is_udp) {
  totals_.bytes_sent += bytes;
  if (is_udp) ++totals_.datagrams_sent;
}

void Cloud::arrive(Passage& passage) {
  const SimulatedHost& host = hosts_.cloud_host(passage.to);
  if (!host.attached() || host.generation() != passage.to_generation || is_to_past(passage)) {
    if (passage.is_udp) ++totals_.datagrams_to_nobody;
    free(passage);
    return;
  }
  if (!pass_down_link(passage)) return;
  ns3::Ptr<ns3::Packet> packet = std::move(passage.packet);
  const HostIndex to = passage.to;
  const bool is_udp = passage.is_udp;
  free(passage);
  if (world_.behind_nat(to) && (packet = translate_in(to, packet)) == nullptr) {
    if (is_udp) ++totals_.datagrams_filtered;
    return;
  }
  if (is_udp) ++totals_.datagrams_delivered;
  hosts_.on_packet(to, packet);
}

bool Cloud::is_to_past(const Passage& passage) const {
  if (!world_.has_moved()) return false;
  const std::uint32_t destination = PacketSummary::of(*passage.packet).destination;
  return destination != world_.address(passage.to) && !is_multicast(destination);
}

bool Cloud::pass_down_link(Passage& passage) {
  if (passage.queued) return true;
  const Instant now = loop_.now();
  const std::optional<Instant> turn = world_.receive(passage.to, passage.packet->GetSize(), now);
  if (!turn) {
    if (passage.is_udp) ++totals_.datagrams_queue_dropped;
    free(passage);
    return false;
  }
  if (*turn == now) return true;
  passage.queued = true;
  post_passage(passage, *turn);
  return false;
}

Cloud::Passage& Cloud::new_passage() {
  if (free_ == nullptr) free_ = &passages_.emplace_back(*this);
  Passage& passage = *free_;
  free_ = passage.next_free;
  passage.next_free = nullptr;
  passage.queued = false;
  return passage;
}

void Cloud::free(Passage& passage) {
  passage.packet = nullptr;
  passage.next_free = free_;
  free_ = &passage;
}

}  // namespace shoal::sim
