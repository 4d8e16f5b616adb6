#include "sim/message_network.h"

#include "node/base/check.h"

namespace shoal::sim {

MessageNetwork::MessageNetwork(const NetworkSpec& spec, std::uint64_t seed)
    : NetworkBase(spec, seed), pool_(*this), streams_(loop_, world_, *this) {}

MessageNetwork::~MessageNetwork() {
  loop_.destroy();
}

HostIndex MessageNetwork::add_host() {
  const HostIndex index = world_.add_host();
  hosts_.emplace_back(*this, index);
  return index;
}

void MessageNetwork::on_detached(HostIndex host) {
  hosts_[host].stop_listening();
  streams_.drop_all(host);
}

bool MessageNetwork::send(HostIndex from, const Endpoint& to, ByteView datagram) {
  if (datagram.size() > kDatagramBytesMax || !to.is_v4() || !to) return false;
  const std::size_t bytes = datagram.size() + kDatagramHeaderBytes;
  const std::optional<HostIndex> receiver = world_.host_at(to);
  std::uint16_t from_port = kHostPort;
  if (Nat* nat = world_.nat(from)) {
    const auto outside = nat->out(Nat::Protocol::kUdp, kHostPort, {to.v4_address(), to.port}, loop_.now());
    if (!outside) return drop_at_nat();
    from_port = *outside;
  }
  if (!receiver || (to.port != kHostPort && !world_.behind_nat(*receiver))) {
    return is_multicast(to.v4_address()) ? send_to_group(from, to, datagram) : send_to_nobody(from, bytes);
  }
  const World::Departure departure = world_.depart(from, *receiver, bytes, hosts_[from].sends_at());
  if (departure.fate == World::Fate::kQueueFull) {
    ++totals_.datagrams_queue_dropped;
    return false;
  }
  ++totals_.datagrams_sent;
  totals_.bytes_sent += bytes;
  carry({from, *receiver, from_port, to.port}, datagram, departure);
  return true;
}

// Once on the sender's link; the switch makes the copies.
bool MessageNetwork::send_to_group(HostIndex from, const Endpoint& group, ByteView datagram) {
  const std::span<const HostIndex> members = world_.members(from, group.v4_address(), group.port);
  const std::size_t bytes = datagram.size() + kDatagramHeaderBytes;
  if (members.empty()) return send_to_nobody(from, bytes);
  const std::optional<Instant> leaves = world_.enter_up_link(from, bytes, hosts_[from].sends_at());
  if (!leaves) {
    ++totals_.datagrams_queue_dropped;
    return false;
  }
  ++totals_.datagrams_sent;
  totals_.bytes_sent += bytes;
  for (const HostIndex member : members) {
    if (member != from)
      carry({from, member, kHostPort, group.port, true}, datagram, world_.cross(from, member, *leaves));
  }
  return true;
}

void MessageNetwork::carry(const Way& way, ByteView datagram, const World::Departure& departure) {
  if (departure.fate == World::Fate::kLost) ++totals_.datagrams_lost;
  if (departure.fate == World::Fate::kCut) ++totals_.datagrams_cut;
  if (departure.fate != World::Fate::kArrives) return;
  post(way, datagram, departure.arrives);
  if (const auto copy = world_.copy_arrives(way.from, departure.arrives)) {
    ++totals_.datagrams_duplicated;
    post(way, datagram, *copy);
  }
}

void MessageNetwork::post(const Way& way, ByteView datagram, Instant arrives) {
  DatagramEvent& event = pool_.take(datagram);
  event.from = way.from;
  event.to = way.to;
  event.to_generation = hosts_[way.to].generation();
  event.from_address = world_.address(way.from);
  event.to_address = world_.address(way.to);
  event.from_port = way.from_port;
  event.to_port = way.to_port;
  event.multicast = way.multicast;
  loop_.post_host_event(arrives + world_.down_time(datagram.size() + kDatagramHeaderBytes), event);
}

bool MessageNetwork::send_to_nobody(HostIndex from, std::size_t bytes) {
  if (!world_.enter_up_link(from, bytes, hosts_[from].sends_at())) {
    ++totals_.datagrams_queue_dropped;
    return false;
  }
  ++totals_.datagrams_sent;
  ++totals_.datagrams_to_nobody;
  totals_.bytes_sent += bytes;
  return true;
}

// Its NAT's table is full. The host does not know.
bool MessageNetwork::drop_at_nat() {
  ++totals_.datagrams_sent;
  ++totals_.datagrams_filtered;
  return true;
}

bool MessageNetwork::let_in(const Nat& nat, const DatagramEvent& event) const {
  const Nat::Remote from{event.from_address, event.from_port};
  return nat.in(Nat::Protocol::kUdp, event.to_port, from, loop_.now()).has_value();
}

void MessageNetwork::on_datagram_event(DatagramEvent& event) {
  Host& host = hosts_[event.to];
  const bool moved = world_.has_moved() && !event.multicast && world_.address(event.to) != event.to_address;
  if (!host.attached() || host.generation() != event.to_generation || moved) {
    ++totals_.datagrams_to_nobody;
    pool_.give_back(event);
    return;
  }
  if (!event.queued) {
    const Instant now = loop_.now();
    const std::size_t bytes = event.bytes().size() + kDatagramHeaderBytes;
    const std::optional<Instant> turn = world_.receive(event.to, bytes, now);
    if (!turn) {
      ++totals_.datagrams_queue_dropped;
      pool_.give_back(event);
      return;
    }
    if (*turn > now) {
      event.queued = true;
      loop_.post_host_event(*turn, event);
      return;
    }
  }
  Nat* const nat = world_.nat(event.to);
  if (nat != nullptr && !let_in(*nat, event)) {
    ++totals_.datagrams_filtered;
    pool_.give_back(event);
    return;
  }
  ++totals_.datagrams_delivered;
  const Endpoint from = Endpoint::v4(event.from_address, event.from_port);
  host.deliver_datagram(from, event.bytes(), event.multicast);
  pool_.give_back(event);
}

bool MessageNetwork::Host::send(const Endpoint& to, ByteView datagram) {
  return attached() && network_.send(index(), to, datagram);
}

Result<StreamId> MessageNetwork::Host::open_stream(const Endpoint& to) {
  return network_.streams_.connect(index(), to);
}

Result<void> MessageNetwork::Host::start_listening() {
  listening_ = true;
  return {};
}

std::size_t MessageNetwork::Host::write(StreamId stream, ByteView bytes) {
  return network_.streams_.write(index(), stream, bytes);
}

std::size_t MessageNetwork::Host::read(StreamId stream, MutableByteView out) {
  return network_.streams_.read(index(), stream, out);
}

void MessageNetwork::Host::close(StreamId stream, CloseMode mode) {
  network_.streams_.close(index(), stream, mode);
}

}  // namespace shoal::sim
