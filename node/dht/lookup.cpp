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
  candidate.subnet = subnet_of(contact.endpoint.address);
  for (const Step& step : steps_) {
    const Candidate& asked = candidates_[step.candidate];
    if (asked.teller == kSelf) continue;
    if (asked.subnet == candidate.subnet) ++candidate.subnet_asked;
    if (!asked.contact.endpoint.same_place(contact.endpoint)) continue;
    ++candidate.endpoint_asked;
    candidate.endpoint_busy = asked.endpoint_busy;
  }
  candidates_.push_back(candidate);
  if (teller != kSelf) ++candidates_[teller].untried;
  order_.insert(place, Place{distance, index});
  if (teller != kSelf) told_.emplace_back(teller, index);
}

// Local addresses of a host that is local itself: they have no networks that one could own.
bool Lookup::is_exempt(const Contact& contact) const {
  return config_.per_subnet_max == 0 || (config_.own_is_local && contact.endpoint.is_local());
}

bool Lookup::subnet_admits(std::vector<std::uint64_t>& subnets, const Candidate& candidate) const {
  if (is_exempt(candidate.contact)) return true;
  const auto seen = static_cast<std::size_t>(std::count(subnets.begin(), subnets.end(), candidate.subnet));
  if (seen >= config_.per_subnet_max) return false;
  subnets.push_back(candidate.subnet);
  return true;
}

// Within the bounds of its endpoint, its network and its teller?
bool Lookup::may_ask(const Candidate& candidate) const {
  if (candidate.teller == kSelf) return true;
  if (candidate.endpoint_busy > 0 || candidate.endpoint_asked >= kKeysPerEndpoint) return false;
  if (!is_exempt(candidate.contact) && candidate.subnet_asked >= kAskedPerSubnet * config_.per_subnet_max) {
    return false;
  }
  const auto index = static_cast<std::uint16_t>(&candidate - candidates_.data());
  return payer(index) != kSelf;
}

// The teller that can pay for a request to this candidate; the first that told of it, if it can.
std::uint16_t Lookup::payer(std::uint16_t index) const {
  const auto can_pay = [&](std::uint16_t teller) {
    const Candidate& of = candidates_[teller];
    const bool lies = of.unanswered >= kUnansweredMax && of.unanswered > 2 * of.answered;
    return of.budget >= kOnceBytes && !lies;
  };
  const std::uint16_t first = candidates_[index].teller;
  if (can_pay(first)) return first;
  for (const auto& [teller, told] : told_) {
    if (told == index && can_pay(teller)) return teller;
  }
  return kSelf;
}

void Lookup::charge(std::uint16_t index) {
  Candidate& candidate = candidates_[index];
  if (candidate.teller == kSelf) return;
  --candidates_[candidate.teller].untried;
  candidate.charged = payer(index);
  Candidate& teller = candidates_[candidate.charged];
  const std::uint32_t reserved = kOnceBytes * std::min(teller.untried, kReserved);
  const std::uint32_t free = teller.budget - std::min(teller.budget, reserved);
  candidate.charge = free >= kPaddedBytes ? kPaddedBytes : free >= kSmallBytes ? kSmallBytes : kOnceBytes;
  teller.budget -= candidate.charge;
  ++teller.in_flight;
  note_place(candidate, 1, 1);
}

Lookup::Allowance Lookup::allowance(std::uint16_t candidate) const {
  const Candidate& of = candidates_[candidate];
  if (of.charged == kSelf || of.charge == kPaddedBytes) return Allowance::kAll;
  return of.charge == kSmallBytes ? Allowance::kSmall : Allowance::kOnce;
}

void Lookup::note_place(const Candidate& asked, int asks, int busy) {
  for (Candidate& other : candidates_) {
    if (other.subnet != asked.subnet) continue;
    other.subnet_asked = static_cast<std::uint16_t>(other.subnet_asked + asks);
    if (!other.contact.endpoint.same_place(asked.contact.endpoint)) continue;
    other.endpoint_asked = static_cast<std::uint8_t>(other.endpoint_asked + asks);
    other.endpoint_busy = static_cast<std::uint8_t>(other.endpoint_busy + busy);
  }
}

// It is in flight no longer.
void Lookup::end_request(Candidate& candidate) {
  if (candidate.state != State::kAsked) return;
  --in_flight_;
  if (candidate.charged != kSelf) --candidates_[candidate.charged].in_flight;
}

template <class F>
void Lookup::for_nearest(F&& f, bool blocked_too) const {
  std::vector<std::uint64_t> subnets;
  subnets.reserve(config_.wanted);
  std::size_t seen = 0;
  for (const Place& place : order_) {
    const Candidate& candidate = candidates_[place.candidate];
    if (candidate.state == State::kFailed) continue;
    if (candidate.state == State::kUnasked && !blocked_too && !may_ask(candidate)) continue;
    if (!subnet_admits(subnets, candidate)) continue;
    if (!f(place.candidate)) return;
    if (candidate.state != State::kSlow && ++seen == config_.wanted) return;
  }
}

std::optional<std::uint16_t> Lookup::next_to_ask(Instant now) {
  if (in_flight_ >= config_.alpha) return std::nullopt;
  std::optional<std::uint16_t> next;
  const std::size_t of_one_teller = std::max<std::size_t>(config_.alpha - 1, 1);
  for_nearest([&](std::uint16_t index) {
    const Candidate& candidate = candidates_[index];
    if (candidate.state != State::kUnasked) return true;
    const bool waits = candidate.teller != kSelf && candidates_[payer(index)].in_flight >= of_one_teller;
    if (!waits) next = index;
    return !next;
  });
  if (!next) return std::nullopt;
  Candidate& candidate = candidates_[*next];
  charge(*next);
  candidate.state = State::kAsked;
  candidate.step = static_cast<std::uint16_t>(steps_.size());
  steps_.push_back(Step{*next, now - started_, {}, LookupReport::Outcome::kUnasked});
  ++in_flight_;
  return next;
}

void Lookup::on_answer(std::uint16_t index, std::span<const Contact> told, Instant now) {
  Candidate& candidate = candidates_[index];
  end_request(candidate);
  if (candidate.charged != kSelf) {
    Candidate& teller = candidates_[candidate.charged];
    teller.budget += candidate.charge;
    ++teller.answered;
    if (candidate.state == State::kSlow) --teller.unanswered;
    note_place(candidate, 0, -1);
  }
  candidate.state = State::kAnswered;
  candidate.budget = kAmplification * (kAnswerBytes + kToldBytes * static_cast<std::uint32_t>(told.size()));
  candidate.answered_after = now - started_;
  steps_[candidate.step].ended_after = now - started_;
  steps_[candidate.step].outcome = LookupReport::Outcome::kAnswered;
  for (const Contact& contact : told) add(contact, index);
}

void Lookup::on_slow(std::uint16_t index) {
  Candidate& candidate = candidates_[index];
  if (candidate.state != State::kAsked) return;
  end_request(candidate);
  if (candidate.charged != kSelf) ++candidates_[candidate.charged].unanswered;
  candidate.state = State::kSlow;
}

void Lookup::on_failed(std::uint16_t index, LookupReport::Outcome outcome, Instant now) {
  Candidate& candidate = candidates_[index];
  end_request(candidate);
  if (candidate.charged != kSelf) {
    if (candidate.state == State::kAsked) ++candidates_[candidate.charged].unanswered;
    note_place(candidate, 0, -1);
  }
  candidate.state = State::kFailed;
  steps_[candidate.step].ended_after = now - started_;
  steps_[candidate.step].outcome = outcome;
}

bool Lookup::done() const {
  bool all_answered = true;
  // An answer that is awaited may give a teller the budget for another of those that it told.
  const bool blocked_too = in_flight_ > 0;
  for_nearest(
      [&](std::uint16_t index) {
        all_answered = candidates_[index].state == State::kAnswered;
        return all_answered;
      },
      blocked_too);
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
