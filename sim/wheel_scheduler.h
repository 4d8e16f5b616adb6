// WheelScheduler: the TimingWheel as an ns-3 scheduler.
#pragma once

#include <ns3/object-factory.h>
#include <ns3/scheduler.h>

#include "sim/timing_wheel.h"

namespace shoal::sim {

class WheelScheduler final : public ns3::Scheduler {
 public:
  static ns3::TypeId GetTypeId();

  void Insert(const Event& event) override;
  bool IsEmpty() const override { return wheel_.empty(); }
  Event PeekNext() const override { return from(wheel_.top()); }
  Event RemoveNext() override;
  void Remove(const Event& event) override;

 private:
  static Event from(const TimingWheel::Event& event);
  void prefetch() const;

  // Looking at the earliest event turns the wheel, which nobody can tell from outside.
  mutable TimingWheel wheel_;
};

}  // namespace shoal::sim
