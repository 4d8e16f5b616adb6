// ReceivedDatagrams: what recvmmsg fills, made once: most calls bring a single datagram, and clearing all
// this for each would cost as much as the call.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>

#include "node/base/bytes.h"
#include "node/os/socket.h"
#include "node/ports/datagrams.h"

namespace shoal {

class ReceivedDatagrams {
 public:
  static constexpr std::size_t kMax = 64;  // a system call

  ReceivedDatagrams() : bytes_(kMax * kDatagramBytesMax) {
    for (std::size_t i = 0; i < kMax; ++i) {
      parts_[i] = {bytes_.data() + i * kDatagramBytesMax, kDatagramBytesMax};
      msghdr& message = messages_[i].msg_hdr;
      message.msg_name = from_[i].raw();
      message.msg_iov = &parts_[i];
      message.msg_iovlen = 1;
    }
  }
  ReceivedDatagrams(const ReceivedDatagrams&) = delete;
  ReceivedDatagrams& operator=(const ReceivedDatagrams&) = delete;

  // Takes what a socket that does not block has; how many. The views below are good until the next call.
  std::size_t receive(int socket) {
    for (std::size_t i = 0; i < used_; ++i) {
      messages_[i].msg_hdr.msg_namelen = sizeof(sockaddr_storage);  // the kernel has shortened it
    }
    const int count = recvmmsg(socket, messages_.data(), kMax, 0, nullptr);
    return used_ = count < 0 ? 0 : static_cast<std::size_t>(count);
  }
  Endpoint from(std::size_t i) const { return from_[i].endpoint(); }
  const SocketAddress& address(std::size_t i) const { return from_[i]; }
  ByteView datagram(std::size_t i) const {
    return {bytes_.data() + i * kDatagramBytesMax, messages_[i].msg_len};
  }
  // It had over kDatagramBytesMax.
  bool is_cut_off(std::size_t i) const { return (messages_[i].msg_hdr.msg_flags & MSG_TRUNC) != 0; }

 private:
  Bytes bytes_;
  std::array<SocketAddress, kMax> from_;
  std::array<iovec, kMax> parts_{};
  std::array<mmsghdr, kMax> messages_{};
  std::size_t used_ = kMax;
};

}  // namespace shoal
