// InterfaceWatch: hears from the kernel (rtnetlink(7)) that an interface or an address has come, gone or
// changed, which polling would notice seconds later.
#pragma once

#include <functional>

#include "node/os/event_loop.h"
#include "node/os/socket.h"
#include "node/os/uv_handle.h"

namespace shoal {

class InterfaceWatch {
 public:
  // Where the kernel does not tell (no netlink), on_change is never called; nothing else differs.
  InterfaceWatch(EventLoop& loop, std::function<void()> on_change);

  void start();
  void stop();

 private:
  void receive();

  std::function<void()> on_change_;
  Descriptor socket_;
  UvHandle<uv_poll_t> poll_;
};

}  // namespace shoal
