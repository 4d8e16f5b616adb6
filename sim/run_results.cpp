// The reckoning half of the recorder: from rows to the metrics of summary.json, by the definitions in
// metrics.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "sim/recorder_state.h"

namespace shoal::sim {

namespace {

constexpr Duration kRecoveryWindow = 10s;
constexpr double kRecoveryShare = 0.99;
// Bins of times grow by 2 %, so that a curve drawn from them is as exact as it can be seen.
constexpr double kTimeBinGrowth = 1.02;
constexpr double kTimeBinFirst = 0.1;  // ms

double ratio(std::uint64_t part, std::uint64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

double mean(std::span<const double> values) {
  double total = 0;
  for (const double value : values) total += value;
  return total / static_cast<double>(values.size());
}

// Sorts `values` and adds NAME.mean and its percentiles; nothing when there are none.
void add_distribution(Summary& summary, const std::string& name, std::vector<double>& values,
                      bool with_mean) {
  if (values.empty()) return;
  std::ranges::sort(values);
  if (with_mean) summary[name + ".mean"] = mean(values);
  summary[name + ".p50"] = percentile(values, 50);
  summary[name + ".p90"] = percentile(values, 90);
  summary[name + ".p99"] = percentile(values, 99);
}

std::vector<HistogramBin> time_histogram(std::span<const double> values_ms) {
  std::map<int, std::uint64_t> counts;
  for (const double value : values_ms) {
    const double exponent =
        std::log(std::max(value, kTimeBinFirst) / kTimeBinFirst) / std::log(kTimeBinGrowth);
    ++counts[static_cast<int>(std::floor(exponent))];
  }
  std::vector<HistogramBin> bins;
  bins.reserve(counts.size());
  for (const auto& [i, count] : counts) {
    bins.push_back({.low = kTimeBinFirst * std::pow(kTimeBinGrowth, i),
                    .high = kTimeBinFirst * std::pow(kTimeBinGrowth, i + 1),
                    .count = count});
  }
  return bins;
}

std::vector<HistogramBin> count_histogram(const std::map<std::size_t, std::uint64_t>& counts) {
  std::vector<HistogramBin> bins;
  bins.reserve(counts.size());
  for (const auto& [value, count] : counts) {
    bins.push_back(
        {.low = static_cast<double>(value), .high = static_cast<double>(value) + 1, .count = count});
  }
  return bins;
}

// Starts and successes of operations, by the interval between samples in which they started.
class Intervals {
 public:
  explicit Intervals(const std::vector<Instant>& ends)
      : ends_(ends), started_(ends.size()), succeeded_(ends.size()) {}

  void add(Instant started, bool success) {
    const auto end = std::ranges::lower_bound(ends_, started);
    if (end == ends_.end()) return;
    const auto i = static_cast<std::size_t>(end - ends_.begin());
    ++started_[i];
    succeeded_[i] += success ? 1 : 0;
  }

  void write(Recorder::Impl& run, const std::string& name) const {
    for (std::size_t i = 1; i < ends_.size(); ++i) {
      const double seconds = to_seconds(ends_[i] - ends_[i - 1]);
      if (seconds <= 0) continue;
      run.add_point(name + ".started_per_s", ends_[i], static_cast<double>(started_[i]) / seconds);
      if (started_[i] > 0) {
        run.add_point(name + ".success_ratio", ends_[i], ratio(succeeded_[i], started_[i]));
      }
    }
  }

 private:
  const std::vector<Instant>& ends_;
  std::vector<std::uint64_t> started_;
  std::vector<std::uint64_t> succeeded_;
};

}  // namespace

// A window that fails ends the wait for all windows that begin before its last failure: so windows need only
// be tried from the heal itself and from just after each failure.
std::optional<Duration> recovery(const Heal& heal) {
  std::vector<Heal::Crossing> crossings = heal.crossings;
  std::ranges::stable_sort(crossings, {}, &Heal::Crossing::started);
  std::vector<std::size_t> failures_before = {0};
  for (const Heal::Crossing& crossing : crossings) {
    failures_before.push_back(failures_before.back() + (crossing.success ? 0 : 1));
  }
  const auto good = [&](Instant begin) {
    const auto at = [&](Instant when) {
      return static_cast<std::size_t>(
          std::ranges::lower_bound(crossings, when, {}, &Heal::Crossing::started) - crossings.begin());
    };
    const std::size_t first = at(begin);
    const std::size_t last = at(begin + kRecoveryWindow);
    const std::size_t failures = failures_before[last] - failures_before[first];
    return last > first && ratio(last - first - failures, last - first) >= kRecoveryShare;
  };
  if (good(heal.when)) return Duration{};
  // Nobody was asked for a while, of those just come back: then from the first lookup on.
  if (!crossings.empty() && crossings.front().started >= heal.when + kRecoveryWindow) {
    if (const Instant first = crossings.front().started; good(first)) return first - heal.when;
  }
  for (const Heal::Crossing& crossing : crossings) {
    if (const Instant after = crossing.started + 1ns; !crossing.success && good(after))
      return after - heal.when;
  }
  return std::nullopt;
}

// What is still open at the end was abandoned with its origin, or is too young to say, or has failed.
void Recorder::Impl::close_open_operations(Instant when) {
  const auto outcome_of = [&](const OpenOperation& open) {
    if (open.incarnation != incarnation(open.origin)) return Outcome::kAbandoned;
    return open.started + kNeverEndsAfter <= when ? Outcome::kFailure : Outcome::kUnfinished;
  };
  for (const auto& [number, open] : open_lookups) {
    const Outcome outcome = outcome_of(open);
    if (outcome == Outcome::kFailure) {
      record_lookup(open, nullptr, ErrorCode::kTimeout, when);
      continue;
    }
    LookupStory story;
    story.number = number;
    story.origin = open.origin;
    story.target = open.target;
    story.outcome = outcome;
    story.row.started = open.started;
    keep(std::move(story), nullptr);
  }
  for (const auto& [number, open] : open_puts) {
    PutRow& row = puts[number - 1];
    row.outcome = outcome_of(open);
    if (row.outcome == Outcome::kFailure) row.error = ErrorCode::kTimeout;
  }
  for (const auto& [number, open] : open_gets) {
    GetStory story;
    story.outcome = outcome_of(open);
    if (story.outcome == Outcome::kFailure) {
      story.error = ErrorCode::kTimeout;
      record_get(open, std::move(story), when);
      continue;
    }
    story.number = number;
    story.origin = open.origin;
    story.name = open.name;
    story.row.started = open.started;
    other_gets.add(std::move(story));
  }
  open_lookups.clear();
  open_puts.clear();
  open_gets.clear();
}

void Recorder::Impl::add_operation_series() {
  Intervals of_lookups(sample_times);
  for (const LookupRow& row : lookups) of_lookups.add(row.started, row.success);
  of_lookups.write(*this, "lookups");
  Intervals of_gets(sample_times);
  for (const GetRow& row : gets) of_gets.add(row.started, row.success);
  if (!gets.empty()) of_gets.write(*this, "gets");
}

void Recorder::Impl::summarize_lookups() {
  Summary& summary = results->summary;
  std::uint64_t count = 0, exact = 0, messages = 0;
  std::vector<double> latencies_ms, durations_ms, hops;
  std::map<std::size_t, std::uint64_t> lookups_of_hops;
  for (const LookupRow& row : lookups) {
    if (!after_warm_up(row.started)) continue;
    ++count;
    exact += row.exact ? 1 : 0;
    messages += row.messages;
    if (!row.success) continue;
    latencies_ms.push_back(row.latency_us / 1e3);
    durations_ms.push_back(row.duration_us / 1e3);
    hops.push_back(row.hops);
    ++lookups_of_hops[row.hops];
  }
  summary["lookup.count"] = count;
  if (count > 0) {
    summary["lookup.success_ratio"] = ratio(latencies_ms.size(), count);
    summary["lookup.exact_ratio"] = ratio(exact, count);
    summary["lookup.messages.mean"] = ratio(messages, count);
  }
  add_distribution(summary, "lookup.latency_ms", latencies_ms, true);
  add_distribution(summary, "lookup.duration_ms", durations_ms, true);
  add_distribution(summary, "lookup.hops", hops, true);
  histograms["lookup.latency_ms"] = time_histogram(latencies_ms);
  histograms["lookup.duration_ms"] = time_histogram(durations_ms);
  histograms["lookup.hops"] = count_histogram(lookups_of_hops);
}

void Recorder::Impl::summarize_items() {
  Summary& summary = results->summary;
  std::uint64_t put_count = 0, put_successes = 0;
  for (const PutRow& row : puts) {
    const bool ended = row.outcome == Outcome::kSuccess || row.outcome == Outcome::kFailure;
    if (!ended || !after_warm_up(row.started)) continue;
    ++put_count;
    put_successes += row.outcome == Outcome::kSuccess ? 1 : 0;
  }
  std::uint64_t get_count = 0, reads = 0, stale_reads = 0;
  std::vector<double> latencies_ms;
  for (const GetRow& row : gets) {
    if (!after_warm_up(row.started)) continue;
    ++get_count;
    if (!row.success) continue;
    latencies_ms.push_back(row.latency_us / 1e3);
    reads += row.publish ? 1 : 0;
    stale_reads += row.publish && row.stale ? 1 : 0;
  }
  summary["item.put_count"] = put_count;
  if (put_count > 0) summary["item.put_success_ratio"] = ratio(put_successes, put_count);
  summary["item.get_count"] = get_count;
  if (get_count > 0) summary["item.get_success_ratio"] = ratio(latencies_ms.size(), get_count);
  if (reads > 0) summary["publish.stale_read_ratio"] = ratio(stale_reads, reads);
  summary["item.lost_count"] = std::uint64_t{oracle.lost_count()};
  add_distribution(summary, "item.get_latency_ms", latencies_ms, false);
  histograms["item.get_latency_ms"] = time_histogram(latencies_ms);
}

void Recorder::Impl::summarize_groups() {
  Summary& summary = results->summary;
  const auto add_ratio = [&](const char* name, const GroupRecord::Ratio& of) {
    if (of.whole > 0) summary[name] = ratio(of.part, of.whole);
  };
  const auto add_times = [&](const char* name, std::vector<double> times) {
    add_distribution(summary, name, times, false);
  };
  add_ratio("group.session_ratio", groups.sessions());
  add_ratio("group.last_session_ratio", groups.last_sessions());
  add_ratio("group.met_ratio", groups.met());
  add_ratio("group.one_primary_ratio", groups.one_primary());
  if (groups.one_primary().whole > 0)
    summary["group.primaries.mean"] = ratio(groups.primaries(), groups.one_primary().whole);
  if (groups.broadcasts() > 0) summary["group.broadcast_count"] = groups.broadcasts();
  add_ratio("group.event_delivery_ratio", groups.deliveries());
  add_times("group.meeting_s", groups.meeting_s());
  add_times("group.gap_s", groups.gap_s());
  add_times("group.join_s", groups.join_s());
  add_times("group.takeover_s", groups.takeover_s());
  add_times("group.event_latency_ms", groups.latency_ms());
}

void Recorder::Impl::summarize_folders() {
  if (folders.writes() == 0) return;
  Summary& summary = results->summary;
  if (folders.converged().whole > 0)
    summary["folder.converged_ratio"] = ratio(folders.converged().part, folders.converged().whole);
  std::vector<double> spread_ms = folders.spread_ms();
  add_distribution(summary, "folder.spread_ms", spread_ms, false);
  summary["folder.bytes_per_written_byte"] =
      ratio(last_account.counters.session_bytes_sent, folders.bytes_written());
  summary["folder.conflicts"] = folders.conflicts();
  summary["folder.lost_count"] = oracle.violations(Rule::kFolderContentLost);
  summary["folder.scans"] = folders.scans();
  summary["folder.writes"] = folders.writes();
}

void Recorder::Impl::summarize_traffic() {
  Summary& summary = results->summary;
  if (tables > 0) summary["table.contacts.mean"] = ratio(contacts, tables);
  if (contacts > 0) summary["table.live_contact_ratio"] = ratio(live_contacts, contacts);
  if (contacts > 0) summary["table.client_ratio"] = ratio(client_contacts, contacts);
  if (hosts_settled > 0) summary["population.mistaken_ratio"] = ratio(hosts_mistaken, hosts_settled);
  histograms["table.contacts"] = count_histogram(tables_of_size);
  summary["churn.departures"] = departures;
  summary["store.commits_failed"] = last_account.counters.commits_failed;
  summary["store.items_damaged"] = last_account.counters.items_damaged;
  if (!first_account || last_account.when <= first_account->when) return;

  const NodeCounters sent = difference(last_account.counters, first_account->counters);
  const double spent = last_account.node_seconds - first_account->node_seconds;
  summary["population.online.mean"] = spent / to_seconds(last_account.when - first_account->when);
  if (spent <= 0) return;
  const auto per_node_per_s = [spent](std::uint64_t count) { return static_cast<double>(count) / spent; };
  const auto upkeep = [](const std::array<std::uint64_t, kPurposes>& of) {
    return of[static_cast<std::size_t>(Purpose::kMaintenance)] +
           of[static_cast<std::size_t>(Purpose::kBootstrap)];
  };
  summary["traffic.bytes_per_node_per_s"] = per_node_per_s(sent.bytes_sent + sent.session_bytes_sent);
  summary["traffic.messages_per_node_per_s"] = per_node_per_s(sent.datagrams_sent);
  summary["maintenance.bytes_per_node_per_s"] = per_node_per_s(upkeep(sent.purpose_bytes));
  summary["maintenance.messages_per_node_per_s"] = per_node_per_s(upkeep(sent.purpose_messages));
}

// What the run cost the machine that it ran on.
void Recorder::Impl::summarize_machine(const RunEnd& end) {
  Summary& summary = results->summary;
  summary["sim.wall_s"] = end.wall_s;
  summary["sim.cpu_s"] = end.cpu_s;
  summary["sim.events"] = end.events;
  summary["sim.datagrams_sent"] = end.datagrams_sent;
  if (end.wall_s > 0) summary["sim.events_per_s"] = static_cast<double>(end.events) / end.wall_s;
  summary["sim.rss_bytes"] = end.rss_bytes;
  if (info.population == 0) return;
  summary["sim.rss_bytes_per_node"] = ratio(end.rss_bytes, info.population);
  if (!end.memory) return;
  std::uint64_t known = 0;
  const auto add = [&](std::string_view holder, std::uint64_t bytes) {
    known += bytes;
    summary[fmt::format("sim.memory.{}_bytes_per_node", holder)] = ratio(bytes, info.population);
  };
  add("node", end.memory->nodes);
  add("tables", end.memory->tables);
  add("contacts", end.memory->contacts);
  add("stores", end.memory->stores);
  add("population", end.memory->population);
  add("network", end.memory->network);
  add("recorder", end.memory->recorder);
  add("rest", end.rss_bytes - std::min(end.rss_bytes, known));
}

void Recorder::Impl::summarize(Instant when, const RunEnd& end) {
  results.emplace();
  Summary& summary = results->summary;
  add_operation_series();
  summarize_lookups();
  summarize_items();
  summarize_groups();
  summarize_folders();
  summarize_traffic();

  std::optional<Duration> slowest = Duration{};
  for (const Heal& heal : heals) {
    if (heal.over && heal.crossings.empty()) continue;  // the next came before anybody asked
    const std::optional<Duration> took = recovery(heal);
    slowest = took && slowest ? std::optional(std::max(*took, *slowest)) : std::nullopt;
  }
  if (!heals.empty()) {
    summary["heal.recovery_s"] = slowest ? MetricValue(to_seconds(*slowest)) : MetricValue("never");
  }
  summary["oracle.checks"] = oracle.checks();
  summary["oracle.violations"] = oracle.violations();
  summary["sim.duration_s"] = to_seconds(when - Instant{});
  summarize_machine(end);
  summary["cpu.datagrams_dropped"] = end.datagrams_buffer_dropped;
  if (end.router_packets_dropped) summary["router.packets_dropped"] = *end.router_packets_dropped;
  if (end.interrupted) summary["run.interrupted"] = std::uint64_t{1};
  summary["run.seed"] = info.seed;
  summary["run.trace_hash"] = fmt::format("{:016x}", end.trace_hash);
  summary["run.commit"] = info.commit;
  summary["run.scenario"] = info.scenario;
  // Counts the others, so it is put in last; an expectation about it would be about itself.
  std::uint64_t failed = 0;
  for (const Expectation& expectation : info.expectations) {
    results->verdicts.push_back(evaluate(expectation, summary));
    failed += results->verdicts.back().met ? 0 : 1;
  }
  summary["run.expectations_failed"] = failed;
}

}  // namespace shoal::sim
