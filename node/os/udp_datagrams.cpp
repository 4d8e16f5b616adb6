#include "node/os/udp_datagrams.h"

#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "node/base/check.h"
#include "node/os/interfaces.h"

namespace shoal {
namespace {

constexpr std::size_t kBatch = 64;          // datagrams sent a system call
constexpr int kBatchesPerTurn = 4;          // received before the node gets to work on them
constexpr std::size_t kOutgoingMax = 1024;  // queued while the kernel has no room
constexpr std::size_t kGroupsMax = 64;

using Control = ReceivedDatagrams::Control;

template <class Info>
void put_control(msghdr& message, Control& control, int level, int type, const Info& info) {
  message.msg_control = control.bytes.data();
  message.msg_controllen = CMSG_SPACE(sizeof info);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(header), &info, sizeof info);
}

// Chooses the interface for one multicast datagram to an IPv4 group; IPv6 has it in the address.
void choose_interface(msghdr& message, Control& control, int family, std::uint32_t interface) {
  if (family == AF_INET) {
    in_pktinfo info{};
    info.ipi_ifindex = static_cast<int>(interface);
    return put_control(message, control, IPPROTO_IP, IP_PKTINFO, info);
  }
  in6_pktinfo info{};
  info.ipi6_addr.s6_addr[10] = info.ipi6_addr.s6_addr[11] = 0xff;  // ::ffff:0.0.0.0
  info.ipi6_ifindex = interface;
  put_control(message, control, IPPROTO_IPV6, IPV6_PKTINFO, info);
}

// Chooses the address that a datagram comes from.
void choose_source(msghdr& message, Control& control, int family, const Address& source) {
  if (family == AF_INET) {
    in_pktinfo info{};
    const Endpoint from{source, 0};
    info.ipi_spec_dst.s_addr = htonl(from.v4_address());
    return put_control(message, control, IPPROTO_IP, IP_PKTINFO, info);
  }
  in6_pktinfo info{};
  std::memcpy(&info.ipi6_addr, source.data(), source.size());
  put_control(message, control, IPPROTO_IPV6, IPV6_PKTINFO, info);
}

}  // namespace

UdpDatagrams::UdpDatagrams(EventLoop& loop, HostLink& link, Descriptor socket, const Endpoint& listen)
    : loop_(loop), link_(link), listen_(listen), family_(family_of(listen)) {
  if (family_ == AF_INET && !listen.is_unspecified()) {
    ip_mreqn from{};
    from.imr_address.s_addr = htonl(listen.v4_address());
    setsockopt(socket.get(), IPPROTO_IP, IP_MULTICAST_IF, &from, sizeof from);
  }
  // No router takes multicast any further. (It is what Linux does unless told otherwise.)
  set_option(socket.get(), IPPROTO_IP, IP_MULTICAST_TTL, 1);
  if (family_ == AF_INET6) set_option(socket.get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1);
  if (listen.is_unspecified()) {
    const bool is_v4 = family_ == AF_INET;
    set_option(socket.get(), is_v4 ? IPPROTO_IP : IPPROTO_IPV6, is_v4 ? IP_PKTINFO : IPV6_RECVPKTINFO, 1);
  }
  main_ = make_receiver(std::move(socket), Endpoint{});
}

std::unique_ptr<UdpDatagrams::Receiver> UdpDatagrams::make_receiver(Descriptor socket,
                                                                    const Endpoint& group) {
  auto receiver = std::make_unique<Receiver>(Receiver{this, std::move(socket), nullptr, group});
  auto* poll = new uv_poll_t;
  check(uv_poll_init(loop_.uv(), poll, receiver->socket.get()) == 0, "the loop refused a socket");
  poll->data = receiver.get();
  receiver->poll.reset(poll);
  return receiver;
}

void UdpDatagrams::watch(Receiver& receiver, int events) {
  uv_poll_start(receiver.poll.get(), events, [](uv_poll_t* poll, int status, int seen) {
    auto* from = static_cast<Receiver*>(poll->data);
    from->owner->on_poll(*from, status, seen);
  });
}

void UdpDatagrams::start() {
  watch(*main_, UV_READABLE);
}

void UdpDatagrams::stop() {
  uv_poll_stop(main_->poll.get());
  groups_.clear();
  outgoing_.clear();
  outgoing_bytes_.clear();
  waits_for_room_ = false;
}

void UdpDatagrams::on_poll(Receiver& receiver, int status, int events) {
  if (status < 0) {  // an error of an earlier datagram, and libuv stopped watching
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(receiver.socket.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    return watch(receiver,
                 waits_for_room_ && &receiver == main_.get() ? UV_READABLE | UV_WRITABLE : UV_READABLE);
  }
  if ((events & UV_WRITABLE) != 0) {
    waits_for_room_ = false;
    watch(receiver, UV_READABLE);
    flush();
  }
  if ((events & UV_READABLE) != 0) receive(receiver);
}

void UdpDatagrams::receive(const Receiver& receiver) {
  for (int batch = 0; batch < kBatchesPerTurn; ++batch) {
    const std::size_t count = received_.receive(receiver.socket.get());
    if (count == 0) return;
    link_.turn_wanted = true;
    for (std::size_t i = 0; i < count; ++i) {
      if (received_.is_cut_off(i)) continue;
      if (receiver.group) {
        link_.events->on_multicast(received_.from(i), received_.datagram(i));
      } else {
        remember_asked(received_.from(i), received_.to(i));
        link_.events->on_datagram(received_.from(i), received_.datagram(i));
      }
    }
    if (count < ReceivedDatagrams::kMax) return;
  }
}

UdpDatagrams::Asked& UdpDatagrams::asked_by(const Endpoint& remote) {
  return asked_[std::hash<Endpoint>{}(remote) % kAskedMax];
}

void UdpDatagrams::remember_asked(const Endpoint& remote, const Address& own) {
  if (own == Address{} || is_multicast(Endpoint{own, 0})) return;
  asked_by(remote) = Asked{remote, own, uv_now(loop_.uv())};
}

// All zero: the system's choice.
Address UdpDatagrams::source_for(const Endpoint& to) {
  const Asked& asked = asked_by(to);
  const bool is_good = asked.remote == to && uv_now(loop_.uv()) - asked.at_ms <= kAskedMs;
  return is_good && Endpoint{asked.own, 0}.is_v4() == to.is_v4() ? asked.own : Address{};
}

bool UdpDatagrams::send(const Endpoint& to, ByteView datagram) {
  if (link_.events == nullptr || datagram.size() > kDatagramBytesMax) return false;
  if (to.port == 0 || !reaches(listen_, to)) return false;
  if (outgoing_.size() == kOutgoingMax) flush();
  if (outgoing_.size() == kOutgoingMax) return false;
  const bool chosen = to.interface != 0 && to.is_v4() && is_multicast(to);
  outgoing_.push_back(Outgoing{SocketAddress(family_, to), chosen ? to.interface : 0, source_for(to),
                               static_cast<std::uint32_t>(outgoing_bytes_.size()),
                               static_cast<std::uint32_t>(datagram.size())});
  outgoing_bytes_.insert(outgoing_bytes_.end(), datagram.begin(), datagram.end());
  link_.turn_wanted = true;
  return true;
}

void UdpDatagrams::flush() {
  if (waits_for_room_) return;
  std::size_t done = 0;
  while (done < outgoing_.size()) {
    const Sent sent = send_some(done);
    if (sent == Sent::kOneRefused) {
      // The address may be gone since it was asked. Otherwise no route, or a firewall: as good as lost.
      if (std::exchange(outgoing_[done].source, Address{}) == Address{}) ++done;
    }
    if (sent != Sent::kNoRoom) continue;
    waits_for_room_ = true;
    watch(*main_, UV_READABLE | UV_WRITABLE);
    break;
  }
  if (done == 0) return;
  const std::uint32_t dropped = done == outgoing_.size() ? 0 : outgoing_[done].offset;
  if (done == outgoing_.size()) {
    outgoing_.clear();
    outgoing_bytes_.clear();
    return;
  }
  outgoing_.erase(outgoing_.begin(), outgoing_.begin() + static_cast<std::ptrdiff_t>(done));
  outgoing_bytes_.erase(outgoing_bytes_.begin(), outgoing_bytes_.begin() + dropped);
  for (Outgoing& datagram : outgoing_) datagram.offset -= dropped;
}

// Advances `done` over what the kernel took in one call.
UdpDatagrams::Sent UdpDatagrams::send_some(std::size_t& done) {
  std::array<iovec, kBatch> parts;
  std::array<mmsghdr, kBatch> messages;
  std::array<Control, kBatch> controls;
  const std::size_t count = std::min(kBatch, outgoing_.size() - done);
  for (std::size_t i = 0; i < count; ++i) {
    Outgoing& datagram = outgoing_[done + i];
    parts[i] = {outgoing_bytes_.data() + datagram.offset, datagram.length};
    messages[i] = {};
    msghdr& message = messages[i].msg_hdr;
    message.msg_name = datagram.to.raw();
    message.msg_namelen = datagram.to.length;
    message.msg_iov = &parts[i];
    message.msg_iovlen = 1;
    if (datagram.multicast_interface != 0) {
      choose_interface(message, controls[i], family_, datagram.multicast_interface);
    } else if (datagram.source != Address{}) {
      choose_source(message, controls[i], family_, datagram.source);
    }
  }
  const int sent = sendmmsg(main_->socket.get(), messages.data(), static_cast<unsigned>(count), 0);
  if (sent >= 0) {
    done += static_cast<std::size_t>(sent);
    return Sent::kSome;
  }
  if (errno == EINTR) return Sent::kSome;
  const bool full = errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS;
  return full ? Sent::kNoRoom : Sent::kOneRefused;
}

Result<void> UdpDatagrams::join(const Endpoint& group) {
  const std::string what = "join the multicast group " + group.to_string();
  if (!is_multicast(group) || group.port == 0) {
    return fail(ErrorCode::kIo, "cannot " + what + ": not a multicast address and port");
  }
  const auto same = [&](const auto& joined) { return joined->group == group; };
  if (std::ranges::any_of(groups_, same)) return {};
  if (link_.events == nullptr || groups_.size() == kGroupsMax) {
    return fail(ErrorCode::kIo, "cannot " + what + ": too many groups");
  }
  const int family = family_of(group);
  // A socket of the group's own: its port is shared by all hosts of the machine, ours is not.
  Descriptor socket(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return fail_with_errno(what);
  set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  const SocketAddress address(family, group);
  if (bind(socket.get(), address.raw(), address.length) != 0) return fail_with_errno(what);
  const std::vector<std::uint32_t> interfaces =
      group.interface != 0 ? std::vector{group.interface} : interfaces_of(listen_, family);
  errno = ENODEV;
  bool joined = false;
  for (const std::uint32_t interface : interfaces) {
    if (join_on(socket.get(), group, interface)) joined = true;
  }
  if (!joined) return fail_with_errno(what);
  groups_.push_back(make_receiver(std::move(socket), group));
  watch(*groups_.back(), UV_READABLE);
  return {};
}

void UdpDatagrams::leave(const Endpoint& group) {
  std::erase_if(groups_, [&](const auto& joined) { return joined->group == group; });
}

// Each socket is to hear what comes to its own interfaces only, or hosts with several would hear all of it
// several times.
bool UdpDatagrams::join_on(int socket, const Endpoint& group, std::uint32_t interface) const {
  if (!carries_multicast(interface)) {
    errno = EOPNOTSUPP;
    return false;
  }
  if (group.is_v4()) {
    set_option(socket, IPPROTO_IP, IP_MULTICAST_ALL, 0);
    ip_mreqn request{};
    request.imr_multiaddr.s_addr = htonl(group.v4_address());
    request.imr_ifindex = static_cast<int>(interface);
    return setsockopt(socket, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request) == 0;
  }
  set_option(socket, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
  ipv6_mreq request{};
  std::memcpy(&request.ipv6mr_multiaddr, group.address.data(), group.address.size());
  request.ipv6mr_interface = interface;
  return setsockopt(socket, IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof request) == 0;
}

}  // namespace shoal
