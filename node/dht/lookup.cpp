#include "node/dht/lookup.h"

#include <algorithm>

#include "node/base/check.h"

namespace shoal {

const char* to_string(LookupReport::Outcome outcome) {
  switch (outcome) {
    case LookupReport::Outcome::kAnswered:
      return "answered";
    case LookupReport::Outcome::kTimedOut:
      return "timed_out";
    case LookupReport::Outcome::kRefused:
      return "refused";
    case LookupReport::Outcome::kUnasked:
      return "unasked";
  }
  return "unknown";
}

Lookup::Lookup(const Id& self, const Id& target, const LookupConfig& config, Instant now)
    : self_(self), target_(target), config_(config), started_(now) {
  check(config.wanted > 0 && config.alpha > 0);
}

void Lookup::add_known(std::span<const Contact> contacts) {
  for (const Contact& contact : contacts) add(contact, kSelf);
}

void Lookup::add(const Contact& contact, std::uint16_t teller) {
  if (contact.key == self_) return;
  const std::uint64_t distance = contact.key.word(0) ^ target_.word(0);
  const auto is_nearer = [&](const Place& place, const Id& key) {
    if (place.distance != distance) return place.distance < distance;
    return closer(target_, candidates_[place.candidate].contact.key, key);
  };
  const auto place = std::lower_bound(order_.begin(), order_.end(), contact.key, is_nearer);
  if (place != order_.end() && candidates_[place->candidate].contact.key == contact.key) {
    if (teller != kSelf) told_.emplace_back(teller, place->candidate);
    return;
  }
  if (candidates_.size() == kCandidatesMax) return;
  const auto index = static_cast<std::uint16_t>(candidates_.size());
  Candidate candidate;
  candidate.contact = contact;
  candidate.teller = teller;
  candidates_.push_back(candidate);
  order_.insert(place, Place{distance, index});
  if (teller != kSelf) told_.emplace_back(teller, index);
}

bool Lookup::subnet_admits(std::vector<std::uint64_t>& subnets, const Contact& contact) const {
  if (config_.per_subnet_max == 0) return true;
  if (config_.own_is_local && contact.endpoint.is_local()) return true;
  const std::uint64_t subnet = subnet_of(contact.endpoint.address);
  const auto seen = static_cast<std::size_t>(std::count(subnets.begin(), subnets.end(), subnet));
  if (seen >= config_.per_subnet_max) return false;
  subnets.push_back(subnet);
  return true;
}

template <class F>
void Lookup::for_nearest(F&& f) const {
  std::vector<std::uint64_t> subnets;
  subnets.reserve(config_.wanted);
  std::size_t seen = 0;
  for (const Place& place : order_) {
    const Candidate& candidate = candidates_[place.candidate];
    if (candidate.state == State::kFailed || !subnet_admits(subnets, candidate.contact)) continue;
    if (!f(place.candidate)) return;
    if (candidate.state != State::kSlow && ++seen == config_.wanted) return;
  }
}

std::optional<std::uint16_t> Lookup::next_to_ask(Instant now) {
  if (in_flight_ >= config_.alpha) return std::nullopt;
  std::optional<std::uint16_t> next;
  for_nearest([&](std::uint16_t index) {
    if (candidates_[index].state == State::kUnasked) next = index;
    return !next;
  });
  if (!next) return std::nullopt;
  Candidate& candidate = candidates_[*next];
  candidate.state = State::kAsked;
  candidate.step = static_cast<std::uint16_t>(steps_.size());
  steps_.push_back(Step{*next, now - started_, {}, LookupReport::Outcome::kUnasked});
  ++in_flight_;
  return next;
}

void Lookup::on_answer(std::uint16_t index, std::span<const Contact> told, Instant now) {
  Candidate& candidate = candidates_[index];
  if (candidate.state == State::kAsked) --in_flight_;
  candidate.state = State::kAnswered;
  candidate.answered_after = now - started_;
  steps_[candidate.step].ended_after = now - started_;
  steps_[candidate.step].outcome = LookupReport::Outcome::kAnswered;
  for (const Contact& contact : told) add(contact, index);
}

void Lookup::on_slow(std::uint16_t index) {
  Candidate& candidate = candidates_[index];
  if (candidate.state != State::kAsked) return;
  candidate.state = State::kSlow;
  --in_flight_;
}

void Lookup::on_failed(std::uint16_t index, LookupReport::Outcome outcome, Instant now) {
  Candidate& candidate = candidates_[index];
  if (candidate.state == State::kAsked) --in_flight_;
  candidate.state = State::kFailed;
  steps_[candidate.step].ended_after = now - started_;
  steps_[candidate.step].outcome = outcome;
}

bool Lookup::done() const {
  bool all_answered = true;
  for_nearest([&](std::uint16_t index) {
    all_answered = candidates_[index].state == State::kAnswered;
    return all_answered;
  });
  return all_answered;
}

std::vector<std::uint16_t> Lookup::closest_answered() const {
  std::vector<std::uint16_t> closest;
  for_nearest([&](std::uint16_t index) {
    if (candidates_[index].state == State::kAnswered) closest.push_back(index);
    return true;
  });
  return closest;
}

// Who told of a host first need not stand on the shortest chain: relax over everything that was told.
std::vector<std::uint8_t> Lookup::shortest_hops() const {
  constexpr std::uint8_t kFar = 0xff;
  std::vector<std::uint8_t> hops(candidates_.size(), kFar);
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    if (candidates_[i].teller == kSelf) hops[i] = 1;
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& [teller, told] : told_) {
      if (hops[teller] == kFar || hops[told] <= hops[teller] + 1) continue;
      hops[told] = static_cast<std::uint8_t>(hops[teller] + 1);
      changed = true;
    }
  }
  return hops;
}

LookupReport Lookup::report(Instant now) const {
  const std::vector<std::uint8_t> hops = shortest_hops();
  LookupReport report;
  report.target = target_;
  for (const std::uint16_t index : closest_answered()) {
    const Candidate& candidate = candidates_[index];
    report.closest.push_back({candidate.contact, hops[index], candidate.answered_after});
  }
  for (const Step& step : steps_) {
    const Candidate& candidate = candidates_[step.candidate];
    const Id& told_by = candidate.teller == kSelf ? self_ : candidates_[candidate.teller].contact.key;
    report.steps.push_back(
        {candidate.contact, told_by, hops[step.candidate], step.sent_after, step.ended_after, step.outcome});
  }
  report.requests = static_cast<std::uint32_t>(steps_.size());
  report.duration = now - started_;
  return report;
}

}  // namespace shoal
