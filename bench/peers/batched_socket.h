// A UDP socket on loopback that receives and sends many datagrams a system call: the flooder's, and that of
// the loop it is compared with.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "node/base/bytes.h"
#include "node/os/socket.h"
#include "node/ports/datagrams.h"

namespace shoal::peers {

class BatchedSocket {
 public:
  static constexpr std::size_t kBatch = 64;

  explicit BatchedSocket(Descriptor socket) : socket_(std::move(socket)), incoming_(kBatch * kBytesMax) {}

  int fd() const { return socket_.get(); }
  // Calls `on_datagram(from, bytes)` for each of at most kBatch that are there. How many there were.
  template <class OnDatagram>
  std::size_t receive(OnDatagram on_datagram) {
    std::array<SocketAddress, kBatch> from;
    std::array<iovec, kBatch> parts;
    std::array<mmsghdr, kBatch> messages{};
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts[i] = {incoming_.data() + i * kBytesMax, kBytesMax};
      messages[i].msg_hdr.msg_name = from[i].raw();
      messages[i].msg_hdr.msg_namelen = sizeof(sockaddr_storage);
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int count = recvmmsg(socket_.get(), messages.data(), kBatch, MSG_DONTWAIT, nullptr);
    for (int i = 0; i < count; ++i) {
      const auto at = static_cast<std::size_t>(i);
      on_datagram(from[at], ByteView(incoming_.data() + at * kBytesMax, messages[at].msg_len));
    }
    return count < 0 ? 0 : static_cast<std::size_t>(count);
  }
  // Sends all of them; what the kernel has no room for is dropped.
  struct Outgoing {
    SocketAddress to;
    Bytes bytes;
  };
  void send(std::vector<Outgoing>& datagrams) {
    std::array<iovec, kBatch> parts;
    for (std::size_t begin = 0; begin < datagrams.size(); begin += kBatch) {
      const std::size_t count = std::min(kBatch, datagrams.size() - begin);
      std::array<mmsghdr, kBatch> messages{};
      for (std::size_t i = 0; i < count; ++i) {
        Outgoing& datagram = datagrams[begin + i];
        parts[i] = {datagram.bytes.data(), datagram.bytes.size()};
        messages[i].msg_hdr.msg_name = datagram.to.raw();
        messages[i].msg_hdr.msg_namelen = datagram.to.length;
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
      }
      (void)sendmmsg(socket_.get(), messages.data(), static_cast<unsigned>(count), 0);
    }
    datagrams.clear();
  }

 private:
  static constexpr std::size_t kBytesMax = 2048;

  Descriptor socket_;
  Bytes incoming_;
};

}  // namespace shoal::peers
