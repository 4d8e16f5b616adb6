// Datagrams: unreliable messages of at most kDatagramBytesMax bytes, unicast and multicast, from one local
// port.
#pragma once

#include <cstddef>
#include <cstdint>

#include "node/base/bytes.h"
#include "node/base/endpoint.h"
#include "node/base/result.h"

namespace shoal {

// 1,280 (the least MTU of IPv6, RFC 8200 §5) less 40 for IPv6 and 8 for UDP.
inline constexpr std::size_t kDatagramBytesMax = 1232;

class Datagrams {
 public:
  virtual ~Datagrams() = default;
  // Hands over one datagram, which arrives whole, once, more than once or never, in any order. False: the
  // host dropped it at once (over kDatagramBytesMax, queue full, no route); true promises nothing. Never
  // blocks.
  virtual bool send(const Endpoint& to, ByteView datagram) = 0;
  // From now on also receives what is sent to this multicast group, on the interface `group` names (0: all);
  // it comes as on_multicast. send() to the group's endpoint reaches the other members on the link (TTL 1),
  // and may come back. To join twice is to join once. Error kIo.
  virtual Result<void> join(const Endpoint& group) = 0;
  // No longer, for what was joined by the same endpoint and interface; else nothing happens.
  virtual void leave(const Endpoint& group) = 0;
};

}  // namespace shoal
