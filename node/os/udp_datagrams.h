// UdpDatagrams: the Datagrams port on a UDP socket. Reads with recvmmsg; what is sent during a turn leaves at
// its end, with sendmmsg.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "node/os/event_loop.h"
#include "node/os/host_link.h"
#include "node/os/received_datagrams.h"
#include "node/os/socket.h"
#include "node/ports/datagrams.h"

namespace shoal {

class UdpDatagrams final : public Datagrams {
 public:
  UdpDatagrams(EventLoop& loop, HostLink& link, Descriptor socket, const Endpoint& listen);

  bool send(const Endpoint& to, ByteView datagram) override;
  Result<void> join(const Endpoint& group) override;
  void leave(const Endpoint& group) override;

  void start();
  // Drops what is queued, leaves all groups.
  void stop();
  // Hands what is queued to the kernel; what it has no room for now waits until it has.
  void flush();

 private:
  struct Receiver {
    UdpDatagrams* owner;
    Descriptor socket;
    UvHandle<uv_poll_t> poll;
    Endpoint group;  // all zero for the socket that is not a group's
  };
  struct Outgoing {
    SocketAddress to;
    std::uint32_t multicast_interface;  // 0: the system's choice
    Address source;                     // likewise, when all zero
    std::uint32_t offset;
    std::uint32_t length;
  };
  // A host that listens at all its addresses answers from the one that was asked: a NAT, a firewall and the
  // asker itself drop an answer from another. Whom we have not just heard gets the system's choice, since
  // routes change.
  struct Asked {
    Endpoint remote;
    Address own{};
    std::uint64_t at_ms = 0;
  };
  static constexpr std::size_t kAskedMax = 4096;  // two at one place: the later stays
  static constexpr std::uint64_t kAskedMs = 10'000;

  enum class Sent { kSome, kOneRefused, kNoRoom };

  std::unique_ptr<Receiver> make_receiver(Descriptor socket, const Endpoint& group);
  void watch(Receiver& receiver, int events);
  void on_poll(Receiver& receiver, int status, int events);
  void receive(const Receiver& receiver);
  Sent send_some(std::size_t& done);
  Asked& asked_by(const Endpoint& remote);
  void remember_asked(const Endpoint& remote, const Address& own);
  Address source_for(const Endpoint& to);
  bool join_on(int socket, const Endpoint& group, std::uint32_t interface) const;

  EventLoop& loop_;
  HostLink& link_;
  Endpoint listen_;
  int family_;
  std::unique_ptr<Receiver> main_;
  std::vector<std::unique_ptr<Receiver>> groups_;
  bool waits_for_room_ = false;
  std::vector<Outgoing> outgoing_;
  Bytes outgoing_bytes_;
  std::vector<Asked> asked_ = std::vector<Asked>(kAskedMax);
  ReceivedDatagrams received_;
};

}  // namespace shoal
