// Recorder: collects what a run produces while it runs, in compact form, and turns it into its results: the
// metrics of summary.json and the database run.sqlite (sim/run_schema.h). It is the one thing that the
// simulation reports to; the Oracle hears everything through it.
//
// Calls come in order of time. A call costs little and allocates rarely; nothing is written before write().
// Memory is bounded for lookups' stories, gets and sessions: of many, even samples are kept, of failures and
// of the rest apart, while metrics and histograms count everything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "node/base/instant.h"
#include "node/base/result.h"
#include "node/control/command.h"
#include "node/counters.h"
#include "sim/group_event.h"
#include "sim/group_picture.h"
#include "sim/metrics.h"
#include "sim/network.h"
#include "sim/operation.h"
#include "sim/oracle.h"
#include "sim/referenced_file.h"
#include "sim/setting.h"
#include "sim/trace_record.h"
#include "sim/witness.h"

namespace shoal::sim {

struct RunInfo {
  std::string scenario;     // `name`
  std::string description;  // and `source`, for the report's head
  std::string source;
  std::string figure;                 // the main one
  std::string scenario_text;          // the file as run, with what --set changed
  std::vector<Setting> settings;      // of --set, in their order
  std::vector<ReferencedFile> files;  // that the scenario names
  std::string commit;                 // of the build; "unknown" outside a checkout
  std::uint64_t seed = 1;
  Duration duration{};
  Duration warm_up{};
  std::size_t population = 0;
  // The wall time at Instant{} (sim/network.h).
  WallTime wall_start = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);
  std::vector<Expectation> expectations;
};

// Bytes of memory by what holds them.
struct MemoryByHolder {
  std::uint64_t nodes = 0, tables = 0, contacts = 0, stores = 0, population = 0, network = 0, recorder = 0;
};

// What main measures of the process at the end of a run.
struct RunEnd {
  double wall_s = 0;
  double cpu_s = 0;
  std::uint64_t events = 0;
  std::uint64_t datagrams_sent = 0;
  std::uint64_t datagrams_buffer_dropped = 0;
  std::optional<std::uint64_t> router_packets_dropped{};  // where there are routers
  std::uint64_t rss_bytes = 0;                            // peak
  std::optional<MemoryByHolder> memory{};
  std::uint64_t trace_hash = 0;
  bool interrupted = false;  // before the scenario's end
};

enum class Departure : std::uint8_t { kCrash, kClean, kKilled };  // kKilled: by a fault, not by churn
const char* to_string(Departure departure);

class Recorder {
 public:
  // The oracle must outlive the recorder.
  Recorder(RunInfo info, Oracle& oracle);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // Whom to ask about the inside of hosts; nullptr from when it ceases to exist.
  void set_witness(const Witness* witness);

  // Where a host is, for all its lives; of the first kHostsKeptMax hosts.
  void host_placed(HostIndex host, const Endpoint& endpoint, std::uint32_t region,
                   NatKind nat = NatKind::kNone);

  // Population. What a host had under way when it goes offline is abandoned: neither success nor failure.
  void host_online(HostIndex host, const Id& id, bool client, Instant when);
  void host_offline(HostIndex host, Departure why, const NodeCounters& last, Instant when);
  // A fault has damaged what lies on its disk: what it loses from now on is not its node's doing.
  void host_harmed(HostIndex host);

  // The command by which an operation that has started is asked for.
  void commanded(OperationId operation, Guid command);

  // Lookups of the workload (FindCommand).
  OperationId lookup_started(HostIndex origin, const Id& target, Instant when);
  void lookup_ended(OperationId lookup, const LookupReport& report, Instant when);
  void lookup_failed(OperationId lookup, ErrorCode why, Instant when);  // no report at all

  // Items: hash items and publish items. Puts are acknowledged by a StoreResult with a holder; gets of items
  // that were not acknowledged before the get started, or have expired since, are not counted.
  OperationId put_started(HostIndex origin, const ItemName& name, ByteView value, Instant when);
  void put_ended(OperationId put, const StoreResult& result, WallTime expires, Instant when);
  void put_failed(OperationId put, ErrorCode why, Instant when);
  OperationId get_started(HostIndex origin, const ItemName& name, Instant when);
  // `sequence` is 0 for a hash item.
  void get_ended(OperationId get, ByteView value, std::uint64_t sequence, Instant when);
  void get_failed(OperationId get, ErrorCode why, Instant when);

  // Groups: who is in them; looks at all of them, as GroupRecord; and events of the workload (group_event.h),
  // which the members `to` should get.
  void group_formed(std::uint32_t group, const Id& id, std::span<const HostIndex> members);
  // It has another address: sessions that its nodes hold may be of no more use.
  void host_moved(HostIndex host, Instant when);
  void begin_groups(Instant when);
  void saw_group(std::uint32_t group, std::vector<GroupPicture::Member> members);
  void end_groups();
  void broadcast_started(GroupEventId event, const Id& origin, std::span<const HostIndex> to, Instant when);
  void event_given(HostIndex host, const Id& group, const Id& origin, ByteView event, Instant when);

  // Folders: what people do in them, and looks at a member's disk that has changed, and at all members.
  void folder_written(const FolderWrite& write, std::vector<HostIndex> to, Instant when);
  void folder_let_go(std::uint32_t folder, ContentKey content);
  void folder_edited(std::uint32_t folder, Instant when);
  void folder_disk_gone(std::uint32_t folder, const std::vector<FolderMember>& others);
  void saw_folder_disk(std::uint32_t folder, const FolderMember& member, Instant when);
  void saw_folder(std::uint32_t folder, const std::vector<FolderMember>& members, Instant when);

  // Samples: begin, every online host once, end. Take one at time 0, one at the end of the warm-up, one at
  // the end of the run, and regular ones between (every 10 s; seldom enough that they cost little).
  void begin_sample(Instant when);
  void sample_host(HostIndex host, const HostSample& sample);
  // Tables are looked at in an even choice of at most kTablesPerSample online hosts. When this is true for a
  // host, sample_table() should follow with the contacts of its table.
  bool wants_table(HostIndex host) const;
  void sample_table(HostIndex host, std::span<const Contact> contacts);
  void sample_network(const NetworkTotals& totals);
  void end_sample();

  // A census of items (Oracle): begin, every store and every item in it of every host online or returning,
  // end. The last one, at the end of the run, decides item.lost_count.
  void begin_census(Instant when, WallTime wall_time);
  void count_store(HostIndex host, const ItemTotals& totals);
  void count_holder(HostIndex host, const ItemHeader& held);
  void end_census();

  // Faults, as they begin; `end` is `begin` for those without duration. `what` is one phrase for the report
  // ("20 % loss", "30 % of hosts killed").
  void fault(std::string_view kind, Instant begin, Instant end, std::string what);
  // Which hosts the fault reported last has hit; of a partition, nobody: its groups come with its heal.
  void fault_hits(std::span<const HostIndex> hosts);
  void partition_healed(std::vector<std::uint8_t> group_of_host, Instant when);
  // Lookups from now to the next partition, kill or change of addresses show how soon the network is well
  // again: hosts were killed, come back, or have moved.
  void watch_recovery(Instant when);

  // For the progress line: of all lookups since the warm-up (before it: since the start).
  struct Progress {
    std::size_t online = 0;
    std::uint64_t lookups = 0, lookups_succeeded = 0;
    std::uint64_t gets = 0, gets_succeeded = 0;
  };
  Progress progress() const;

  // Ends the recording at `when`; nothing but results() and write() may follow.
  struct Results {
    Summary summary;
    std::vector<Verdict> verdicts;
    bool all_met() const;
  };
  const Results& finish(Instant when, const RunEnd& end);
  // The half of finish() that asks the witness: after it the simulation may go. Optional.
  void close(Instant when);
  const Results& results() const;  // precondition: finished
  // Writes summary.json and run.sqlite into an existing directory, replacing what a former run left there.
  // With a trace the run can be replayed. Error kIo. Precondition: finished.
  Result<void> write(const std::filesystem::path& directory, const TraceRecord* trace = nullptr) const;

  static constexpr std::size_t kTablesPerSample = 500;

  struct Impl;  // sim/recorder_state.h

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace shoal::sim
