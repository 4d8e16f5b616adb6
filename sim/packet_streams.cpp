#include "sim/packet_streams.h"

#include <ns3/config.h>
#include <ns3/double.h>
#include <ns3/inet-socket-address.h>
#include <ns3/nstime.h>
#include <ns3/packet.h>
#include <ns3/tcp-header.h>
#include <ns3/tcp-socket-factory.h>
#include <ns3/uinteger.h>

#include <algorithm>
#include <utility>

#include "node/base/check.h"
#include "sim/stream_limits.h"

namespace shoal::sim {
namespace {

// What ns-3 keeps for its own classes. A pointer to a protected member may be formed inside a derived class.
class TcpAccess : public ns3::TcpSocketBase {
 public:
  static ns3::TcpSocket::TcpStates_t state(const ns3::TcpSocketBase& socket) {
    ns3::TracedValue<ns3::TcpSocket::TcpStates_t> ns3::TcpSocketBase::*const state = &TcpAccess::m_state;
    return (socket.*state).Get();
  }
  // A reset for an attempt of which a listener has not heard makes ns-3 take the window of a listener that
  // nobody has called yet for closed, and die of probing it.
  static void open_window(ns3::TcpSocketBase& listener) {
    ns3::TracedValue<std::uint32_t> ns3::TcpSocketBase::*const window = &TcpAccess::m_rWnd;
    listener.*window = kSegmentBytes;
  }
  static void send_reset(ns3::TcpSocketBase& socket) {
    void (ns3::TcpSocketBase::*const send)() = &TcpAccess::SendRST;
    (socket.*send)();
  }
  static void send_acknowledgement(ns3::TcpSocketBase& socket) {
    void (ns3::TcpSocketBase::*const send)(std::uint8_t) = &TcpAccess::SendEmptyPacket;
    (socket.*send)(ns3::TcpHeader::ACK);
  }
};

using SocketPtr = ns3::Ptr<ns3::Socket>;

Guid guid_of(StreamId stream) {
  return {static_cast<std::uint32_t>(stream.value), static_cast<std::uint32_t>(stream.value >> 32)};
}

ns3::InetSocketAddress to_ns3(const Endpoint& endpoint) {
  return {ns3::Ipv4Address(endpoint.v4_address()), endpoint.port};
}

Endpoint from_ns3(const ns3::Address& address) {
  const auto inet = ns3::InetSocketAddress::ConvertFrom(address);
  return Endpoint::v4(inet.GetIpv4().Get(), inet.GetPort());
}

void unhook(ns3::Socket& socket) {
  socket.SetConnectCallback(ns3::MakeNullCallback<void, SocketPtr>(),
                            ns3::MakeNullCallback<void, SocketPtr>());
  socket.SetCloseCallbacks(ns3::MakeNullCallback<void, SocketPtr>(),
                           ns3::MakeNullCallback<void, SocketPtr>());
  socket.SetRecvCallback(ns3::MakeNullCallback<void, SocketPtr>());
  socket.SetSendCallback(ns3::MakeNullCallback<void, SocketPtr, std::uint32_t>());
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): an ns-3 callback
void discard_received(SocketPtr socket) {
  while (socket->GetRxAvailable() > 0 && socket->Recv() != nullptr) {
  }
}

// A sender that has filled the window exactly and then finds a segment lost makes ns-3 send a segment of no
// bytes (TcpTxBuffer::NextSeg, rule 2, with m_sentSize equal to the window), which it dies of. A sender holds
// kStreamWindowBytes; a window of twice that is never full while its reader keeps up.
constexpr std::uint32_t kReceiveWindowBytes = 2 * kStreamWindowBytes;
constexpr std::uint32_t kWritableRoomMin = kStreamWindowBytes / 4;
// A sender waits for a whole segment's room, and ns-3's probes only a window of exactly 0.
constexpr std::size_t kWindowClosedBytes = 2 * kSegmentBytes;
constexpr unsigned kWindowAnnouncements = 5;

}  // namespace

void PacketStreams::set_defaults() {
  using ns3::Config::SetDefault;
  SetDefault("ns3::TcpSocket::SegmentSize", ns3::UintegerValue(kSegmentBytes));
  SetDefault("ns3::TcpSocket::SndBufSize", ns3::UintegerValue(kStreamWindowBytes));
  SetDefault("ns3::TcpSocket::RcvBufSize", ns3::UintegerValue(kReceiveWindowBytes));
  // As Linux has them: ns-3's 3 s for a lost SYN, its second and its 200 ms make every loss a long pause.
  SetDefault("ns3::TcpSocket::ConnTimeout", ns3::TimeValue(ns3::Seconds(1)));
  SetDefault("ns3::TcpSocketBase::MinRto", ns3::TimeValue(ns3::MilliSeconds(200)));
  SetDefault("ns3::TcpSocket::DelAckTimeout", ns3::TimeValue(ns3::MilliSeconds(40)));
  SetDefault("ns3::TcpSocket::DataRetries", ns3::UintegerValue(9));  // gives up after about two minutes
  SetDefault("ns3::TcpSocketBase::MaxSegLifetime", ns3::DoubleValue(5));
}

// --- Stream: what ns-3 tells. Its callbacks take pointers by value.
// NOLINTBEGIN(performance-unnecessary-value-param)

PacketStreams::Stream::Stream(PacketStreams& owner, const ns3::Ptr<ns3::TcpSocketBase>& tcp_socket,
                              const Endpoint& peer_endpoint, bool from_peer)
    : socket(tcp_socket), peer(peer_endpoint), inbound(from_peer), owner_(owner) {
  socket->SetConnectCallback(ns3::MakeCallback(&Stream::on_connected, this),
                             ns3::MakeCallback(&Stream::on_failed, this));
  socket->SetCloseCallbacks(ns3::MakeCallback(&Stream::on_close, this),
                            ns3::MakeCallback(&Stream::on_failed, this));
  socket->SetRecvCallback(ns3::MakeCallback(&Stream::on_received, this));
  socket->SetSendCallback(ns3::MakeCallback(&Stream::on_room, this));
}

PacketStreams::Stream::~Stream() {
  if (socket != nullptr) unhook(*socket);
}

void PacketStreams::Stream::on_connected(SocketPtr) {
  opened_due = true;
  owner_.post(*this);
}

void PacketStreams::Stream::on_failed(SocketPtr) {
  reset_due = true;
  owner_.post(*this);
}

void PacketStreams::Stream::on_received(SocketPtr) {
  window_closed = announcing_window = false;
  if (!std::exchange(wants_readable, false)) return;
  readable_due = true;
  owner_.post(*this);
}

void PacketStreams::Stream::on_room(SocketPtr, std::uint32_t room) {
  if (!wants_writable || room < kWritableRoomMin) return;
  wants_writable = false;
  writable_due = true;
  owner_.post(*this);
}

// ns-3 calls this for the peer's FIN and for its RST; the state has moved on for the former only.
void PacketStreams::Stream::on_close(SocketPtr) {
  const auto state = TcpAccess::state(*socket);
  const bool ended = state == ns3::TcpSocket::CLOSE_WAIT || state == ns3::TcpSocket::LAST_ACK;
  (ended ? peer_ended : reset_due) = true;
  owner_.post(*this);
}

// NOLINTEND(performance-unnecessary-value-param)

// --- The port

PacketStreams::PacketStreams(EventLoop& loop, SimulatedHost& host, const ns3::Ptr<ns3::Node>& node,
                             ns3::Ipv4Address own)
    : loop_(loop), host_(host), node_(node), own_(own), streams_(kStreamsPerHostMax) {}

PacketStreams::~PacketStreams() = default;

Result<StreamId> PacketStreams::connect(const Endpoint& to) {
  if (streams_.full()) {
    return fail(ErrorCode::kBusy, "no descriptor is left for a stream to " + to.to_string());
  }
  if (!to.is_v4() || !to) return fail(ErrorCode::kIo, "no route to " + to.to_string());
  Stream& stream = new_stream(new_socket(), to, false);
  stream.socket->Bind(ns3::InetSocketAddress(own_, 0));
  stream.socket->Connect(to_ns3(to));
  const Guid id = stream.id;
  loop_.call(loop_.now() + kConnectTimeout, [this, id] { on_connect_timeout(id); });
  return StreamId{id.value()};
}

Result<void> PacketStreams::listen() {
  if (listener_ != nullptr) return {};
  listener_ = new_socket();
  if (listener_->Bind(ns3::InetSocketAddress(own_, kHostPort)) != 0 || listener_->Listen() != 0) {
    listener_ = nullptr;
    return fail(ErrorCode::kIo, "the simulated host's TCP port is in use");
  }
  TcpAccess::open_window(*listener_);
  listener_->SetAcceptCallback(ns3::MakeNullCallback<bool, SocketPtr, const ns3::Address&>(),
                               ns3::MakeCallback(&PacketStreams::on_accepted, this));
  return {};
}

void PacketStreams::change_address(ns3::Ipv4Address own) {
  own_ = own;
  if (listener_ == nullptr) return;
  listener_->Close();
  listener_ = nullptr;
  check(listen().has_value(), "nobody has a port of an address that is new");
}

std::size_t PacketStreams::write(StreamId id, ByteView bytes) {
  Stream* stream = find_open(id);
  if (stream == nullptr || bytes.empty()) return 0;
  if (stream->peer_ended || stream->reset_due) return bytes.size();  // lost; the node will hear of the end
  // ns-3 takes all or nothing.
  const std::size_t taken = std::min<std::size_t>(bytes.size(), stream->socket->GetTxAvailable());
  if (taken < bytes.size()) stream->wants_writable = true;
  if (taken == 0) return 0;
  const auto packet = ns3::Create<ns3::Packet>(bytes.data(), static_cast<std::uint32_t>(taken));
  return stream->socket->Send(packet, 0) < 0 ? 0 : taken;
}

std::size_t PacketStreams::read(StreamId id, MutableByteView out) {
  Stream* stream = find_open(id);
  if (stream == nullptr) return 0;
  const std::size_t had = stream->socket->GetRxAvailable();
  if (had + kWindowClosedBytes > kReceiveWindowBytes) stream->window_closed = true;
  std::size_t taken = 0;
  while (taken < out.size()) {
    const ns3::Ptr<ns3::Packet> packet =
        stream->socket->Recv(static_cast<std::uint32_t>(out.size() - taken), 0);
    if (packet == nullptr || packet->GetSize() == 0) break;
    packet->CopyData(out.data() + taken, packet->GetSize());
    taken += packet->GetSize();
  }
  if (taken < out.size()) {
    stream->wants_readable = true;
    stream->readable_due = false;  // all of it has been read
  }
  if (stream->window_closed && had - taken <= kReceiveWindowBytes / 2 &&
      !std::exchange(stream->announcing_window, true)) {
    announce_window(stream->id, kWindowAnnouncements);
  }
  if (stream->peer_ended && stream->socket->GetRxAvailable() == 0) post(*stream);
  return taken;
}

void PacketStreams::close(StreamId id, CloseMode mode) {
  Stream* stream = find(guid_of(id));
  if (stream == nullptr) return;
  const ns3::Ptr<ns3::TcpSocketBase> socket = stream->socket;
  const bool graceful = mode == CloseMode::kGraceful && stream->opened && !stream->reset_due;
  streams_.erase(stream->id);
  if (graceful) {
    linger(socket);
  } else {
    abort(socket);
  }
}

void PacketStreams::drop_all() {
  std::vector<Guid> ids;
  streams_.for_each([&](Guid id, std::unique_ptr<Stream>&) { ids.push_back(id); });
  for (const Guid id : ids) {
    const std::optional<std::unique_ptr<Stream>> stream = streams_.take(id);
    const ns3::Ptr<ns3::TcpSocketBase> socket = (*stream)->socket;
    unhook(*socket);
    abort(socket);
  }
  for (const auto& socket : lingering_) abort(socket);
  lingering_.clear();
  if (listener_ != nullptr) listener_->Close();
  listener_ = nullptr;
}

// ns-3 ignores the answer of a host where nobody listens.
void PacketStreams::on_reset_segment(const PacketSummary& segment) {
  const Endpoint peer = Endpoint::v4(segment.source, segment.source_port);
  streams_.for_each([&](Guid, std::unique_ptr<Stream>& stream) {
    if (stream->inbound || stream->opened || stream->opened_due || stream->peer != peer) return;
    ns3::Address local;
    stream->socket->GetSockName(local);
    if (ns3::InetSocketAddress::ConvertFrom(local).GetPort() != segment.destination_port) return;
    stream->reset_due = true;
    post(*stream);
  });
}

// --- Streams and their sockets

PacketStreams::Stream& PacketStreams::new_stream(const ns3::Ptr<ns3::TcpSocketBase>& socket,
                                                 const Endpoint& peer, bool inbound) {
  const Guid id = streams_.insert(std::make_unique<Stream>(*this, socket, peer, inbound));
  Stream& stream = *find(id);
  stream.id = id;
  return stream;
}

PacketStreams::Stream* PacketStreams::find(Guid id) {
  std::unique_ptr<Stream>* stream = streams_.find(id);
  return stream == nullptr ? nullptr : stream->get();
}

PacketStreams::Stream* PacketStreams::find_open(StreamId id) {
  Stream* stream = find(guid_of(id));
  return stream != nullptr && stream->opened ? stream : nullptr;
}

ns3::Ptr<ns3::TcpSocketBase> PacketStreams::new_socket() {
  return ns3::DynamicCast<ns3::TcpSocketBase>(
      ns3::Socket::CreateSocket(node_, ns3::TcpSocketFactory::GetTypeId()));
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): an ns-3 callback
void PacketStreams::on_accepted(SocketPtr socket, const ns3::Address& peer) {
  const auto tcp = ns3::DynamicCast<ns3::TcpSocketBase>(socket);
  if (streams_.full()) {
    loop_.call(loop_.now(), [tcp] { abort(tcp); });
    return;
  }
  Stream& stream = new_stream(tcp, from_ns3(peer), true);
  stream.opened_due = true;
  post(stream);
}

// Sends what was accepted, then the end. ns-3 would send a reset instead if bytes were left unread.
void PacketStreams::linger(const ns3::Ptr<ns3::TcpSocketBase>& socket) {
  std::erase_if(lingering_, [](const ns3::Ptr<ns3::TcpSocketBase>& other) {
    return TcpAccess::state(*other) == ns3::TcpSocket::CLOSED;
  });
  discard_received(socket);
  socket->SetRecvCallback(ns3::MakeCallback(&discard_received));
  socket->Close();
  lingering_.push_back(socket);
}

void PacketStreams::abort(const ns3::Ptr<ns3::TcpSocketBase>& socket) {
  unhook(*socket);
  if (TcpAccess::state(*socket) != ns3::TcpSocket::CLOSED) TcpAccess::send_reset(*socket);
}

// --- Telling the node

void PacketStreams::post(Stream& stream) {
  if (std::exchange(stream.event_posted, true)) return;
  loop_.call(loop_.now(), [this, id = stream.id] { on_event(id); });
}

void PacketStreams::on_event(Guid id) {
  Stream* stream = find(id);
  if (stream == nullptr) return;
  const StreamId name{id.value()};
  stream->event_posted = false;
  if (stream->reset_due) {
    abort(stream->socket);
    streams_.erase(id);
    tell([name](PortEvents& events) { events.on_stream_reset(name); });
  } else if (std::exchange(stream->opened_due, false)) {
    stream->opened = true;
    post(*stream);  // more may be due
    tell([name, peer = stream->peer, inbound = stream->inbound](PortEvents& events) {
      events.on_stream_opened(name, peer, inbound);
    });
  } else if (std::exchange(stream->readable_due, false)) {
    post(*stream);
    tell([name](PortEvents& events) { events.on_stream_readable(name); });
  } else if (std::exchange(stream->writable_due, false)) {
    post(*stream);
    tell([name](PortEvents& events) { events.on_stream_writable(name); });
  } else if (stream->opened && stream->peer_ended && stream->socket->GetRxAvailable() == 0) {
    const ns3::Ptr<ns3::TcpSocketBase> socket = stream->socket;
    streams_.erase(id);
    linger(socket);
    tell([name](PortEvents& events) { events.on_stream_closed(name); });
  }
}

void PacketStreams::announce_window(Guid id, unsigned times) {
  Stream* stream = find(id);
  if (stream == nullptr || !stream->announcing_window || stream->peer_ended || stream->reset_due) return;
  TcpAccess::send_acknowledgement(*stream->socket);
  if (times > 1) loop_.call(loop_.now() + 1s, [this, id, times] { announce_window(id, times - 1); });
}

void PacketStreams::on_connect_timeout(Guid id) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->opened || stream->opened_due) return;
  stream->reset_due = true;
  on_event(id);
}

}  // namespace shoal::sim
