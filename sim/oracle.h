// Oracle: what the simulator knows and no node can. It answers who the true closest hosts are, and checks
// what must hold in every run whatever the network does:
//
//   rule               holds when
//   answer_order       a lookup's hosts are sorted, nearest first, without repeats
//   phantom_answer     every host of a lookup's result was online at some time during the lookup
//   forged_value       a value got is one that was put under that name (and that sequence number)
//   sequence_backwards a reader never sees an older sequence number of a publish item than it has seen;
//                      a reader is one run of a host, from its start to its end
//   item_vanished      an acknowledged, unexpired item stays online while one of its holders stays online
//   table_unhealed     `table_recovery_max` after a heal a table is not empty, and holds hosts of other
//                      groups when chance alone would have put 20 of them there
//   queue_bound        the job queue and the requests in flight keep within their configured maxima
//
// It draws no randomness and changes nothing: a run with it and one without have the same trace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "node/base/id.h"
#include "node/base/instant.h"
#include "node/control/command.h"
#include "node/ports/item_store.h"
#include "sim/network.h"

namespace shoal::sim {

struct OracleConfig {
  std::size_t k = 20;  // hosts that a lookup should find
  // A host counts for the truth once it has been online for so long before the lookup's start.
  Duration settled_after = 10s;
  Duration table_recovery_max = 60s;
  std::size_t violations_kept_max = 1000;  // more are counted, not kept
};

struct Violation {
  std::string_view rule;
  HostIndex host = 0;
  Instant when{};
  std::string text;
};

class Oracle {
 public:
  explicit Oracle(OracleConfig config = {});
  ~Oracle();
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;

  // Hosts. `id` may be another one each time a host comes back. Clients are online but never the truth.
  void host_online(HostIndex host, const Id& id, bool client, Instant when);
  void host_offline(HostIndex host, Instant when);
  bool is_online(const Id& id) const;
  std::size_t online_count() const;
  // The host that has, or last had, this id.
  std::optional<HostIndex> host_of(const Id& id) const;

  struct TrueHost {
    HostIndex host = 0;
    Id id;
  };
  // The up to n true closest, nearest first, for a lookup by `origin` (which does not count) that started at
  // `start` and ends now.
  std::vector<TrueHost> closest(const Id& target, std::size_t n, HostIndex origin, Instant start) const;

  struct Judgement {
    std::optional<TrueHost> truth;  // nothing: nobody was settled, so the lookup cannot be judged
    // The truth as the lookup found it; nullptr: it did not, and failed. Points into the report.
    const LookupReport::Host* found = nullptr;
    // The lookup found the true k closest. Hosts that came or went during it are neither asked for nor held
    // against it.
    bool exact = false;
  };
  Judgement judge_lookup(HostIndex origin, const LookupReport& report, Instant start, Instant end);

  // Items. A value is announced before its put starts, and acknowledged when the put succeeded.
  struct ValueId {
    std::uint32_t value = 0;
  };
  ValueId value_put(const ItemName& name, ByteView value);
  void value_acknowledged(ValueId value, std::uint64_t sequence, WallTime expires);
  // False: forged.
  bool value_got(HostIndex reader, const ItemName& name, std::uint64_t sequence, ByteView value,
                 Instant when);
  // The highest acknowledged sequence number; nothing: nothing acknowledged under this name.
  std::optional<std::uint64_t> acknowledged_sequence(const ItemName& name) const;
  // Acknowledged, and the newest version has not expired.
  bool is_acknowledged(const ItemName& name, WallTime now) const;

  // A census of who holds what: begin, every item of every host that is online or will return, end. Items
  // that nobody put through value_put (connection items) are passed over.
  void begin_census(Instant when, WallTime wall_time);
  void count_holder(HostIndex host, const ItemHeader& held);
  void end_census();
  // Of the last census: acknowledged, unexpired items that no online or returning host held.
  std::size_t lost_count() const;

  // Samples of a running host.
  void check_queues(HostIndex host, Instant when, std::size_t jobs_queued, std::size_t jobs_max,
                    std::size_t requests_in_flight, std::size_t requests_in_flight_max);
  // The end of a partition; a host beyond the vector's end was in group 0.
  void partition_began();  // former heals are no longer judged
  void partition_healed(std::vector<std::uint8_t> group_of_host, Instant when);
  void check_table(HostIndex host, Instant when, std::span<const Id> contacts);

  std::uint64_t checks() const;
  std::uint64_t violations() const;
  const std::vector<Violation>& kept_violations() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace shoal::sim
