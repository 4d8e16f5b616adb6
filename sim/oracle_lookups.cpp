// The oracle's judgement of lookups, and of how long commands take.
#include <algorithm>

#include "sim/oracle_state.h"

namespace shoal::sim {

void Oracle::Impl::check_answer(const Command& command, const LookupReport& report, Instant end) {
  const auto not_nearer = [&report](const LookupReport::Host& a, const LookupReport::Host& b) {
    return !closer(report.target, a.contact.key, b.contact.key);
  };
  const auto misplaced = std::ranges::adjacent_find(report.closest, not_nearer);
  if (fails(Rule::kAnswerOrder, misplaced == report.closest.end())) {
    violated(Rule::kAnswerOrder, command, end,
             fmt::format("a lookup of {} names {} before one that is not farther", report.target.short_hex(),
                         misplaced->contact.key.short_hex()));
  }
  for (const LookupReport::Host& host : report.closest) {
    const auto life = lives.find(host.contact.key);
    const bool was_there =
        life != lives.end() && life->second.since <= end && life->second.until >= command.started;
    if (fails(Rule::kPhantomAnswer, was_there)) {
      violated(Rule::kPhantomAnswer, command, end,
               fmt::format("a lookup of {} names {} at {} as having answered, which was not online",
                           report.target.short_hex(), host.contact.key.short_hex(),
                           host.contact.endpoint.to_string()));
    }
  }
}

void Oracle::Impl::check_steps(const Command& command, const LookupReport& report, Instant end) {
  const Id& self = host_at(command.host).id;
  const auto& steps = report.steps;
  for (auto step = steps.begin(); step != steps.end(); ++step) {
    const auto asked_before = std::any_of(
        steps.begin(), step, [&](const auto& other) { return other.asked.key == step->asked.key; });
    const auto had_answered = [&](const LookupReport::Step& other) {
      return other.asked.key == step->told_by && other.outcome == LookupReport::Outcome::kAnswered &&
             other.ended_after <= step->sent_after;
    };
    const bool told = step->told_by == self || std::ranges::any_of(steps, had_answered);
    if (fails(Rule::kLookupSteps, !asked_before && step->asked.key != self && told)) {
      violated(
          Rule::kLookupSteps, command, end,
          fmt::format("a lookup of {} asks {} {}", report.target.short_hex(), step->asked.key.short_hex(),
                      asked_before              ? "twice"
                      : step->asked.key == self ? "though that is its own host"
                                                : "though nobody who had answered named it"));
    }
  }
}

bool Oracle::Impl::is_exact(const std::vector<TrueHost>& truth, const Command& command,
                            const LookupReport& report) const {
  std::size_t matched = 0;
  std::size_t passed_over = 0;
  for (const LookupReport::Host& host : report.closest) {
    if (matched + passed_over == config.k) break;
    const auto member = members.find(host.contact.key);
    if (member == members.end() || !settled(member->second, command.host, command.started)) {
      ++passed_over;
    } else if (matched < truth.size() && truth[matched].id == host.contact.key) {
      ++matched;
    } else {
      return false;
    }
  }
  return matched + passed_over >= truth.size();
}

Oracle::Judgement Oracle::judge_lookup(const Command& command, const LookupReport& report, Instant end) {
  impl_->check_answer(command, report, end);
  impl_->check_steps(command, report, end);
  Judgement judgement;
  judgement.truth = closest(report.target, impl_->config.k, command.host, command.started);
  if (judgement.truth.empty()) return judgement;
  for (const LookupReport::Host& host : report.closest) {
    if (host.contact.key == judgement.truth.front().id) judgement.found = &host;
  }
  judgement.exact = impl_->is_exact(judgement.truth, command, report);
  return judgement;
}

Duration Oracle::answer_max() const {
  return impl_->config.answer_max;
}

void Oracle::check_duration(const Command& command, Instant now) {
  const Duration taken = now - command.started;
  if (impl_->fails(Rule::kUnanswered, taken < impl_->config.answer_max)) {
    impl_->violated(Rule::kUnanswered, command, now,
                    fmt::format("{} {} has had no result for {:.0f} s", to_string(command.operation.kind),
                                command.operation.value, to_seconds(taken)));
  }
}

}  // namespace shoal::sim
