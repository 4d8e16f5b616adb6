// ReceivedDatagrams: what recvmmsg fills, made once: most calls bring a single datagram, and clearing all
// this for each would cost as much as the call.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstring>

#include "node/base/bytes.h"
#include "node/os/socket.h"
#include "node/ports/datagrams.h"

namespace shoal {

class ReceivedDatagrams {
 public:
  static constexpr std::size_t kMax = 64;  // a system call

  // Room for one pktinfo, of either family.
  struct Control {
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(in6_pktinfo))> bytes;
  };

  ReceivedDatagrams() : bytes_(kMax * kDatagramBytesMax) {
    for (std::size_t i = 0; i < kMax; ++i) {
      parts_[i] = {bytes_.data() + i * kDatagramBytesMax, kDatagramBytesMax};
      msghdr& message = messages_[i].msg_hdr;
      message.msg_name = from_[i].raw();
      message.msg_iov = &parts_[i];
      message.msg_iovlen = 1;
      message.msg_control = controls_[i].bytes.data();
      message.msg_controllen = sizeof(Control);
    }
  }
  ReceivedDatagrams(const ReceivedDatagrams&) = delete;
  ReceivedDatagrams& operator=(const ReceivedDatagrams&) = delete;

  // Takes what a socket that does not block has; how many. The views below are good until the next call.
  std::size_t receive(int socket) {
    for (std::size_t i = 0; i < used_; ++i) {
      // The kernel has shortened both.
      messages_[i].msg_hdr.msg_namelen = sizeof(sockaddr_storage);
      messages_[i].msg_hdr.msg_controllen = sizeof(Control);
    }
    const int count = recvmmsg(socket, messages_.data(), kMax, 0, nullptr);
    return used_ = count < 0 ? 0 : static_cast<std::size_t>(count);
  }
  Endpoint from(std::size_t i) const { return from_[i].endpoint(); }
  // Which of our addresses it was sent to, where the socket asks for that (IP_PKTINFO, IPV6_RECVPKTINFO);
  // else all zero.
  Address to(std::size_t i) const {
    const cmsghdr* header = CMSG_FIRSTHDR(&messages_[i].msg_hdr);
    if (header == nullptr) return {};
    if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(header), sizeof info);
      return std::to_array(info.ipi6_addr.s6_addr);
    }
    if (header->cmsg_level != IPPROTO_IP || header->cmsg_type != IP_PKTINFO) return {};
    in_pktinfo info;
    std::memcpy(&info, CMSG_DATA(header), sizeof info);
    return Endpoint::v4(ntohl(info.ipi_spec_dst.s_addr), 0).address;
  }
  const SocketAddress& address(std::size_t i) const { return from_[i]; }
  ByteView datagram(std::size_t i) const {
    return {bytes_.data() + i * kDatagramBytesMax, messages_[i].msg_len};
  }
  // It had over kDatagramBytesMax.
  bool is_cut_off(std::size_t i) const { return (messages_[i].msg_hdr.msg_flags & MSG_TRUNC) != 0; }

 private:
  Bytes bytes_;
  std::array<SocketAddress, kMax> from_;
  std::array<Control, kMax> controls_{};
  std::array<iovec, kMax> parts_{};
  std::array<mmsghdr, kMax> messages_{};
  std::size_t used_ = kMax;
};

}  // namespace shoal
