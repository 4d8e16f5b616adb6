#include "node/os/socket.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "node/base/check.h"

namespace shoal {
namespace {

constexpr int kPortTries = 32;                  // ports free for UDP but taken for TCP
constexpr int kReceiveBytes = 4 * 1024 * 1024;  // some 3,000 datagrams: what arrives during a long turn
constexpr int kSendBytes = 1024 * 1024;

void enlarge_buffers(int udp) {
  // FORCE passes the system's limit, for those who may.
  if (!set_option(udp, SOL_SOCKET, SO_RCVBUFFORCE, kReceiveBytes)) {
    set_option(udp, SOL_SOCKET, SO_RCVBUF, kReceiveBytes);
  }
  set_option(udp, SOL_SOCKET, SO_SNDBUF, kSendBytes);
}

bool has_ipv6() {
  const Descriptor fd(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return fd || errno != EAFNOSUPPORT;
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

SocketAddress::SocketAddress(int family, const Endpoint& endpoint) {
  if (family == AF_INET) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(endpoint.port);
    v4->sin_addr.s_addr = htonl(endpoint.v4_address());
    length = sizeof(sockaddr_in);
    return;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(endpoint.port);
  std::memcpy(&v6->sin6_addr, endpoint.address.data(), endpoint.address.size());
  if (endpoint.is_v6_link_local() || is_multicast(endpoint)) v6->sin6_scope_id = endpoint.interface;
  length = sizeof(sockaddr_in6);
}

Endpoint SocketAddress::endpoint() const {
  if (storage.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
    return Endpoint::v4(ntohl(v4->sin_addr.s_addr), ntohs(v4->sin_port));
  }
  Endpoint endpoint;
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
  std::memcpy(endpoint.address.data(), &v6->sin6_addr, endpoint.address.size());
  endpoint.port = ntohs(v6->sin6_port);
  endpoint.interface = v6->sin6_scope_id;
  return endpoint;
}

int family_of(const Endpoint& listen) {
  return listen.is_v4() ? AF_INET : AF_INET6;
}

bool reaches(const Endpoint& listen, const Endpoint& to) {
  return listen.is_v4() == to.is_v4() || (to.is_v4() && listen.is_unspecified());
}

std::string why_unreachable(const Endpoint& listen, const Endpoint& to) {
  const Endpoint all{Address{}, listen.port};
  if (!reaches(listen, to)) {
    return fmt::format("this node listens at {}, for {} only: listen at {}", listen.to_string(),
                       listen.is_v4() ? "IPv4" : "IPv6", all.to_string());
  }
  if (listen.is_loopback() && !to.is_loopback()) {
    return fmt::format("this node listens at {}, for this machine only: listen at {}", listen.to_string(),
                       all.to_string());
  }
  return {};
}

bool is_multicast(const Endpoint& endpoint) {
  return endpoint.is_v4() ? endpoint.v4_address() >> 28 == 0xe : endpoint.address[0] == 0xff;
}

bool set_option(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

tl::unexpected<Error> fail_with_errno(const std::string& what) {
  const int number = errno;
  return fail(ErrorCode::kIo, fmt::format("cannot {}: {}", what, std::generic_category().message(number)));
}

Result<Descriptor> bound_socket(int type, const Endpoint& listen) {
  const int family = family_of(listen);
  const char* protocol = type == SOCK_DGRAM ? "UDP" : "TCP";
  const auto failed = [&] {
    return fail_with_errno(fmt::format("listen at {} ({})", listen.to_string(), protocol));
  };
  Descriptor fd(socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return failed();
  if (family == AF_INET6) {
    set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, listen.is_unspecified() ? 0 : 1);
  }
  // A restarted node finds the old one's connections in TIME_WAIT; for UDP it would let two nodes share a
  // port.
  if (type == SOCK_STREAM) set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  const SocketAddress address(family, listen);
  if (bind(fd.get(), address.raw(), address.length) != 0) return failed();
  return fd;
}

Result<SocketPair> bind_pair(const Endpoint& wanted) {
  // A kernel without IPv6: all its addresses are those of IPv4.
  const bool falls_back = family_of(wanted) == AF_INET6 && wanted.is_unspecified() && !has_ipv6();
  const Endpoint listen = falls_back ? Endpoint::v4(0, wanted.port) : wanted;
  for (int tries = 1;; ++tries) {
    Result<Descriptor> udp = bound_socket(SOCK_DGRAM, listen);
    if (!udp) return tl::unexpected(udp.error());
    SocketAddress bound;
    check(getsockname(udp->get(), bound.raw(), &bound.length) == 0);
    Endpoint found = listen;
    found.port = bound.endpoint().port;
    Result<Descriptor> tcp = bound_socket(SOCK_STREAM, found);
    if (tcp) {
      enlarge_buffers(udp->get());
      return SocketPair{std::move(*udp), std::move(*tcp), found};
    }
    if (listen.port != 0 || tries == kPortTries) return tl::unexpected(tcp.error());
  }
}

}  // namespace shoal
