#include "sim/host_machine.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "sim/world.h"

namespace shoal::sim {
namespace {

constexpr std::int64_t kBillion = 1'000'000'000;
constexpr std::int64_t kDriftMax = kBillion / 10;

struct JobCost {
  JobKind kind;
  std::int64_t ns;
  std::int64_t ps_per_byte;
};
constexpr std::array<JobCost, kJobKinds> kJobCosts = {{
#include "sim/job_costs.inc"
}};
constexpr bool in_order_of_kinds() {
  for (std::size_t i = 0; i < kJobCosts.size(); ++i) {
    if (kJobCosts[i].kind != static_cast<JobKind>(i)) return false;
  }
  return true;
}
static_assert(in_order_of_kinds());

// a * b / c, rounded down, where a * b may need more than 64 bits.
std::int64_t scaled(std::int64_t a, std::int64_t b, std::int64_t c) {
  __extension__ using Wide = __int128;
  const Wide product = static_cast<Wide>(a) * b;
  const Wide quotient = product / c;
  return static_cast<std::int64_t>(product % c < 0 ? quotient - 1 : quotient);
}

}  // namespace

Duration job_cost(JobKind kind, std::size_t bytes) {
  const JobCost& cost = kJobCosts[static_cast<std::size_t>(kind)];
  return Duration(cost.ns + static_cast<std::int64_t>(bytes) * cost.ps_per_byte / 1000);
}

Instant HostMachine::own_time(Instant world) const {
  const Duration since = world - clock_set_;
  return own_when_set_ + since + Duration(scaled(since.count(), drift_, kBillion));
}

Instant HostMachine::world_time(Instant own) const {
  if (own == kNever) return kNever;
  const Duration since = own - own_when_set_;
  Instant world = clock_set_ + Duration(scaled(since.count(), kBillion, kBillion + drift_));
  while (own_time(world) < own) world += Duration(1);
  return world;
}

void HostMachine::add_drift(Instant world, std::int64_t billionths) {
  own_when_set_ = own_time(world);
  clock_set_ = world;
  drift_ = std::clamp(drift_ + billionths, -kDriftMax, kDriftMax);
}

void HostMachine::charge(Instant world, JobKind kind, std::size_t bytes) {
  job_begins_ = std::max(world, free_at_);
  free_at_ = job_begins_;
  if (!speed_) return;
  const auto ns = static_cast<double>(job_cost(kind, bytes).count());
  free_at_ += Duration(std::llround(ns / *speed_));
}

bool HostMachine::wait_datagram(const Endpoint& from, ByteView datagram, Receive receive) {
  const std::size_t bytes = datagram.size() + kDatagramHeaderBytes;
  if (datagram_bytes_waiting_ + bytes > kSocketBufferBytes) {
    ++datagrams_dropped_;
    return false;
  }
  datagram_bytes_waiting_ += bytes;
  waiting_.push_back([from, receive, copy = Bytes(datagram.begin(), datagram.end())](PortEvents& events) {
    (events.*receive)(from, copy);
  });
  return true;
}

std::vector<HostMachine::Event> HostMachine::take_waiting() {
  datagram_bytes_waiting_ = 0;
  return std::exchange(waiting_, {});
}

}  // namespace shoal::sim
