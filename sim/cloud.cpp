#include "sim/cloud.h"

#include <ns3/tcp-header.h>
#include <ns3/tcp-l4-protocol.h>
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

bool Cloud::carry(HostIndex from, const ns3::Ptr<ns3::Packet>& packet) {
  if (!hosts_.cloud_host(from).attached()) return false;
  const PacketSummary summary = PacketSummary::of(*packet);
  const std::size_t bytes = packet->GetSize();
  const std::optional<HostIndex> to = world_.host_at(summary.destination);
  if (!to || (summary.is_udp && summary.destination_port != kHostPort)) {
    return carry_to_nobody(from, bytes, summary.is_udp);
  }
  const World::Departure departure = world_.depart(from, *to, bytes, loop_.now());
  if (departure.fate == World::Fate::kQueueFull) {
    if (summary.is_udp) ++totals_.datagrams_queue_dropped;
    return false;
  }
  count_sent(bytes, summary.is_udp);
  if (summary.is_udp && departure.fate == World::Fate::kLost) ++totals_.datagrams_lost;
  if (summary.is_udp && departure.fate == World::Fate::kCut) ++totals_.datagrams_cut;
  if (departure.fate != World::Fate::kArrives) return true;
  post(packet, *to, summary.is_udp, departure.arrives);
  if (const auto copy = world_.copy_arrives(from, departure.arrives)) {
    if (summary.is_udp) ++totals_.datagrams_duplicated;
    post(packet->Copy(), *to, summary.is_udp, *copy);
  }
  return true;
}

void Cloud::post(const ns3::Ptr<ns3::Packet>& packet, HostIndex to, bool is_udp, Instant arrives) {
  Passage& passage = new_passage();
  passage.packet = packet;
  passage.to = to;
  passage.to_generation = hosts_.cloud_host(to).generation();
  passage.is_udp = is_udp;
  loop_.post(arrives + world_.down_time(packet->GetSize()), passage, to);
}

bool Cloud::carry_to_nobody(HostIndex from, std::size_t bytes, bool is_udp) {
  if (!world_.depart_to_nobody(from, bytes, loop_.now())) {
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
  if (!host.attached() || host.generation() != passage.to_generation) {
    if (passage.is_udp) ++totals_.datagrams_to_nobody;
    free(passage);
    return;
  }
  if (!pass_down_link(passage)) return;
  if (passage.is_udp) ++totals_.datagrams_delivered;
  const ns3::Ptr<ns3::Packet> packet = std::move(passage.packet);
  const HostIndex to = passage.to;
  free(passage);
  hosts_.on_packet(to, packet);
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
  loop_.post(*turn, passage, passage.to);
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
