#include "node/os/service_manager.h"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <utility>

namespace shoal {
namespace {

constexpr std::uint64_t kStatusEveryMs = 5'000;

void notify(const std::string& state) {
  ::sd_notify(0, state.c_str());
}

UvHandle<uv_timer_t> start_timer(uv_loop_t& loop, void* data, std::uint64_t every_ms, uv_timer_cb callback) {
  UvHandle<uv_timer_t> timer(new uv_timer_t);
  uv_timer_init(&loop, timer.get());
  timer->data = data;
  uv_timer_start(timer.get(), callback, every_ms, every_ms);
  return timer;
}

}  // namespace

ServiceManager::ServiceManager(uv_loop_t& loop, std::function<std::string()> status)
    : loop_(loop), status_(std::move(status)) {
  std::uint64_t within_us = 0;
  if (::sd_watchdog_enabled(0, &within_us) <= 0) return;
  const std::uint64_t every_ms = std::max<std::uint64_t>(within_us / 2 / 1000, 1);
  watchdog_ = start_timer(loop, nullptr, every_ms, [](uv_timer_t*) { notify("WATCHDOG=1"); });
}

void ServiceManager::ready() {
  if (std::getenv("NOTIFY_SOCKET") == nullptr) return;
  notify("READY=1");
  send_status();
  status_timer_ = start_timer(loop_, this, kStatusEveryMs, [](uv_timer_t* timer) {
    static_cast<ServiceManager*>(timer->data)->send_status();
  });
}

void ServiceManager::send_status() {
  std::string status = status_();
  if (status == sent_) return;
  notify("STATUS=" + status);
  sent_ = std::move(status);
}

void ServiceManager::stopping() {
  status_timer_.reset();
  notify("STOPPING=1\nSTATUS=leaving the network");
}

}  // namespace shoal
