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

std::uint32_t start_of(const Id& key) {
  return static_cast<std::uint32_t>(key.word(0) >> 32);
}

}  // namespace

Reunion::~Reunion() {
  for (const Lost& lost : lost_) book_.release(lost.contact);
}

std::vector<Reunion::Lost>::iterator Reunion::find(const Id& host) {
  return std::ranges::find_if(lost_, [&, start = start_of(host)](const Lost& lost) {
    return lost.key_start == start && book_[lost.contact].key == host;
  });
}

void Reunion::forget(std::vector<Lost>::iterator lost) {
  book_.release(lost->contact);
  lost_.erase(lost);
}

void Reunion::on_lost(const Contact& contact) {
  if (const auto known = find(contact.key); known != lost_.end()) forget(known);
  if (lost_.size() == kLostMax) forget(lost_.begin());
  lost_.push_back({book_.acquire(contact), start_of(contact.key), context_.now()});
  wait();
}

void Reunion::wait() {
  if (waiting_ || lost_.empty()) return;
  waiting_ = true;
  context_.after(context_.rng.jittered(context_.config.lost_check_interval, 0.25), DeadlineKind::kFindLost);
}

void Reunion::on_deadline() {
  waiting_ = false;
  while (!lost_.empty() && context_.now() - lost_.front().since > kRemembered) forget(lost_.begin());
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
    ping(book_[lost_[place].contact]);
    place = (place + 1) % lost_.size();
  }
}

bool Reunion::on_answered(const Id& host) {
  const auto found = find(host);
  if (found == lost_.end()) return false;
  forget(found);
  if (context_.now() > suspicion_ends_) {
    suspicion_ends_ = context_.now() + kSuspicion;
    returned_ = 1;
    ping_some(kSuspectsPinged);
    return false;
  }
  if (++returned_ != kReturnsNeeded) return false;
  for (const Lost& lost : lost_) ping(book_[lost.contact]);
  return true;
}

}  // namespace shoal
