#include "node/dht/reunion.h"

#include <algorithm>
#include <utility>

namespace shoal {
namespace {

constexpr Duration kSuspicion = std::chrono::seconds(10);
constexpr std::size_t kSuspectsPinged = 4;
// Answers within kSuspicion, the first included, that a few hosts back from absence do not make.
constexpr std::size_t kReturnsNeeded = 3;
// Who is silent for so long is known hosts' business (HostStore).
constexpr Duration kRemembered = std::chrono::hours(1);

}  // namespace

void Reunion::on_lost(const Contact& contact) {
  std::erase_if(lost_, [&](const Lost& lost) { return lost.contact.key == contact.key; });
  if (lost_.size() == kLostMax) lost_.erase(lost_.begin());
  lost_.push_back({contact, context_.now()});
  wait();
}

void Reunion::wait() {
  if (waiting_ || lost_.empty()) return;
  waiting_ = true;
  context_.after(context_.rng.jittered(context_.config.lost_check_interval, 0.25), DeadlineKind::kFindLost);
}

void Reunion::on_deadline() {
  waiting_ = false;
  std::erase_if(lost_, [&](const Lost& lost) { return context_.now() - lost.since > kRemembered; });
  ping_some(1);
  wait();
}

// Once: nearly all of them are dead, and of a network that has come back others will answer.
void Reunion::ping(const Contact& contact) {
  OutRequest out;
  out.to = contact;
  out.body = wire::Ping{};
  out.purpose = Purpose::kMaintenance;
  out.attempts_max = 1;
  rpc_.request(std::move(out));
}

void Reunion::ping_some(std::size_t count) {
  if (lost_.empty()) return;
  std::size_t place = context_.rng.below(lost_.size());
  for (std::size_t i = 0; i < std::min(count, lost_.size()); ++i) {
    ping(lost_[place].contact);
    place = (place + 1) % lost_.size();
  }
}

bool Reunion::on_answered(const Id& host) {
  const auto found =
      std::find_if(lost_.begin(), lost_.end(), [&](const Lost& lost) { return lost.contact.key == host; });
  if (found == lost_.end()) return false;
  lost_.erase(found);
  if (context_.now() > suspicion_ends_) {
    suspicion_ends_ = context_.now() + kSuspicion;
    returned_ = 1;
    ping_some(kSuspectsPinged);
    return false;
  }
  if (++returned_ != kReturnsNeeded) return false;
  for (const Lost& lost : lost_) ping(lost.contact);
  return true;
}

}  // namespace shoal
