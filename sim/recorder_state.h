// What the recorder has collected, shared by the files that collect it (recorder.cpp), reckon with it
// (run_results.cpp) and write it down (run_database.cpp).
#pragma once

#include <tsl/robin_map.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/bounded_sample.h"
#include "sim/folder_record.h"
#include "sim/group_record.h"
#include "sim/recorder.h"

namespace shoal::sim {

enum class Outcome : std::uint8_t { kSuccess, kFailure, kAbandoned, kUnjudged, kUnfinished };
const char* to_string(Outcome outcome);

// An operation that has not ended for so long when the run ends never would have: it failed.
inline constexpr Duration kNeverEndsAfter = 60s;

inline constexpr std::size_t kStoriesMax = 5'000;  // of failures, and of the others
inline constexpr std::size_t kGetsMax = 50'000;    // alike
inline constexpr std::size_t kSessionsMax = 200'000;
inline constexpr std::size_t kHostsKeptMax = 200'000;
inline constexpr std::size_t kCountersKeptMax = 1'000;    // hosts
inline constexpr std::size_t kFaultHitsMax = 200'000;     // pairs of fault and host
inline constexpr std::size_t kItemsFollowedMax = 5'000;   // items whose holders are kept
inline constexpr std::size_t kCensusPointsMax = 300'000;  // changes in the number of holders of one item
inline constexpr std::size_t kLastHoldersMax = 50'000;
inline constexpr std::size_t kTruthTold = 8;  // of the true closest hosts

struct OpenOperation {
  OperationId id;
  Guid command;
  HostIndex origin = 0;
  std::uint32_t incarnation = 0;  // of the origin
  Instant started{};
  Id target;      // of a lookup
  ItemName name;  // of a put or get
  Oracle::ValueId put_value{};
  std::uint32_t put_bytes = 0;
  bool get_counts = false;
  std::uint64_t get_sequence_min = 0;  // the highest acknowledged when it started
};

// Every lookup that ended and could be judged.
struct LookupRow {
  Instant started{};
  std::uint32_t latency_us = 0;
  std::uint32_t duration_us = 0;
  std::uint16_t messages = 0;
  std::uint8_t hops = 0;
  bool success = false;
  bool exact = false;
};

// A lookup as the database tells it.
struct LookupStory {
  struct Step {
    std::optional<HostIndex> asked;
    std::uint32_t asked_life = 0;  // as in host_name()
    std::optional<HostIndex> told_by;
    LookupReport::Outcome outcome = LookupReport::Outcome::kUnasked;
    std::uint8_t hops = 0;
    std::uint32_t sent_us = 0;
    std::uint32_t ended_us = 0;
    std::optional<bool> knew_truth;  // in its table, when the lookup ended; nothing: it was gone by then
  };
  struct TrueHost {
    HostIndex host = 0;
    Instant since{};
  };
  std::uint64_t number = 0;
  HostIndex origin = 0;
  Id target;
  Outcome outcome = Outcome::kUnfinished;
  ErrorCode error = ErrorCode::kNone;
  std::optional<HostIndex> truth;
  std::vector<TrueHost> closest;    // the first of the true closest, the truth among them
  Oracle::Standing standing;        // of the truth, in the sample before
  std::optional<bool> origin_knew;  // as Step::knew_truth
  bool ended = false;               // with a report: `row` holds its figures
  LookupRow row;
  std::vector<Step> steps;
};

struct PutRow {
  std::uint64_t number = 0;
  HostIndex origin = 0;
  ItemName name;
  std::uint32_t bytes = 0;
  Instant started{};
  std::optional<Duration> duration;
  Outcome outcome = Outcome::kUnfinished;
  ErrorCode error = ErrorCode::kNone;
  std::uint32_t holders = 0;
  std::uint64_t sequence = 0;
};

// Every get that counts.
struct GetRow {
  Instant started{};
  std::uint32_t latency_us = 0;
  bool success = false;
  bool publish = false;
  bool stale = false;
};

struct GetStory {
  std::uint64_t number = 0;
  HostIndex origin = 0;
  ItemName name;
  Outcome outcome = Outcome::kUnfinished;
  ErrorCode error = ErrorCode::kNone;
  bool counts = false;
  std::uint64_t sequence = 0;
  GetRow row;
};

struct Session {
  HostIndex host = 0;
  Id id;
  bool client = false;
  std::uint32_t mistaken_samples = 0;  // in which it took itself for what it is not
  Instant begin{};
  std::optional<Instant> end;
  Departure left_by = Departure::kCrash;
};

struct Place {
  Endpoint endpoint;
  std::uint32_t region = 0;
  NatKind nat = NatKind::kNone;
};

struct FaultHit {
  std::size_t fault = 0;  // index of faults
  HostIndex host = 0;
  std::optional<std::uint8_t> part;  // of a partition
};

// The holders of an item from one census on.
struct CensusPoint {
  std::uint32_t item = 0;
  Instant when{};
  Oracle::ItemCensus census;  // its held_until is left out
};
struct LastHolder {
  std::uint32_t item = 0;
  Instant when{};  // of the census that found nobody any more
  HostIndex host = 0;
};

struct Fault {
  std::string kind;
  Instant begin{};
  Instant end{};
  std::string what;
};

// Lookups across the former cut of a partition, from its heal to the next fault that is watched; or all
// lookups, from a kill, from the return of hosts that one has taken, or from changes of addresses.
struct Heal {
  std::vector<std::uint8_t> group_of_host;  // empty: all lookups
  Instant when{};
  bool over = false;  // another such fault has begun
  struct Crossing {
    Instant started{};
    bool success = false;
  };
  std::vector<Crossing> crossings;  // in the order of their ends
};
// Is a fault of this kind one that the network has to get over?
inline bool is_watched(std::string_view kind) {
  return kind == "partition" || kind == "kill" || kind == "change_address";
}
// From the heal to the first 10 s in which 99 % succeed; nothing: never.
std::optional<Duration> recovery(const Heal& heal);

struct SeriesPoint {
  Instant when{};
  std::uint32_t metric = 0;  // index of series_names
  double value = 0;
};

// Traffic and presence since the start, at one instant.
struct Account {
  Instant when{};
  NodeCounters counters;
  double node_seconds = 0;
};

struct HistogramBin {
  double low = 0;
  double high = 0;
  std::uint64_t count = 0;
};

struct Recorder::Impl {
  Impl(RunInfo i, Oracle& o) : info(std::move(i)), oracle(o) {}

  bool after_warm_up(Instant started) const { return started >= Instant{} + info.warm_up; }
  WallTime wall_time(Instant when) const {
    return info.wall_start + std::chrono::duration_cast<std::chrono::milliseconds>(when - Instant{});
  }
  std::uint32_t incarnation(HostIndex host) const {
    return host < incarnations.size() ? incarnations[host] : 0;
  }
  OpenOperation open(OperationId id, HostIndex origin, Instant when) const {
    OpenOperation operation;
    operation.id = id;
    operation.origin = origin;
    operation.incarnation = incarnation(origin);
    operation.started = when;
    return operation;
  }
  static Oracle::Command command_of(const OpenOperation& open) {
    return {.operation = open.id, .guid = open.command, .host = open.origin, .started = open.started};
  }
  std::map<std::uint64_t, OpenOperation>& open_of(OperationKind kind);
  // Takes it out of the open ones, and has its duration judged; nothing: it is not open.
  std::optional<OpenOperation> close(OperationId operation, Instant when);
  void judge_open_durations(Instant when);
  void advance(Instant when);
  void add_point(std::string_view metric, Instant when, double value);
  void add_traffic_points(Instant when, const NodeCounters& sent, double seconds);

  void record_lookup(const OpenOperation& open, const LookupReport* report, ErrorCode error, Instant when);
  void keep(LookupStory story, const LookupReport* report, std::span<const Oracle::TrueHost> truth = {});
  void add_truth(LookupStory& story, std::span<const Oracle::TrueHost> truth) const;
  void keep_census(Instant when);
  void note_crossing(HostIndex origin, HostIndex truth, Instant started, bool success);
  void record_get(const OpenOperation& open, GetStory story, Instant when);
  void close_open_operations(Instant when);
  void add_operation_series();
  void summarize(Instant when, const RunEnd& end);
  void summarize_lookups();
  void summarize_items();
  void summarize_traffic();
  void summarize_groups();
  void summarize_folders();
  void summarize_machine(const RunEnd& end);

  RunInfo info;
  Oracle& oracle;
  const Witness* witness = nullptr;

  // Population
  std::vector<std::uint32_t> incarnations;
  std::vector<std::size_t> session_of_host;  // index of sessions; kSessionsMax: not kept
  std::vector<Session> sessions;
  std::vector<Place> places;
  std::vector<NodeCounters> counters_of_host;  // of the first hosts: of their sessions that ended
  std::vector<NodeCounters> running_counters;  // of those that go on, at the last sample
  std::size_t online = 0;
  Instant advanced_to{};
  double node_seconds = 0;
  std::uint64_t departures = 0;  // by churn, after the warm-up

  // Operations. The maps are ordered: what is still open at the end is closed in the order of starting.
  std::uint64_t lookups_started = 0, puts_started = 0, gets_started = 0;
  std::map<std::uint64_t, OpenOperation> open_lookups, open_puts, open_gets;
  // Of each kind: operations up to this number have ended or been judged for their duration.
  std::array<std::uint64_t, 3> durations_judged{};
  std::vector<LookupRow> lookups;
  BoundedSample<LookupStory> failed_lookups{kStoriesMax};
  BoundedSample<LookupStory> other_lookups{kStoriesMax};
  std::vector<PutRow> puts;
  std::vector<GetRow> gets;
  BoundedSample<GetStory> failed_gets{kGetsMax};
  BoundedSample<GetStory> other_gets{kGetsMax};
  Progress progress_all, progress_counted;

  // Samples
  bool sampling = false;
  std::uint64_t samples = 0;
  Instant sample_when{};
  std::size_t table_stride = 1;
  NodeCounters retired;  // of hosts that left
  NodeCounters running;  // of those online, in the sample under way
  std::size_t jobs_queued = 0, requests_in_flight = 0;
  std::uint64_t sample_tables = 0, sample_contacts = 0, sample_live = 0, sample_clients = 0;
  std::optional<Account> first_account;  // of the first sample at or after the end of the warm-up
  Account last_account;
  // After the warm-up
  std::uint64_t tables = 0, contacts = 0, live_contacts = 0, client_contacts = 0;
  std::uint64_t hosts_settled = 0, hosts_mistaken = 0;
  std::map<std::size_t, std::uint64_t> tables_of_size;
  std::vector<Instant> sample_times;
  std::vector<std::string> series_names;
  std::map<std::string, std::uint32_t, std::less<>> series_of_name;
  std::vector<SeriesPoint> series;

  std::vector<Fault> faults;
  std::vector<FaultHit> fault_hits;

  // Censuses, of the first items
  Instant census_when{};
  std::vector<std::uint64_t> first_put_of_item;
  std::vector<Oracle::ItemCensus> last_census;
  std::vector<CensusPoint> census_points;
  std::vector<LastHolder> last_holders;
  std::vector<Heal> heals;

  Instant groups_when{};
  GroupRecord groups;
  FolderRecord folders;
  std::vector<Id> group_ids;

  std::map<std::string, std::vector<HistogramBin>> histograms;
  bool closed = false;
  std::optional<Results> results;
};

// Writes everything into a new database at `path`. `trace` may be nullptr. Error kIo.
Result<void> write_run_database(const Recorder::Impl& run, const TraceRecord* trace,
                                const std::filesystem::path& path);

}  // namespace shoal::sim
