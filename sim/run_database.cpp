// run.sqlite: one transaction into a new file, which then takes the place of the old one.
#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "sim/examples.h"
#include "sim/host_name.h"
#include "sim/recorder_state.h"
#include "sim/run_schema.h"

namespace shoal::sim {

namespace {

double seconds_of(Instant when) {
  return to_seconds(when - Instant{});
}

const char* to_string(ItemKind kind) {
  switch (kind) {
    case ItemKind::kHash:
      return "hash";
    case ItemKind::kPublish:
      return "publish";
    case ItemKind::kConnection:
      return "connection";
  }
  return "unknown";
}

// NULL, in a row.
struct Null {};

// A prepared INSERT of as many values as are given: `row(1, "text", Null{})`.
class Insert {
 public:
  Insert(SQLite::Database& database, const std::string& table, int columns, const char* verb = "INSERT")
      : statement_(database, fmt::format("{} INTO {} VALUES ({})", verb, table, placeholders(columns))) {}

  template <class... Values>
  void row(const Values&... values) {
    int column = 0;
    (bind(++column, values), ...);
    statement_.exec();
    statement_.reset();
  }

 private:
  static std::string placeholders(int columns) {
    std::string text = "?";
    for (int i = 1; i < columns; ++i) text += ",?";
    return text;
  }
  void bind(int column, Null) { statement_.bind(column); }
  void bind(int column, double value) { statement_.bind(column, value); }
  void bind(int column, bool value) { statement_.bind(column, value ? 1 : 0); }
  void bind(int column, std::uint32_t value) { statement_.bind(column, static_cast<std::int64_t>(value)); }
  void bind(int column, std::uint64_t value) { statement_.bind(column, static_cast<std::int64_t>(value)); }
  void bind(int column, const std::string& value) { statement_.bind(column, value); }
  void bind(int column, const char* value) { statement_.bind(column, value); }
  void bind(int column, ByteView value) {
    // SQLite takes a null pointer for NULL.
    const void* const data = value.empty() ? static_cast<const void*>("") : value.data();
    statement_.bind(column, data, static_cast<int>(value.size()));
  }
  void bind(int column, ErrorCode error) {
    error == ErrorCode::kNone ? bind(column, Null{}) : bind(column, shoal::to_string(error));
  }
  template <class T>
  void bind(int column, const std::optional<T>& value) {
    value ? bind(column, *value) : bind(column, Null{});
  }
  void bind(int column, const MetricValue& value) {
    std::visit([this, column](const auto& v) { bind(column, v); }, value);
  }

  SQLite::Statement statement_;
};

void write_run(SQLite::Database& database, const Recorder::Impl& run) {
  Insert row(database, "run", 2);
  for (const auto& [name, value] : run.results->summary) row.row(name, value);
  row.row("scenario", run.info.scenario);
  row.row("description", run.info.description);
  row.row("source", run.info.source);
  row.row("figure", run.info.figure);
  row.row("scenario_text", run.info.scenario_text);
  row.row("warm_up_s", to_seconds(run.info.warm_up));
  row.row("population.size", std::uint64_t{run.info.population});
  row.row("schema_version", std::uint64_t{kRunSchemaVersion});
  row.row("lookups_started", run.lookups_started);
  const auto kept = run.failed_lookups.values().size() + run.other_lookups.values().size();
  row.row("lookups_kept_share", run.lookups_started == 0
                                    ? 1.0
                                    : static_cast<double>(kept) / static_cast<double>(run.lookups_started));
}

void write_series(SQLite::Database& database, const Recorder::Impl& run) {
  // Several samples at one instant: the last one counts.
  SQLite::Statement statement(database, "INSERT OR REPLACE INTO series VALUES (?,?,?)");
  for (const SeriesPoint& point : run.series) {
    statement.bind(1, seconds_of(point.when));
    statement.bind(2, run.series_names[point.metric]);
    statement.bind(3, point.value);
    statement.exec();
    statement.reset();
  }
}

struct LookupTables {
  explicit LookupTables(SQLite::Database& database)
      : lookups(database, "lookups", 16),
        truth(database, "lookup_truth", 4),
        steps(database, "lookup_steps", 10) {}
  Insert lookups, truth, steps;
};

void write_lookup(LookupTables& tables, const Recorder::Impl& run, const LookupStory& story) {
  const bool success = story.outcome == Outcome::kSuccess;
  const bool judged = success || story.outcome == Outcome::kFailure;
  const auto if_known = [](bool known, auto value) { return known ? std::optional(value) : std::nullopt; };
  tables.lookups.row(story.number, seconds_of(story.row.started), story.origin, story.target.hex(),
                     to_string(story.outcome), judged && run.after_warm_up(story.row.started),
                     story.row.exact, story.truth, if_known(success, story.row.latency_us / 1e3),
                     if_known(story.ended, story.row.duration_us / 1e3),
                     if_known(success, std::uint32_t{story.row.hops}),
                     if_known(story.ended, std::uint32_t{story.row.messages}), story.error, story.origin_knew,
                     story.standing.tables, story.standing.of);
  std::uint32_t rank = 0;
  for (const LookupStory::TrueHost& host : story.closest) {
    tables.truth.row(story.number, ++rank, host.host, seconds_of(host.since));
  }
  std::uint32_t number = 0;
  for (const LookupStory::Step& step : story.steps) {
    const bool ended = step.outcome != LookupReport::Outcome::kUnasked;
    tables.steps.row(story.number, number++, step.asked, step.asked_life, step.told_by,
                     std::uint32_t{step.hops}, step.sent_us / 1e3, if_known(ended, step.ended_us / 1e3),
                     to_string(step.outcome), step.knew_truth);
  }
}

void write_lookups(SQLite::Database& database, const Recorder::Impl& run) {
  LookupTables tables(database);
  for (const LookupStory& story : run.failed_lookups.values()) write_lookup(tables, run, story);
  for (const LookupStory& story : run.other_lookups.values()) write_lookup(tables, run, story);
}

void write_items(SQLite::Database& database, const Recorder::Impl& run) {
  Insert items(database, "items", 12);
  for (const PutRow& row : run.puts) {
    const bool success = row.outcome == Outcome::kSuccess;
    items.row(row.number, to_string(row.name.kind), row.name.location.hex(), to_hex(row.name.salt), row.bytes,
              row.origin, seconds_of(row.started),
              row.duration ? std::optional(to_milliseconds(*row.duration)) : std::nullopt,
              to_string(row.outcome), row.holders, success ? std::optional(row.sequence) : std::nullopt,
              row.error);
  }
  Insert gets(database, "item_gets", 11);
  const auto write = [&gets, &run](const GetStory& story) {
    const bool success = story.outcome == Outcome::kSuccess;
    gets.row(story.number, story.name.location.hex(), to_string(story.name.kind), story.origin,
             seconds_of(story.row.started),
             success ? std::optional(story.row.latency_us / 1e3) : std::nullopt, to_string(story.outcome),
             story.counts && run.after_warm_up(story.row.started),
             success ? std::optional(story.sequence) : std::nullopt, success && story.row.stale, story.error);
  };
  for (const GetStory& story : run.failed_gets.values()) write(story);
  for (const GetStory& story : run.other_gets.values()) write(story);
}

void write_censuses(SQLite::Database& database, const Recorder::Impl& run) {
  // Several censuses at one instant: the last one counts.
  Insert census(database, "item_census", 5, "INSERT OR REPLACE");
  for (const CensusPoint& point : run.census_points) {
    census.row(run.first_put_of_item[point.item], seconds_of(point.when), point.census.online,
               point.census.returning, point.census.expected);
  }
  Insert last_holders(database, "item_last_holders", 3, "INSERT OR REPLACE");
  for (const LastHolder& last : run.last_holders) {
    last_holders.row(run.first_put_of_item[last.item], seconds_of(last.when), last.host);
  }
}

void write_sessions(SQLite::Database& database, const Recorder::Impl& run) {
  Insert sessions(database, "sessions", 8);
  struct Life {
    Id id;
    std::uint32_t number = 0;
  };
  std::map<HostIndex, Life> lives;
  for (const Session& session : run.sessions) {
    Life& life = lives[session.host];
    if (life.number == 0 || life.id != session.id) life = {session.id, life.number + 1};
    const auto left_by = session.end ? std::optional(std::string(to_string(session.left_by))) : std::nullopt;
    sessions.row(session.host, host_name(session.host, life.number), session.id.hex(), session.client,
                 seconds_of(session.begin),
                 session.end ? std::optional(seconds_of(*session.end)) : std::nullopt, left_by,
                 session.mistaken_samples);
  }
}

void write_hosts(SQLite::Database& database, const Recorder::Impl& run) {
  Insert hosts(database, "hosts", 4);
  for (std::uint32_t host = 0; host < run.places.size(); ++host) {
    const Place& place = run.places[host];
    hosts.row(host, place.endpoint.to_string(), place.region, std::string(to_string(place.nat)));
  }
  Insert counters(database, "host_counters", 3);
  for (std::uint32_t host = 0; host < run.running_counters.size(); ++host) {
    NodeCounters total = run.running_counters[host];
    if (host < run.counters_of_host.size()) total = sum(total, run.counters_of_host[host]);
    for (const auto& [name, count] : named_counters(total)) {
      if (count > 0) counters.row(host, name, count);
    }
  }
}

void write_faults(SQLite::Database& database, const Recorder::Impl& run) {
  Insert faults(database, "faults", 6);
  Insert hosts(database, "fault_hosts", 3, "INSERT OR REPLACE");
  std::uint64_t number = 0;
  for (const Fault& fault : run.faults) {
    ++number;
    std::optional<double> recovery_s;
    for (const Heal& heal : run.heals) {
      if (!is_watched(fault.kind) || heal.when != fault.end) continue;
      if (const std::optional<Duration> took = recovery(heal)) recovery_s = to_seconds(*took);
      const auto count = static_cast<HostIndex>(std::min(heal.group_of_host.size(), kHostsKeptMax));
      for (HostIndex host = 0; host < count; ++host) {
        hosts.row(number, host, std::uint32_t{heal.group_of_host[host]});
      }
    }
    faults.row(number, fault.kind, seconds_of(fault.begin), seconds_of(fault.end), fault.what, recovery_s);
  }
  for (const FaultHit& hit : run.fault_hits) {
    hosts.row(std::uint64_t{hit.fault + 1}, hit.host,
              hit.part ? std::optional(std::uint32_t{*hit.part}) : std::nullopt);
  }
}

void write_aggregates(SQLite::Database& database, const Recorder::Impl& run) {
  Insert histograms(database, "histograms", 4);
  for (const auto& [name, bins] : run.histograms) {
    for (const HistogramBin& bin : bins) histograms.row(name, bin.low, bin.high, bin.count);
  }
  NodeCounters sent;
  if (run.first_account) sent = difference(run.last_account.counters, run.first_account->counters);
  Insert traffic(database, "traffic", 5);
  for (std::size_t i = 0; i < sent.kinds.size(); ++i) {
    const NodeCounters::Kind& kind = sent.kinds[i];
    traffic.row(wire::to_string(static_cast<wire::RequestKind>(i)), kind.requests_sent, kind.responses_sent,
                kind.request_bytes_sent, kind.response_bytes_sent);
  }
  Insert purposes(database, "traffic_purposes", 2);
  for (std::size_t i = 0; i < sent.purpose_bytes.size(); ++i) {
    purposes.row(shoal::to_string(static_cast<Purpose>(i)), sent.purpose_bytes[i]);
  }
}

void write_verdicts(SQLite::Database& database, const Recorder::Impl& run) {
  Insert expectations(database, "expectations", 4);
  for (const Verdict& verdict : run.results->verdicts) {
    expectations.row(verdict.expectation.text, verdict.expectation.metric, verdict.value, verdict.met);
  }
}

void write_violations(SQLite::Database& database, const Oracle& oracle) {
  Insert rules(database, "oracle_rules", 4);
  for (std::size_t i = 0; i < kRules; ++i) {
    const auto rule = static_cast<Rule>(i);
    const RuleText& text = text_of(rule);
    rules.row(std::string(text.name), std::string(text.holds_when), oracle.checks(rule),
              oracle.violations(rule));
  }
  Insert violations(database, "violations", 9);
  std::uint64_t number = 0;
  for (const Violation& violation : oracle.kept_violations()) {
    const auto job = violation.job ? std::optional(shoal::to_string(*violation.job)) : std::nullopt;
    const bool of_operation{violation.operation};
    violations.row(
        ++number, std::string(to_string(violation.rule)), violation.host, seconds_of(violation.when), job,
        of_operation ? std::optional(to_string(violation.operation.kind)) : std::nullopt,
        of_operation ? std::optional(violation.operation.value) : std::nullopt,
        violation.guid ? std::optional(fmt::format("{:016x}", violation.guid.value())) : std::nullopt,
        violation.text);
  }
}

void write_replay(SQLite::Database& database, const RunInfo& info, const TraceRecord& trace) {
  Insert settings(database, "scenario_settings", 3);
  std::uint32_t number = 0;
  for (const Setting& setting : info.settings) settings.row(number++, setting.path, setting.value);
  Insert files(database, "scenario_files", 2);
  for (const ReferencedFile& file : info.files) files.row(file.name, view(file.content));
  const auto nanoseconds = [](Instant when) {
    return static_cast<std::uint64_t>(when.time_since_epoch().count());
  };
  Insert checkpoints(database, "trace_checkpoints", 3);
  for (const TraceCheckpoint& at : trace.checkpoints) {
    checkpoints.row(at.job, nanoseconds(at.when), fmt::format("{:016x}", at.hash));
  }
  Insert events(database, "trace_events", 4);
  for (const TraceChunk& chunk : trace.chunks) {
    events.row(chunk.first_job, chunk.jobs, nanoseconds(chunk.when), ByteView(chunk.events));
  }
}

}  // namespace

Result<void> write_run_database(const Recorder::Impl& run, const TraceRecord* trace,
                                const std::filesystem::path& path) {
  std::filesystem::path unfinished = path;
  unfinished += ".new";
  try {
    std::filesystem::remove(unfinished);
    {
      SQLite::Database database(unfinished.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
      // Nobody reads the file before it is whole, so nothing needs to survive a crash.
      database.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;");
      SQLite::Transaction transaction(database);
      database.exec(kRunSchema);
      write_run(database, run);
      write_series(database, run);
      write_lookups(database, run);
      write_items(database, run);
      write_censuses(database, run);
      write_sessions(database, run);
      write_hosts(database, run);
      write_faults(database, run);
      write_aggregates(database, run);
      write_verdicts(database, run);
      write_violations(database, run.oracle);
      if (trace != nullptr) write_replay(database, run.info, *trace);
      add_examples(database);
      transaction.commit();
    }
    std::filesystem::rename(unfinished, path);
  } catch (const std::exception& error) {
    return fail(ErrorCode::kIo, fmt::format("{}: cannot be written: {}", path.string(), error.what()));
  }
  return {};
}

}  // namespace shoal::sim
