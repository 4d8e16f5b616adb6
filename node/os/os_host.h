// OsHost: one node's host on the machine's sockets. It delivers events to the node, lets it work once a turn
// of the loop, and sends what it queued at the end of the turn.
#pragma once

#include <memory>
#include <vector>

#include "node/base/result.h"
#include "node/os/event_loop.h"
#include "node/os/host_link.h"
#include "node/os/interface_watch.h"
#include "node/os/loop_alarm.h"
#include "node/os/system_clock.h"
#include "node/os/tcp_streams.h"
#include "node/os/udp_datagrams.h"
#include "node/ports/hosted_node.h"

namespace shoal {

class OsHost {
 public:
  // Binds UDP and TCP to one address and port; port 0 finds one that is free for both. [::] takes IPv4 too.
  // Error kIo, naming the address, the port, the protocol and the system's reason.
  static Result<std::unique_ptr<OsHost>> open(EventLoop& loop, const Endpoint& listen);
  ~OsHost();
  OsHost(const OsHost&) = delete;
  OsHost& operator=(const OsHost&) = delete;

  // What it is bound to, with the port that was found; the address may be the wildcard.
  const Endpoint& endpoint() const { return listen_; }
  // The endpoints at which others may reach it.
  // Where it listens; [::] has become 0.0.0.0 on a kernel without IPv6.
  const Endpoint& listen() const { return listen_; }
  std::vector<Endpoint> own_endpoints() const;
  // Valid for the life of the host; they do nothing while no node is attached.
  HostPorts ports() { return {clock_, alarm_, datagrams_, streams_}; }

  // Starts delivering events to `node`, on_interfaces first, in the loop's next turn. The node must outlive
  // the attachment.
  void attach(HostedNode& node);
  // Resets its streams, drops what it queued, and leaves it in peace. Not from inside one of its jobs.
  void detach();
  // Calls run_jobs in the loop's next turn: after a command or a completion was posted from outside. From the
  // loop's thread.
  void wake() { link_.turn_wanted = true; }

 private:
  OsHost(EventLoop& loop, SocketPair sockets);
  void turn();
  void check_interfaces();

  Endpoint listen_;
  HostLink link_;
  HostedNode* node_ = nullptr;
  SystemClock clock_;
  LoopAlarm alarm_;
  UdpDatagrams datagrams_;
  TcpStreams streams_;
  bool introduced_ = false;  // on_interfaces was the node's first event
  std::vector<Endpoint> interfaces_;
  UvHandle<uv_prepare_t> before_poll_;
  UvHandle<uv_check_t> after_poll_;
  UvHandle<uv_idle_t> keep_turning_;  // active while work remains, so that the loop does not wait
  InterfaceWatch interface_watch_;
  UvHandle<uv_timer_t> interface_timer_;  // for what the watch cannot hear
};

}  // namespace shoal
