// The table of all metrics, and the reading and judging of expectations.
#include "sim/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "node/base/check.h"

namespace shoal::sim {

namespace {

// "Counted" lookups, puts and gets are those that started after the warm-up and were not cut short by their
// origin's departure or the end of the run. Sorted by name.
constexpr MetricName kMetrics[] = {
    {"churn.departures", "hosts that churn took offline after the warm-up"},
    {"cpu.datagrams_dropped", "datagrams that found the socket buffer of a busy host full, in the whole run"},
    {"folder.bytes_per_written_byte",
     "bytes that all nodes sent in sessions, over those that people wrote in folders, in the whole run"},
    {"folder.conflicts",
     "conflict copies in a folder at the end, of the member that has most of them; the sum over folders"},
    {"folder.converged_ratio",
     "of looks at folders whose members had had the time to agree (oracle rule folder_diverged), after the "
     "warm-up: those at which they did"},
    {"folder.lost_count", "contents that a person wrote, nobody gave up, and nobody holds any longer"},
    {"folder.scans", "scans of folders, in the whole run"},
    {"folder.spread_ms.p50",
     "from a write to its content in the folder of each member that was online and could be met then, and "
     "stayed; without those overwritten or deleted meanwhile; to 100 ms"},
    {"folder.spread_ms.p90", "the same"},
    {"folder.spread_ms.p99", "the same"},
    {"folder.writes", "contents that people wrote in folders, in the whole run"},
    {"group.broadcast_count", "events that members of groups broadcast after the warm-up"},
    {"group.event_delivery_ratio",
     "of events broadcast after the warm-up, for each member that the origin could meet then and that "
     "stayed: "
     "those that it got within 10 s"},
    {"group.event_latency_ms.p50", "of these, from the command to the member"},
    {"group.event_latency_ms.p90", "of these, from the command to the member"},
    {"group.event_latency_ms.p99", "of these, from the command to the member"},
    {"group.gap_s.p50",
     "each time that, in a group that has met, not all members that can meet have sessions with each other: "
     "until they do, or those without can meet no longer; to a second"},
    {"group.gap_s.p90", "the same"},
    {"group.gap_s.p99", "the same"},
    {"group.join_s.p50",
     "members that come online after the warm-up, from when another could be met to the first session, to a "
     "second"},
    {"group.join_s.p90", "the same"},
    {"group.join_s.p99", "the same"},
    {"group.last_session_ratio", "as group.session_ratio, at the end of the run"},
    {"group.meeting_s.p50",
     "groups, from when all their members are online for the first time until all that can meet have "
     "sessions with each other, to a second"},
    {"group.meeting_s.p90", "the same"},
    {"group.meeting_s.p99", "the same"},
    {"group.met_ratio", "groups that have met, of those all of whose members were online at one time"},
    {"group.one_primary_ratio",
     "parts of groups (two and more members whom sessions join) of which exactly one member takes itself for "
     "the primary, each second after the warm-up"},
    {"group.primaries.mean", "members of such parts that take themselves for the primary"},
    {"group.session_ratio",
     "pairs of members online that can meet (no partition between them, not both behind NATs) and hold a "
     "session, each second after the warm-up"},
    {"group.takeover_s.p50",
     "from the crash of a group's only primary until another member takes itself for it, to a second; where "
     "two that can meet are left"},
    {"group.takeover_s.p90", "the same"},
    {"group.takeover_s.p99", "the same"},
    {"heal.recovery_s",
     "to the first 10 s in which 99 % of the lookups that start in them succeed: those across the former "
     "cut, "
     "from the heal of a partition; all, from a kill for good, from the end of one that hosts come back "
     "from, or from changes of addresses; the worst of several; \"never\" if there are none"},
    {"item.get_count", "counted gets, of items acknowledged before and not expired"},
    {"item.get_latency_ms.p50", "counted gets that succeeded, from the command to the value"},
    {"item.get_latency_ms.p90", "counted gets that succeeded, from the command to the value"},
    {"item.get_latency_ms.p99", "counted gets that succeeded, from the command to the value"},
    {"item.get_success_ratio", "counted gets that brought the value"},
    {"item.lost_count",
     "acknowledged, unexpired items that no online or returning host holds at the end of the run"},
    {"item.put_count", "counted puts"},
    {"item.put_success_ratio", "counted puts that at least one holder acknowledged"},
    {"lookup.count", "counted lookups"},
    {"lookup.duration_ms.mean", "successful lookups, to the end of the whole lookup"},
    {"lookup.duration_ms.p50", "successful lookups, to the end of the whole lookup"},
    {"lookup.duration_ms.p90", "successful lookups, to the end of the whole lookup"},
    {"lookup.duration_ms.p99", "successful lookups, to the end of the whole lookup"},
    {"lookup.exact_ratio", "counted lookups that found the true k closest"},
    {"lookup.hops.mean", "successful lookups, steps along the shortest chain to the true closest host"},
    {"lookup.hops.p50", "successful lookups, steps along the shortest chain to the true closest host"},
    {"lookup.hops.p90", "successful lookups, steps along the shortest chain to the true closest host"},
    {"lookup.hops.p99", "successful lookups, steps along the shortest chain to the true closest host"},
    {"lookup.latency_ms.mean", "successful lookups, until the true closest host's answer"},
    {"lookup.latency_ms.p50", "successful lookups, until the true closest host's answer"},
    {"lookup.latency_ms.p90", "successful lookups, until the true closest host's answer"},
    {"lookup.latency_ms.p99", "successful lookups, until the true closest host's answer"},
    {"lookup.messages.mean", "counted lookups: requests sent, repeats included, and answers received"},
    {"lookup.success_ratio", "counted lookups that returned the true closest host"},
    {"maintenance.bytes_per_node_per_s",
     "requests for upkeep of tables and for bootstrap, and their responses, after the warm-up, per online "
     "node"},
    {"maintenance.messages_per_node_per_s",
     "requests for upkeep of tables and for bootstrap, each time one is sent, and their responses, after the "
     "warm-up, per online node"},
    {"oracle.checks", "checks of the oracle's rules"},
    {"oracle.violations", "checks that failed"},
    {"population.mistaken_ratio",
     "online hosts, a minute after their start, that take themselves for a client and are none, or the "
     "reverse; over samples after the warm-up"},
    {"population.online.mean", "hosts online, over the time after the warm-up"},
    {"publish.stale_read_ratio",
     "counted gets of publish items that brought an older sequence number than one acknowledged before they "
     "started"},
    {"router.packets_dropped",
     "packets, of datagrams and of streams, that found the queue of a router's link full, in the whole run"},
    {"run.commit", "of the build", false},
    {"run.expectations_failed", "expectations that do not hold"},
    {"run.interrupted", "1 when the run was ended before its time: everything is partial"},
    {"run.scenario", "name of the scenario", false},
    {"run.seed", "seed of the run"},
    {"run.trace_hash", "hash over every job of every host: equal for equal scenario, seed and build", false},
    {"sim.cpu_s", "CPU time of the simulation, from its first host to its end"},
    {"sim.datagrams_sent", "datagrams that the network took from hosts, in the whole run"},
    {"sim.duration_s", "simulated time"},
    {"sim.events", "events of the engine"},
    {"sim.events_per_s", "events per second of wall time"},
    {"sim.memory.contacts_bytes_per_node",
     "the contact book, which holds each key and endpoint once for all tables; this and what follows: at the "
     "end of the run, per host of the population"},
    {"sim.memory.network_bytes_per_node", "the network's hosts, pending events, datagrams and streams"},
    {"sim.memory.node_bytes_per_node", "nodes, without their tables"},
    {"sim.memory.population_bytes_per_node", "what keeps the hosts, their churn, workload and faults"},
    {"sim.memory.recorder_bytes_per_node", "recorder, oracle and trace"},
    {"sim.memory.rest_bytes_per_node",
     "peak memory that is none of these: what was held for a while, and what the allocator keeps"},
    {"sim.memory.stores_bytes_per_node", "items and known hosts on the hosts' disks"},
    {"sim.memory.tables_bytes_per_node", "routing tables"},
    {"sim.rss_bytes", "peak memory of the process"},
    {"sim.rss_bytes_per_node", "peak memory per host of the population"},
    {"sim.wall_s", "wall time"},
    {"store.commits_failed", "batches of items that a host's disk could not keep, in the whole run"},
    {"store.items_damaged", "values that nodes found damaged on their disks and dropped, in the whole run"},
    {"table.client_ratio",
     "contacts in routing tables that are clients (strangers cannot reach them), over samples after the "
     "warm-up"},
    {"table.contacts.mean", "contacts in a routing table, over samples after the warm-up"},
    {"table.live_contact_ratio",
     "contacts in routing tables that are online, over samples after the warm-up"},
    {"traffic.bytes_per_node_per_s",
     "sealed bytes sent, by datagram and by session, after the warm-up, per online node"},
    {"traffic.messages_per_node_per_s", "datagrams sent after the warm-up, per online node"},
};
static_assert(std::ranges::is_sorted(kMetrics, {}, &MetricName::name));

const MetricName* find_metric(std::string_view name) {
  const auto* found = std::ranges::lower_bound(kMetrics, name, {}, &MetricName::name);
  return found != std::end(kMetrics) && found->name == name ? found : nullptr;
}

// Levenshtein distance.
std::size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

std::string_view nearest_number(std::string_view name) {
  const MetricName* best = nullptr;
  std::size_t best_edits = 0;
  for (const MetricName& metric : kMetrics) {
    if (!metric.number) continue;
    const std::size_t edits = edits_between(name, metric.name);
    if (best == nullptr || edits < best_edits) {
      best = &metric;
      best_edits = edits;
    }
  }
  return best->name;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::optional<Comparison> comparison_of(std::string_view text) {
  if (text == ">=") return Comparison::kAtLeast;
  if (text == "<=") return Comparison::kAtMost;
  if (text == "==") return Comparison::kEqual;
  if (text == ">") return Comparison::kAbove;
  if (text == "<") return Comparison::kBelow;
  return std::nullopt;
}

bool holds(double value, Comparison comparison, double number) {
  switch (comparison) {
    case Comparison::kAtLeast:
      return value >= number;
    case Comparison::kAtMost:
      return value <= number;
    case Comparison::kEqual:
      return value == number;
    case Comparison::kAbove:
      return value > number;
    case Comparison::kBelow:
      return value < number;
  }
  return false;
}

std::optional<double> as_number(const MetricValue& value) {
  if (const double* number = std::get_if<double>(&value)) return *number;
  if (const std::uint64_t* count = std::get_if<std::uint64_t>(&value)) return static_cast<double>(*count);
  return std::nullopt;
}

}  // namespace

bool known_metric(std::string_view name) {
  const MetricName* metric = find_metric(name);
  return metric != nullptr && metric->number;
}

std::span<const MetricName> metric_names() {
  return kMetrics;
}

Result<Expectation> parse_expectation(std::string_view text) {
  const auto malformed = [text](std::string_view what) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}': {}; expected `metric op number`, op one of >= <= == > <", text, what));
  };
  const std::size_t op_begin = text.find_first_of("<>=!");
  if (op_begin == std::string_view::npos) return malformed("no comparison");
  const std::size_t after = text.find_first_not_of("<>=!", op_begin);
  const std::size_t op_end = after == std::string_view::npos ? text.size() : after;

  Expectation expectation{.text = std::string(text),
                          .metric = std::string(trimmed(text.substr(0, op_begin)))};
  const std::optional<Comparison> comparison = comparison_of(text.substr(op_begin, op_end - op_begin));
  if (!comparison)
    return malformed(fmt::format("unknown comparison '{}'", text.substr(op_begin, op_end - op_begin)));
  expectation.comparison = *comparison;

  const std::string_view number = trimmed(text.substr(op_end));
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), expectation.number);
  if (error != std::errc{} || end != number.data() + number.size() || !std::isfinite(expectation.number)) {
    return malformed(fmt::format("'{}' is no number", number));
  }
  if (!known_metric(expectation.metric)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}': unknown metric '{}'; the nearest known one is '{}'", text,
                            expectation.metric, nearest_number(expectation.metric)));
  }
  return expectation;
}

Verdict evaluate(const Expectation& expectation, const Summary& summary) {
  Verdict verdict{.expectation = expectation, .value = std::nullopt};
  if (const auto found = summary.find(expectation.metric); found != summary.end()) {
    verdict.value = as_number(found->second);
  }
  verdict.met = verdict.value && holds(*verdict.value, expectation.comparison, expectation.number);
  return verdict;
}

double percentile(std::span<const double> sorted, double p) {
  check(!sorted.empty() && p > 0 && p <= 100, "percentile of nothing, or outside (0, 100]");
  // The product is rounded before the ceiling: 99 / 100 * 100 must be rank 99, not 100.
  const double rank = std::ceil(p * static_cast<double>(sorted.size()) / 100);
  return sorted[static_cast<std::size_t>(rank) - 1];
}

std::string to_json(const Summary& summary) {
  nlohmann::json object = nlohmann::json::object();
  for (const auto& [name, value] : summary) {
    std::visit([&object, &name = name](const auto& v) { object[name] = v; }, value);
  }
  // Text that is not UTF-8 (a scenario's name may be anything) must not throw.
  return object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace shoal::sim
