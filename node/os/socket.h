// Sockets as the ports use them: descriptors that close themselves, addresses both ways, and a pair of
// sockets, UDP and TCP, at one address and port.
#pragma once

#include <sys/socket.h>

#include <string>
#include <utility>

#include "node/base/endpoint.h"
#include "node/base/result.h"

namespace shoal {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

// An endpoint in the kernel's form for sockets of one family.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);

  SocketAddress() = default;
  // IPv4 endpoints become mapped ones for AF_INET6. Precondition: reaches(family, endpoint).
  SocketAddress(int family, const Endpoint& endpoint);
  Endpoint endpoint() const;
  sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// AF_INET for a host that listens at an IPv4 address, else AF_INET6.
int family_of(const Endpoint& listen);
// Whether a host listening at `listen` can send to `to`: IPv4 hosts to IPv4, hosts at [::] to both.
bool reaches(const Endpoint& listen, const Endpoint& to);
// Why nothing sent from `listen` can come to `to`, and what would help; empty: it may.
std::string why_unreachable(const Endpoint& listen, const Endpoint& to);
bool is_multicast(const Endpoint& endpoint);
bool set_option(int fd, int level, int name, int value);
// "cannot WHAT: TEXT OF ERRNO", kIo.
tl::unexpected<Error> fail_with_errno(const std::string& what);

// Of type SOCK_DGRAM or SOCK_STREAM, not listening; not blocking. Error kIo, naming address, port, protocol
// and the reason.
Result<Descriptor> bound_socket(int type, const Endpoint& listen);

struct SocketPair {
  Descriptor udp;
  Descriptor tcp;   // bound, not listening
  Endpoint listen;  // with the port that was found
};

// Port 0 finds one that is free for both. [::] is 0.0.0.0 on a kernel without IPv6. Errors as bound_socket.
Result<SocketPair> bind_pair(const Endpoint& wanted);

}  // namespace shoal
