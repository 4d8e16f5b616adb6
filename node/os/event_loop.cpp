#include "node/os/event_loop.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "node/base/check.h"

namespace shoal {

EventLoop::EventLoop() {
  check(uv_loop_init(&loop_) == 0, "no event loop: out of descriptors or memory");
  auto* async = new uv_async_t;
  async->data = this;
  const int failed = uv_async_init(
      &loop_, async, [](uv_async_t* signal) { static_cast<EventLoop*>(signal->data)->run_posted(); });
  check(failed == 0, "no descriptor left for the event loop");
  posted_signal_.reset(async);
}

EventLoop::~EventLoop() {
  posted_signal_.reset();
  interrupt_.reset();
  terminate_.reset();
  uv_run(&loop_, UV_RUN_NOWAIT);  // frees what was closed
  check(uv_loop_close(&loop_) == 0, "a handle outlives its event loop");
}

void EventLoop::run() {
  uv_run(&loop_, UV_RUN_DEFAULT);
}

void EventLoop::post(std::function<void()> task) {
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(task));
  }
  uv_async_send(posted_signal_.get());
}

void EventLoop::run_posted() {
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(posted_mutex_);
    tasks.swap(posted_);
  }
  for (const std::function<void()>& task : tasks) task();
}

void EventLoop::on_stop_signal(std::function<void(int)> handler) {
  stop_handler_ = std::move(handler);
  if (interrupt_ == nullptr) interrupt_ = watch(SIGINT);
  if (terminate_ == nullptr) terminate_ = watch(SIGTERM);
}

UvHandle<uv_signal_t> EventLoop::watch(int signal) {
  UvHandle<uv_signal_t> handle(new uv_signal_t);
  check(uv_signal_init(&loop_, handle.get()) == 0, "no descriptor left for signals");
  handle->data = this;
  const auto arrived = [](uv_signal_t* source, int number) {
    static_cast<EventLoop*>(source->data)->stop_handler_(number);
  };
  check(uv_signal_start(handle.get(), arrived, signal) == 0, "a signal cannot be handled");
  return handle;
}

void start_timer_at(uv_timer_t* timer, Instant when, uv_timer_cb callback) {
  // libuv counts whole milliseconds of uv_hrtime(), the clock of `when`, and adds the delay to the time at
  // which the loop last looked: the sum is exact whenever that was.
  const auto due = std::chrono::ceil<std::chrono::milliseconds>(when.time_since_epoch()).count();
  const auto looked = static_cast<std::int64_t>(uv_now(timer->loop));
  uv_timer_start(timer, callback, static_cast<std::uint64_t>(std::max<std::int64_t>(0, due - looked)), 0);
}

}  // namespace shoal
