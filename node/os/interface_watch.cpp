#include "node/os/interface_watch.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <array>
#include <utility>

namespace shoal {

InterfaceWatch::InterfaceWatch(EventLoop& loop, std::function<void()> on_change)
    : on_change_(std::move(on_change)),
      socket_(socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE)) {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
  if (!socket_ || bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return;
  auto* poll = new uv_poll_t;
  if (uv_poll_init(loop.uv(), poll, socket_.get()) != 0) {
    delete poll;
    return;
  }
  poll->data = this;
  poll_.reset(poll);
}

void InterfaceWatch::start() {
  if (poll_ == nullptr) return;
  uv_poll_start(poll_.get(), UV_READABLE,
                [](uv_poll_t* poll, int, int) { static_cast<InterfaceWatch*>(poll->data)->receive(); });
}

void InterfaceWatch::stop() {
  if (poll_ != nullptr) uv_poll_stop(poll_.get());
}

// What has changed is not read: whoever is told looks at all of it. A full buffer (ENOBUFS) is a change too.
void InterfaceWatch::receive() {
  std::array<char, 8192> ignored;
  while (recv(socket_.get(), ignored.data(), ignored.size(), 0) > 0) {
  }
  on_change_();
}

}  // namespace shoal
