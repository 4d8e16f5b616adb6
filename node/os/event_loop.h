// EventLoop: the one thread on which a node and all its IO run. A thin owner of a libuv loop.
#pragma once

#include <uv.h>

#include <functional>
#include <mutex>
#include <vector>

#include "node/base/instant.h"
#include "node/os/uv_handle.h"

namespace shoal {

class EventLoop {
 public:
  EventLoop();
  // Whatever was built on the loop is gone by now.
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Runs until stop().
  void run();
  // From the loop's thread.
  void stop() { uv_stop(&loop_); }
  // Runs `task` on the loop's thread, in a later turn. From any thread.
  void post(std::function<void()> task);
  // From now on SIGINT and SIGTERM call `handler` with their number, on the loop's thread, instead of ending
  // the process.
  void on_stop_signal(std::function<void(int)> handler);

  uv_loop_t* uv() { return &loop_; }

 private:
  void run_posted();
  UvHandle<uv_signal_t> watch(int signal);

  uv_loop_t loop_;
  UvHandle<uv_async_t> posted_signal_;
  UvHandle<uv_signal_t> interrupt_;
  UvHandle<uv_signal_t> terminate_;
  std::function<void(int)> stop_handler_;
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by posted_mutex_
};

// Starts the timer so that it fires in the first turn in which SystemClock's now() is not before `when`.
void start_timer_at(uv_timer_t* timer, Instant when, uv_timer_cb callback);

}  // namespace shoal
