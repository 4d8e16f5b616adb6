// Oracle: what the simulator knows and no node can. It answers who the true closest hosts are, and checks
// what must hold in every run whatever the network does: one line for each rule, with its name, stands in
// oracle_rules.cpp.
//
// A rule is about the nodes. What a fault of the scenario does to a host's disk or clock is not held against
// its node: whoever harms a host says so (`distrust`).
//
// It draws no randomness and changes nothing: a run with it and one without have the same trace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "node/base/contact.h"
#include "node/base/guid.h"
#include "node/base/id.h"
#include "node/base/instant.h"
#include "node/config.h"
#include "node/control/command.h"
#include "node/counters.h"
#include "node/jobs/job_kind.h"
#include "node/ports/item_store.h"
#include "sim/folder_picture.h"
#include "sim/group_picture.h"
#include "sim/network.h"
#include "sim/operation.h"
#include "sim/oracle_rules.h"
#include "sim/witness.h"

namespace shoal::sim {

struct OracleConfig {
  std::size_t k = 20;  // hosts that a lookup should find
  // A host counts for the truth once it has been online for so long before the lookup's start.
  Duration settled_after = 10s;
  Duration table_recovery_max = 60s;
  Duration gone_contact_max = 45min;
  Duration silence_max = 30min;
  Duration answer_max = 10min;
  // A store may pass an item on once it has had it for so long: a longer put is not asked for its holders.
  Duration held_for_min = 10min;
  std::size_t copies_max = 60;
  std::vector<std::size_t> bucket_sizes = {128, 64, 32};  // of the farthest buckets; then k
  std::size_t per_subnet_max = 2;                         // 0: off
  std::uint64_t items_max = 100'000;                      // of one host
  std::uint64_t item_bytes_max = 1ull << 30;
  // Groups. Sessions that last so long after an event have passed it on; claims of primaries go as events do.
  Duration event_within = 2min;
  Duration primary_agreed_within = 5min;
  Duration folder_agreed_within = 2min;
  std::size_t violations_kept_max = 100;  // of each rule; more are counted, not kept
};
// The bounds that follow from how the nodes are configured.
OracleConfig oracle_config_for(const NodeConfig& node);

struct Violation {
  Rule rule = Rule::kAnswerOrder;
  HostIndex host = 0;  // whose doing it is, or where it was seen
  Instant when{};
  std::optional<JobKind> job;  // that the host ran, or had run last; nothing: it was not running
  OperationId operation;       // in which it was seen, if in one
  Guid guid;                   // of that operation's command; else of the job, if that has one
  std::string text;
};

// One look at one running host.
struct HostSample {
  const NodeCounters* counters = nullptr;
  std::size_t jobs_queued = 0, jobs_max = 0;
  std::size_t requests_in_flight = 0, requests_in_flight_max = 0;
  std::size_t contacts = 0;
  bool client = false;  // it takes itself for one
};

class Oracle {
 public:
  explicit Oracle(OracleConfig config = {});
  ~Oracle();
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;

  // Whom to ask about the inside of hosts; nullptr: nobody, and what needs it is not checked.
  void set_witness(const Witness* witness);

  // Hosts. `id` may be another one each time a host comes back. Clients are online but never the truth.
  void host_online(HostIndex host, const Id& id, bool client, Instant when);
  void host_offline(HostIndex host, Instant when);
  // A fault has harmed the host's disk or clock: what it forgets, spoils or serves too late from now on is
  // not its node's doing. Until a stranger takes its place.
  void distrust(HostIndex host);
  bool is_online(const Id& id) const;
  std::size_t online_count() const;
  // The host that has, or last had, this id.
  std::optional<HostIndex> host_of(const Id& id) const;
  // Which of the hosts that took that place in turn it is, as in host_name(); 0: nobody ever had this id.
  std::uint32_t life_of(const Id& id) const;
  // Since when the host has been online; nothing: it is not.
  std::optional<Instant> online_since(HostIndex host) const;

  struct TrueHost {
    HostIndex host = 0;
    Id id;
  };
  // The up to n true closest, nearest first, for a lookup by `origin` (which does not count) that started at
  // `start` and ends now.
  std::vector<TrueHost> closest(const Id& target, std::size_t n, HostIndex origin, Instant start) const;

  // What a host was asked to do, for the rules that are about it.
  struct Command {
    OperationId operation;
    Guid guid;
    HostIndex host = 0;
    Instant started{};
  };
  struct Judgement {
    std::vector<TrueHost> truth;  // up to k; empty: nobody was settled, so the lookup cannot be judged
    // The truth as the lookup found it; nullptr: it did not, and failed. Points into the report.
    const LookupReport::Host* found = nullptr;
    // The lookup found the true k closest. Hosts that came or went during it are neither asked for nor held
    // against it.
    bool exact = false;
  };
  Judgement judge_lookup(const Command& command, const LookupReport& report, Instant end);
  // A command has ended, or is still waiting for its result.
  void check_duration(const Command& command, Instant now);
  Duration answer_max() const;

  // Items. A value is announced before its put starts, and acknowledged when the put succeeded.
  struct ValueId {
    std::uint32_t value = 0;
    std::uint32_t item = 0;  // names numbered in the order of their first put
  };
  ValueId value_put(const ItemName& name, ByteView value);
  void value_acknowledged(ValueId value, std::uint64_t sequence, WallTime expires);
  void check_holders(const Command& command, const ItemName& name, const StoreResult& result, Instant end);
  // False: forged.
  bool value_got(const Command& command, const ItemName& name, std::uint64_t sequence, ByteView value,
                 WallTime started, Instant when);
  // The highest acknowledged sequence number; nothing: nothing acknowledged under this name.
  std::optional<std::uint64_t> acknowledged_sequence(const ItemName& name) const;
  // Acknowledged, and the newest version has not expired.
  bool is_acknowledged(const ItemName& name, WallTime now) const;

  // A census of who holds what: begin, every store and every item in it of every host that is online or will
  // return, end. Items that nobody put through value_put (connection items) are passed over.
  void begin_census(Instant when, WallTime wall_time);
  void count_store(HostIndex host, const ItemTotals& totals);
  void count_holder(HostIndex host, const ItemHeader& held);
  void end_census();
  struct ItemCensus {
    bool expected = false;              // acknowledged and not expired
    std::uint32_t online = 0;           // hosts that hold the newest acknowledged version, or a newer one
    std::uint32_t returning = 0;        // the same of hosts that will come back
    std::vector<HostIndex> held_until;  // online holders of the census before, if none is left of them
  };
  // The last census, by the number of the item (ValueId).
  const std::vector<ItemCensus>& census() const;
  // Of the last census: acknowledged, unexpired items that no online or returning host held.
  std::size_t lost_count() const;

  // Samples of running hosts.
  void check_host(HostIndex host, Instant when, const HostSample& sample);
  // What all nodes together say they have sent since the start, and what the network was given.
  void check_traffic(Instant when, std::uint64_t sent_by_nodes, std::uint64_t sent_on_network);
  // The end of a partition; a host beyond the vector's end was in group 0.
  void partition_began();  // former heals are no longer judged
  void partition_healed(std::vector<std::uint8_t> group_of_host, Instant when);
  // Groups. Who is in one is said before its first look.
  void group_formed(const Id& group, std::span<const HostIndex> members);
  // A host has another address: its sessions may carry nothing more, and nobody knows it yet.
  void host_moved(HostIndex host, Instant when);
  void check_group(const Id& group, const GroupPicture& picture, Instant when);
  void event_broadcast(const Id& group, const Id& origin, ByteView event, Instant when);
  void check_event(HostIndex host, const Id& group, const Id& origin, ByteView event, Instant when);
  // Folders. A write is told before the next look; one that a person has overwritten or deleted is let go.
  void folder_written(const FolderWrite& write, Instant when);
  void folder_let_go(std::uint32_t folder, ContentKey content);
  void folder_edited(std::uint32_t folder, Instant when);
  // A member's disk is no more; these are left.
  void folder_disk_gone(std::uint32_t folder, const std::vector<FolderMember>& others);
  void check_folder_disk(std::uint32_t folder, const FolderMember& member, Instant when);
  // All its members. Do those agree that have had the time for it? Nothing: there are no such two.
  std::optional<bool> check_folder(std::uint32_t folder, const std::vector<FolderMember>& members,
                                   Instant when);
  // Nothing: it has been online for too short a time to know.
  std::optional<bool> is_settled_client(HostIndex host, Instant when) const;
  // Tables: begin, then one after the other. check_table counts, of the contacts, those that are online, and
  // of these the clients.
  struct TableContacts {
    std::size_t live = 0, clients = 0;
  };
  void begin_tables();
  TableContacts check_table(HostIndex host, Instant when, std::span<const Contact> contacts);
  struct Standing {
    std::uint32_t tables = 0;  // that hold the host as it is now
    std::uint32_t of = 0;      // looked at since begin_tables
  };
  Standing standing(HostIndex host) const;

  std::uint64_t checks() const;
  std::uint64_t violations() const;
  std::uint64_t checks(Rule rule) const;
  std::uint64_t violations(Rule rule) const;
  const std::vector<Violation>& kept_violations() const;  // in the order of time

 private:
  struct Impl;  // sim/oracle_state.h
  std::unique_ptr<Impl> impl_;
};

}  // namespace shoal::sim
