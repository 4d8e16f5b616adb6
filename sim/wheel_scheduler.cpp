#include "sim/wheel_scheduler.h"

#include "sim/host_event.h"

namespace shoal::sim {

ns3::TypeId WheelScheduler::GetTypeId() {
  static const ns3::TypeId kTypeId =
      ns3::TypeId("shoal::sim::WheelScheduler").SetParent<ns3::Scheduler>().AddConstructor<WheelScheduler>();
  return kTypeId;
}

void WheelScheduler::Insert(const Event& event) {
  wheel_.insert({event.impl, event.key.m_ts, event.key.m_uid, event.key.m_context});
}

ns3::Scheduler::Event WheelScheduler::RemoveNext() {
  const Event next = from(wheel_.pop());
  prefetch();
  return next;
}

// While the event that was taken out runs, the memory of the next ones is on its way.
void WheelScheduler::prefetch() const {
  using Step = HostEvent::Step;
  const auto ask = [this](std::size_t ahead, Step step) {
    const TimingWheel::Event* event = wheel_.peek(ahead - 1);
    if (event == nullptr || event->context != HostEvent::kContext) return;
    static_cast<const HostEvent*>(static_cast<const ns3::EventImpl*>(event->what))->prefetch(step);
  };
  if (const TimingWheel::Event* event = wheel_.peek(4)) __builtin_prefetch(event->what);
  ask(4, Step::kHost);
  ask(3, Step::kRunner);
  ask(2, Step::kNode);
}

void WheelScheduler::Remove(const Event& event) {
  wheel_.remove(event.key.m_ts, event.key.m_uid);
}

ns3::Scheduler::Event WheelScheduler::from(const TimingWheel::Event& event) {
  return {static_cast<ns3::EventImpl*>(event.what), {event.when, event.uid, event.context}};
}

}  // namespace shoal::sim
