// ServiceManager: what a node tells systemd, when that has started it (sd_notify(3)): that it is ready, what
// it does, that it stops, and, when the unit has a watchdog, that its loop still turns. Elsewhere it does
// nothing.
#pragma once

#include <uv.h>

#include <functional>
#include <string>

#include "node/os/uv_handle.h"

namespace shoal {

class ServiceManager {
 public:
  // `status` is for people, in `systemctl status`; it is asked for now and then from ready() on, and sent
  // when it differs from the one before. The loop's thread is the one that the watchdog looks after.
  ServiceManager(uv_loop_t& loop, std::function<std::string()> status);

  void ready();
  void stopping();

 private:
  void send_status();

  uv_loop_t& loop_;
  std::function<std::string()> status_;
  std::string sent_;
  UvHandle<uv_timer_t> status_timer_;
  UvHandle<uv_timer_t> watchdog_;
};

}  // namespace shoal
