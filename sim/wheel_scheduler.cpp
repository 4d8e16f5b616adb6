#include "sim/wheel_scheduler.h"

#include <ns3/event-impl.h>

namespace shoal::sim {

ns3::TypeId WheelScheduler::GetTypeId() {
  static const ns3::TypeId kTypeId =
      ns3::TypeId("shoal::sim::WheelScheduler").SetParent<ns3::Scheduler>().AddConstructor<WheelScheduler>();
  return kTypeId;
}

void WheelScheduler::Insert(const Event& event) {
  wheel_.insert({event.impl, event.key.m_ts, event.key.m_uid, event.key.m_context});
}

void WheelScheduler::Remove(const Event& event) {
  wheel_.remove(event.key.m_ts, event.key.m_uid);
}

ns3::Scheduler::Event WheelScheduler::from(const TimingWheel::Event& event) {
  return {static_cast<ns3::EventImpl*>(event.what), {event.when, event.uid, event.context}};
}

}  // namespace shoal::sim
