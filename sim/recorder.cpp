// The collecting half of the recorder: what it is told becomes compact rows.
#include "sim/recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <utility>

#include "node/base/check.h"
#include "sim/recorder_state.h"

namespace shoal::sim {

namespace {

std::uint32_t to_microseconds(Duration d) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(d).count();
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(us, 0, std::numeric_limits<std::uint32_t>::max()));
}

std::uint16_t messages_of(const LookupReport& report) {
  const auto answered = std::ranges::count_if(report.steps, [](const LookupReport::Step& step) {
    return step.outcome == LookupReport::Outcome::kAnswered ||
           step.outcome == LookupReport::Outcome::kRefused;
  });
  return static_cast<std::uint16_t>(std::min<std::uint64_t>(
      report.requests + static_cast<std::uint64_t>(answered), std::numeric_limits<std::uint16_t>::max()));
}

}  // namespace

const char* to_string(Departure departure) {
  switch (departure) {
    case Departure::kCrash:
      return "crash";
    case Departure::kClean:
      return "clean";
    case Departure::kKilled:
      return "killed";
  }
  return "unknown";
}

const char* to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::kSuccess:
      return "success";
    case Outcome::kFailure:
      return "failure";
    case Outcome::kAbandoned:
      return "abandoned";
    case Outcome::kUnjudged:
      return "unjudged";
    case Outcome::kUnfinished:
      return "unfinished";
  }
  return "unknown";
}

Recorder::Recorder(RunInfo info, Oracle& oracle) : impl_(std::make_unique<Impl>(std::move(info), oracle)) {}
Recorder::~Recorder() = default;

void Recorder::set_witness(const Witness* witness) {
  impl_->witness = witness;
  impl_->oracle.set_witness(witness);
}

void Recorder::host_harmed(HostIndex host) {
  impl_->oracle.distrust(host);
}

bool Recorder::Results::all_met() const {
  return std::ranges::all_of(verdicts, &Verdict::met);
}

// --- population

void Recorder::Impl::advance(Instant when) {
  check(when >= advanced_to, "the recorder is told of things in the order of time");
  node_seconds += static_cast<double>(online) * to_seconds(when - advanced_to);
  advanced_to = when;
}

void Recorder::host_placed(HostIndex host, const Endpoint& endpoint, std::uint32_t region, NatKind nat) {
  if (host >= kHostsKeptMax) return;
  if (host >= impl_->places.size()) impl_->places.resize(std::size_t{host} + 1);
  impl_->places[host] = {endpoint, region, nat};
}

void Recorder::host_online(HostIndex host, const Id& id, bool client, Instant when) {
  Impl& run = *impl_;
  run.advance(when);
  run.oracle.host_online(host, id, client, when);
  ++run.online;
  if (host >= run.incarnations.size()) {
    run.incarnations.resize(std::size_t{host} + 1);
    run.session_of_host.resize(std::size_t{host} + 1, kSessionsMax);
  }
  ++run.incarnations[host];
  run.session_of_host[host] = run.sessions.size();
  if (run.sessions.size() < kSessionsMax) {
    Session session;
    session.host = host;
    session.id = id;
    session.client = client;
    session.begin = when;
    run.sessions.push_back(session);
  }
}

void Recorder::host_offline(HostIndex host, Departure why, const NodeCounters& last, Instant when) {
  Impl& run = *impl_;
  run.advance(when);
  run.oracle.host_offline(host, when);
  if (why != Departure::kClean) run.groups.crashed(host, when);
  run.folders.gone(host);
  --run.online;
  ++run.incarnations[host];
  run.retired = sum(run.retired, last);
  if (host < kCountersKeptMax) {
    if (host >= run.counters_of_host.size()) run.counters_of_host.resize(std::size_t{host} + 1);
    run.counters_of_host[host] = sum(run.counters_of_host[host], last);
    if (host < run.running_counters.size()) run.running_counters[host] = {};
  }
  if (why != Departure::kKilled && run.after_warm_up(when)) ++run.departures;
  if (const std::size_t session = run.session_of_host[host]; session < run.sessions.size()) {
    run.sessions[session].end = when;
    run.sessions[session].left_by = why;
  }
}

// --- operations of all kinds

std::map<std::uint64_t, OpenOperation>& Recorder::Impl::open_of(OperationKind kind) {
  switch (kind) {
    case OperationKind::kLookup:
      return open_lookups;
    case OperationKind::kPut:
      return open_puts;
    case OperationKind::kGet:
      break;
  }
  return open_gets;
}

void Recorder::commanded(OperationId operation, Guid command) {
  auto& open = impl_->open_of(operation.kind);
  if (const auto found = open.find(operation.value); found != open.end()) found->second.command = command;
}

std::optional<OpenOperation> Recorder::Impl::close(OperationId operation, Instant when) {
  auto node = open_of(operation.kind).extract(operation.value);
  if (node.empty()) return std::nullopt;
  const bool judged = operation.value <= durations_judged[static_cast<std::size_t>(operation.kind)];
  if (!judged) oracle.check_duration(command_of(node.mapped()), when);
  return std::move(node.mapped());
}

// Each once: as soon as it has taken too long.
void Recorder::Impl::judge_open_durations(Instant when) {
  for (const OperationKind kind : {OperationKind::kLookup, OperationKind::kPut, OperationKind::kGet}) {
    std::uint64_t& judged = durations_judged[static_cast<std::size_t>(kind)];
    const auto& open = open_of(kind);
    for (auto it = open.upper_bound(judged); it != open.end(); ++it) {
      if (it->second.started + oracle.answer_max() > when) break;
      judged = it->first;
      if (it->second.incarnation == incarnation(it->second.origin)) {
        oracle.check_duration(command_of(it->second), when);
      }
    }
  }
}

// --- lookups

OperationId Recorder::lookup_started(HostIndex origin, const Id& target, Instant when) {
  const OperationId id{++impl_->lookups_started, OperationKind::kLookup};
  OpenOperation open = impl_->open(id, origin, when);
  open.target = target;
  impl_->open_lookups.emplace(id.value, std::move(open));
  return id;
}

void Recorder::lookup_ended(OperationId lookup, const LookupReport& report, Instant when) {
  const auto open = impl_->close(lookup, when);
  if (open) impl_->record_lookup(*open, &report, ErrorCode::kNone, when);
}

void Recorder::lookup_failed(OperationId lookup, ErrorCode why, Instant when) {
  const auto open = impl_->close(lookup, when);
  if (open) impl_->record_lookup(*open, nullptr, why, when);
}

void Recorder::Impl::record_lookup(const OpenOperation& open, const LookupReport* report, ErrorCode error,
                                   Instant when) {
  LookupReport nothing;
  nothing.target = open.target;
  const Oracle::Judgement judgement =
      oracle.judge_lookup(command_of(open), report != nullptr ? *report : nothing, when);

  LookupStory story;
  story.number = open.id.value;
  story.origin = open.origin;
  story.target = open.target;
  story.error = error;
  story.ended = report != nullptr;
  story.row.started = open.started;
  story.row.duration_us = to_microseconds(when - open.started);
  if (report != nullptr) story.row.messages = messages_of(*report);
  if (judgement.truth.empty()) {
    story.outcome = Outcome::kUnjudged;
    keep(std::move(story), report);
    return;
  }
  story.truth = judgement.truth.front().host;
  story.row.exact = judgement.exact;
  story.row.success = judgement.found != nullptr;
  story.outcome = story.row.success ? Outcome::kSuccess : Outcome::kFailure;
  if (judgement.found != nullptr) {
    story.row.latency_us = to_microseconds(judgement.found->answered_after);
    story.row.hops = judgement.found->hops;
  }
  lookups.push_back(story.row);
  note_crossing(open.origin, *story.truth, open.started, story.row.success);
  ++progress_all.lookups;
  progress_all.lookups_succeeded += story.row.success ? 1 : 0;
  if (after_warm_up(open.started)) {
    ++progress_counted.lookups;
    progress_counted.lookups_succeeded += story.row.success ? 1 : 0;
  }
  keep(std::move(story), report, judgement.truth);
}

// Who was closest, since when, and who knew.
void Recorder::Impl::add_truth(LookupStory& story, std::span<const Oracle::TrueHost> truth) const {
  for (const Oracle::TrueHost& host : truth.first(std::min(truth.size(), kTruthTold))) {
    story.closest.push_back({host.host, oracle.online_since(host.host).value_or(Instant{})});
  }
  if (truth.empty()) return;
  story.standing = oracle.standing(truth.front().host);
  if (witness == nullptr) return;
  const auto knew = [&](std::optional<HostIndex> host) -> std::optional<bool> {
    if (!host || !oracle.online_since(*host)) return std::nullopt;
    return witness->knows(*host, truth.front().id);
  };
  story.origin_knew = knew(story.origin);
  for (LookupStory::Step& step : story.steps) step.knew_truth = knew(step.asked);
}

void Recorder::Impl::keep(LookupStory story, const LookupReport* report,
                          std::span<const Oracle::TrueHost> truth) {
  BoundedSample<LookupStory>& sample = story.outcome == Outcome::kFailure ? failed_lookups : other_lookups;
  if (!sample.wants_next()) return sample.skip();
  if (report != nullptr) {
    story.steps.reserve(report->steps.size());
    for (const LookupReport::Step& step : report->steps) {
      story.steps.push_back({.asked = oracle.host_of(step.asked.key),
                             .asked_life = oracle.life_of(step.asked.key),
                             .told_by = oracle.host_of(step.told_by),
                             .outcome = step.outcome,
                             .hops = step.hops,
                             .sent_us = to_microseconds(step.sent_after),
                             .ended_us = to_microseconds(step.ended_after),
                             .knew_truth = {}});
    }
  }
  add_truth(story, truth);
  sample.add(std::move(story));
}

void Recorder::Impl::note_crossing(HostIndex origin, HostIndex truth, Instant started, bool success) {
  if (heals.empty() || heals.back().over || started < heals.back().when) return;
  Heal& heal = heals.back();
  const auto group_of = [&heal](HostIndex host) {
    return host < heal.group_of_host.size() ? heal.group_of_host[host] : std::uint8_t{0};
  };
  const bool counts = heal.group_of_host.empty() || group_of(origin) != group_of(truth);
  if (counts) heal.crossings.push_back({started, success});
}

// --- items

OperationId Recorder::put_started(HostIndex origin, const ItemName& name, ByteView value, Instant when) {
  const OperationId id{++impl_->puts_started, OperationKind::kPut};
  OpenOperation open = impl_->open(id, origin, when);
  open.name = name;
  open.put_value = impl_->oracle.value_put(name, value);
  if (open.put_value.item == impl_->first_put_of_item.size()) impl_->first_put_of_item.push_back(id.value);
  open.put_bytes = static_cast<std::uint32_t>(value.size());
  PutRow row;
  row.number = id.value;
  row.origin = origin;
  row.name = name;
  row.bytes = open.put_bytes;
  row.started = when;
  impl_->puts.push_back(std::move(row));
  impl_->open_puts.emplace(id.value, std::move(open));
  return id;
}

void Recorder::put_ended(OperationId put, const StoreResult& result, WallTime expires, Instant when) {
  const auto open = impl_->close(put, when);
  if (!open) return;
  PutRow& row = impl_->puts[put.value - 1];
  row.duration = when - open->started;
  row.holders = static_cast<std::uint32_t>(result.stored_count());
  row.sequence = result.sequence;
  row.outcome = row.holders > 0 ? Outcome::kSuccess : Outcome::kFailure;
  impl_->oracle.check_holders(Impl::command_of(*open), open->name, result, when);
  if (row.holders > 0) {
    impl_->oracle.value_acknowledged(open->put_value, result.sequence, expires);
  } else if (!result.holders.empty()) {
    row.error = result.holders.front().refusal;
  }
}

void Recorder::put_failed(OperationId put, ErrorCode why, Instant when) {
  const auto open = impl_->close(put, when);
  if (!open) return;
  PutRow& row = impl_->puts[put.value - 1];
  row.duration = when - open->started;
  row.outcome = Outcome::kFailure;
  row.error = why;
}

OperationId Recorder::get_started(HostIndex origin, const ItemName& name, Instant when) {
  const OperationId id{++impl_->gets_started, OperationKind::kGet};
  OpenOperation open = impl_->open(id, origin, when);
  open.name = name;
  open.get_counts = impl_->oracle.is_acknowledged(name, impl_->wall_time(when));
  open.get_sequence_min = impl_->oracle.acknowledged_sequence(name).value_or(0);
  impl_->open_gets.emplace(id.value, std::move(open));
  return id;
}

void Recorder::get_ended(OperationId get, ByteView value, std::uint64_t sequence, Instant when) {
  const auto open = impl_->close(get, when);
  if (!open) return;
  GetStory story;
  story.sequence = sequence;
  const bool genuine = impl_->oracle.value_got(Impl::command_of(*open), open->name, sequence, value,
                                               impl_->wall_time(open->started), when);
  story.outcome = genuine ? Outcome::kSuccess : Outcome::kFailure;
  story.row.stale = sequence < open->get_sequence_min;
  impl_->record_get(*open, std::move(story), when);
}

void Recorder::get_failed(OperationId get, ErrorCode why, Instant when) {
  const auto open = impl_->close(get, when);
  if (!open) return;
  GetStory story;
  story.outcome = Outcome::kFailure;
  story.error = why;
  impl_->record_get(*open, std::move(story), when);
}

void Recorder::Impl::record_get(const OpenOperation& open, GetStory story, Instant when) {
  story.number = open.id.value;
  story.origin = open.origin;
  story.name = open.name;
  story.row.started = open.started;
  story.row.latency_us = to_microseconds(when - open.started);
  story.row.success = story.outcome == Outcome::kSuccess;
  story.row.publish = open.name.kind == ItemKind::kPublish;
  // An item that expired meanwhile may be gone or not: either is right.
  story.counts = open.get_counts && oracle.is_acknowledged(open.name, wall_time(when));
  if (story.counts) {
    gets.push_back(story.row);
    ++progress_all.gets;
    progress_all.gets_succeeded += story.row.success ? 1 : 0;
    if (after_warm_up(open.started)) {
      ++progress_counted.gets;
      progress_counted.gets_succeeded += story.row.success ? 1 : 0;
    }
  }
  BoundedSample<GetStory>& sample = story.outcome == Outcome::kFailure ? failed_gets : other_gets;
  sample.add(std::move(story));
}

void Recorder::begin_census(Instant when, WallTime wall_time) {
  impl_->census_when = when;
  impl_->oracle.begin_census(when, wall_time);
}

void Recorder::count_store(HostIndex host, const ItemTotals& totals) {
  impl_->oracle.count_store(host, totals);
}

void Recorder::count_holder(HostIndex host, const ItemHeader& held) {
  impl_->oracle.count_holder(host, held);
}

void Recorder::end_census() {
  impl_->oracle.end_census();
  impl_->keep_census(impl_->census_when);
}

// What has changed since the census before.
void Recorder::Impl::keep_census(Instant when) {
  const std::vector<Oracle::ItemCensus>& census = oracle.census();
  const std::size_t followed = std::min(census.size(), kItemsFollowedMax);
  const std::size_t known = last_census.size();
  last_census.resize(followed);
  for (std::uint32_t item = 0; item < followed; ++item) {
    const auto same = [](const Oracle::ItemCensus& a, const Oracle::ItemCensus& b) {
      return a.online == b.online && a.returning == b.returning && a.expected == b.expected;
    };
    for (const HostIndex host : census[item].held_until) {
      if (last_holders.size() < kLastHoldersMax) last_holders.push_back({item, when, host});
    }
    if (item < known && same(last_census[item], census[item])) continue;
    last_census[item] = census[item];
    last_census[item].held_until.clear();
    if (census_points.size() < kCensusPointsMax) census_points.push_back({item, when, last_census[item]});
  }
}

// --- results

Recorder::Progress Recorder::progress() const {
  const bool warm = impl_->after_warm_up(impl_->advanced_to);
  Progress progress = warm ? impl_->progress_counted : impl_->progress_all;
  progress.online = impl_->online;
  return progress;
}

void Recorder::close(Instant when) {
  if (std::exchange(impl_->closed, true)) return;
  impl_->advance(when);
  impl_->close_open_operations(when);
}

const Recorder::Results& Recorder::finish(Instant when, const RunEnd& end) {
  check(!impl_->results, "a recording is finished once");
  close(when);
  impl_->summarize(when, end);
  return *impl_->results;
}

const Recorder::Results& Recorder::results() const {
  check(impl_->results.has_value(), "a recording has results after it is finished");
  return *impl_->results;
}

Result<void> Recorder::write(const std::filesystem::path& directory, const TraceRecord* trace) const {
  check(impl_->results.has_value(), "a recording is written after it is finished");
  const std::filesystem::path path = directory / "summary.json";
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << to_json(impl_->results->summary);
  file.close();
  if (!file) return fail(ErrorCode::kIo, fmt::format("{}: cannot be written", path.string()));
  return write_run_database(*impl_, trace, directory / "run.sqlite");
}

}  // namespace shoal::sim
