// A UDP socket on loopback that receives and sends many datagrams a system call: the flooder's, and that of
// the loop it is compared with.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "node/base/bytes.h"
#include "node/os/received_datagrams.h"
#include "node/os/socket.h"

namespace shoal::peers {

class BatchedSocket {
 public:
  static constexpr std::size_t kBatch = 64;

  // Of a socket that does not block.
  explicit BatchedSocket(Descriptor socket) : socket_(std::move(socket)) {}

  int fd() const { return socket_.get(); }
  // Calls `on_datagram(from, bytes)` for each of those that are there, kMax at most. How many there were.
  template <class OnDatagram>
  std::size_t receive(OnDatagram on_datagram) {
    const std::size_t count = received_->receive(socket_.get());
    for (std::size_t i = 0; i < count; ++i) on_datagram(received_->address(i), received_->datagram(i));
    return count;
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
  Descriptor socket_;
  std::unique_ptr<ReceivedDatagrams> received_ = std::make_unique<ReceivedDatagrams>();
};

}  // namespace shoal::peers
