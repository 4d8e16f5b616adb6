#include "sim/event_loop.h"

#include <ns3/object-factory.h>

#include <algorithm>
#include <utility>

#include "node/base/check.h"
#include "sim/wheel_scheduler.h"

namespace shoal::sim {
namespace {

bool one_is_alive = false;  // ns-3's simulator is a global; two loops would share it unawares

class FunctionEvent final : public ns3::EventImpl {
 public:
  explicit FunctionEvent(std::function<void()> function) : function_(std::move(function)) {}

 private:
  void Notify() override { function_(); }
  std::function<void()> function_;
};

// Stops the simulator once nothing is left at its instant: it goes to the end of the queue again as long as
// other events ran since its last turn.
class StopEvent final : public ns3::EventImpl {
 public:
  StopEvent(EventLoop& loop, Instant when) : loop_(loop), when_(when) {}

 private:
  void Notify() override {
    const std::uint64_t count = ns3::Simulator::GetEventCount();
    if (count == last_count_ + 1) {
      ns3::Simulator::Stop();
      return;
    }
    last_count_ = count;
    loop_.post(when_, *this);
  }

  EventLoop& loop_;
  Instant when_;
  std::uint64_t last_count_ = 0;
};

}  // namespace

EventLoop::EventLoop(bool has_models)
    : host_context_(has_models ? std::uint32_t{ns3::Simulator::NO_CONTEXT} : HostEvent::kContext) {
  check(!std::exchange(one_is_alive, true), "a process has one simulated network at a time");
  ns3::ObjectFactory scheduler;
  scheduler.SetTypeId(WheelScheduler::GetTypeId());
  ns3::Simulator::SetScheduler(scheduler);
}

void EventLoop::destroy() {
  if (!std::exchange(alive_, false)) return;
  ns3::Simulator::Destroy();
  one_is_alive = false;
}

void EventLoop::post(Instant when, ns3::EventImpl& event, std::uint32_t context) {
  // A negative delay would silently move ns-3's time backwards.
  const Duration delay = std::max(when - now(), Duration::zero());
  event.Ref();
  ns3::Simulator::ScheduleWithContext(context, ns3::TimeStep(static_cast<std::uint64_t>(delay.count())),
                                      &event);
}

void EventLoop::call(Instant when, std::function<void()> event) {
  auto* function = new FunctionEvent(std::move(event));
  post(when, *function);
  function->Unref();
}

void EventLoop::run_until(Instant when) {
  if (when < now()) return;
  StopEvent stop(*this, when);
  post(when, stop);
  ns3::Simulator::Run();
}

std::uint64_t EventLoop::event_count() const {
  return ns3::Simulator::GetEventCount();
}

}  // namespace shoal::sim
