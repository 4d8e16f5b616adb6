#include "sim/message_network.h"

#include "node/base/check.h"

namespace shoal::sim {
namespace {

tl::unexpected<Error> detached() {
  return fail(ErrorCode::kIo, "the simulated host is detached");
}

}  // namespace

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

HostPorts MessageNetwork::ports(HostIndex index) {
  check(index < hosts_.size(), "no such host");
  Host& host = hosts_[index];
  return {host, host, host, host};
}

void MessageNetwork::on_detached(HostIndex host) {
  hosts_[host].stop_listening();
  streams_.drop_all(host);
}

bool MessageNetwork::send(const Host& from, const Endpoint& to, ByteView datagram) {
  if (datagram.size() > kDatagramBytesMax || !to.is_v4() || !to) return false;
  const std::size_t bytes = datagram.size() + kDatagramHeaderBytes;
  const std::optional<HostIndex> receiver = world_.host_at(to);
  std::uint16_t from_port = kHostPort;
  if (Nat* nat = world_.nat(from.index())) {
    const auto outside = nat->out(Nat::Protocol::kUdp, kHostPort, {to.v4_address(), to.port}, loop_.now());
    if (!outside) return drop_at_nat();
    from_port = *outside;
  }
  if (!receiver || (to.port != kHostPort && !world_.behind_nat(*receiver))) {
    return send_to_nobody(from, bytes);
  }
  const World::Departure departure = world_.depart(from.index(), *receiver, bytes, from.sends_at());
  if (departure.fate == World::Fate::kQueueFull) {
    ++totals_.datagrams_queue_dropped;
    return false;
  }
  ++totals_.datagrams_sent;
  totals_.bytes_sent += bytes;
  if (departure.fate == World::Fate::kLost) ++totals_.datagrams_lost;
  if (departure.fate == World::Fate::kCut) ++totals_.datagrams_cut;
  if (departure.fate != World::Fate::kArrives) return true;
  const Way way{from.index(), *receiver, from_port, to.port};
  post(way, datagram, departure.arrives);
  if (const auto copy = world_.copy_arrives(from.index(), departure.arrives)) {
    ++totals_.datagrams_duplicated;
    post(way, datagram, *copy);
  }
  return true;
}

void MessageNetwork::post(const Way& way, ByteView datagram, Instant arrives) {
  DatagramEvent& event = pool_.take(datagram);
  event.from = way.from;
  event.to = way.to;
  event.to_generation = hosts_[way.to].generation();
  event.from_port = way.from_port;
  event.to_port = way.to_port;
  loop_.post(arrives + world_.down_time(datagram.size() + kDatagramHeaderBytes), event);
}

bool MessageNetwork::send_to_nobody(const Host& from, std::size_t bytes) {
  if (!world_.depart_to_nobody(from.index(), bytes, from.sends_at())) {
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
  const Nat::Remote from{address_of(event.from), event.from_port};
  return nat.in(Nat::Protocol::kUdp, event.to_port, from, loop_.now()).has_value();
}

void MessageNetwork::on_datagram_event(DatagramEvent& event) {
  Host& host = hosts_[event.to];
  if (!host.attached() || host.generation() != event.to_generation) {
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
      loop_.post(*turn, event);
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
  Endpoint from = world_.endpoint(event.from);
  from.port = event.from_port;
  host.deliver_datagram(from, event.bytes());
  pool_.give_back(event);
}

bool MessageNetwork::Host::send(const Endpoint& to, ByteView datagram) {
  return attached() && network_.send(*this, to, datagram);
}

Result<void> MessageNetwork::Host::join(const Endpoint&) {
  return fail(ErrorCode::kIo, "multicast is not supported by this topology");
}

Result<StreamId> MessageNetwork::Host::connect(const Endpoint& to) {
  if (!attached()) return detached();
  return network_.streams_.connect(index(), to);
}

Result<void> MessageNetwork::Host::listen() {
  if (!attached()) return detached();
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
