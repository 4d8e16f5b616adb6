#include "node/os/os_host.h"

#include <utility>

#include "node/base/check.h"
#include "node/os/interfaces.h"

namespace shoal {
namespace {

constexpr std::uint64_t kInterfaceCheckMs = 10'000;

}  // namespace

Result<std::unique_ptr<OsHost>> OsHost::open(EventLoop& loop, const Endpoint& listen) {
  Result<SocketPair> sockets = bind_pair(listen);
  if (!sockets) return tl::unexpected(sockets.error());
  return std::unique_ptr<OsHost>(new OsHost(loop, std::move(*sockets)));
}

OsHost::OsHost(EventLoop& loop, SocketPair sockets)
    : listen_(sockets.listen),
      alarm_(loop, link_),
      datagrams_(loop, link_, std::move(sockets.udp), sockets.listen),
      streams_(loop, link_, std::move(sockets.tcp), sockets.listen),
      before_poll_(new uv_prepare_t),
      after_poll_(new uv_check_t),
      keep_turning_(new uv_idle_t),
      interface_watch_(loop, [this] { check_interfaces(); }),
      interface_timer_(new uv_timer_t) {
  uv_prepare_init(loop.uv(), before_poll_.get());
  uv_check_init(loop.uv(), after_poll_.get());
  uv_idle_init(loop.uv(), keep_turning_.get());
  uv_timer_init(loop.uv(), interface_timer_.get());
  before_poll_->data = after_poll_->data = interface_timer_->data = this;
}

OsHost::~OsHost() {
  detach();
}

std::vector<Endpoint> OsHost::own_endpoints() const {
  return shoal::own_endpoints(listen_);
}

void OsHost::attach(HostedNode& node) {
  check(node_ == nullptr, "a node is attached already");
  node_ = &node;
  link_.events = &node.events();
  link_.turn_wanted = true;
  introduced_ = false;
  // Whatever wants a turn in the loop's callbacks gets it before the loop waits again.
  uv_prepare_start(before_poll_.get(),
                   [](uv_prepare_t* handle) { static_cast<OsHost*>(handle->data)->turn(); });
  uv_check_start(after_poll_.get(), [](uv_check_t* handle) { static_cast<OsHost*>(handle->data)->turn(); });
  interface_watch_.start();
  uv_timer_start(
      interface_timer_.get(),
      [](uv_timer_t* timer) { static_cast<OsHost*>(timer->data)->check_interfaces(); }, kInterfaceCheckMs,
      kInterfaceCheckMs);
}

void OsHost::detach() {
  if (node_ == nullptr) return;
  node_ = nullptr;
  link_ = HostLink{};
  alarm_.stop();
  datagrams_.stop();
  streams_.stop();
  uv_prepare_stop(before_poll_.get());
  uv_check_stop(after_poll_.get());
  uv_idle_stop(keep_turning_.get());
  interface_watch_.stop();
  uv_timer_stop(interface_timer_.get());
}

void OsHost::turn() {
  if (!introduced_) {
    introduced_ = true;
    interfaces_ = own_endpoints();
    link_.events->on_interfaces(interfaces_);
    datagrams_.start();
  }
  if (link_.turn_wanted) {
    link_.turn_wanted = false;
    streams_.deliver_deferred();
    if (node_->run_jobs()) link_.turn_wanted = true;
    datagrams_.flush();
  }
  if (link_.turn_wanted) {
    uv_idle_start(keep_turning_.get(), [](uv_idle_t*) {});
  } else {
    uv_idle_stop(keep_turning_.get());
  }
}

void OsHost::check_interfaces() {
  if (!introduced_) return;
  std::vector<Endpoint> own = own_endpoints();
  if (own == interfaces_) return;
  interfaces_ = std::move(own);
  link_.turn_wanted = true;
  link_.events->on_interfaces(interfaces_);
}

}  // namespace shoal
