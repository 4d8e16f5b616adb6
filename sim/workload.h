// Workload: what the hosts of a run are asked to do, as commands to their nodes, and what is told to the
// Recorder about it. Times and choices come from streams keyed by host, item or record, so that one part of
// the workload leaves the others, and the churn, as they are.
//
// A host is used once it is settled (Population): people do not judge a network by the seconds in which their
// own host is joining it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "node/base/slot_table.h"
#include "sim/population.h"

namespace shoal::sim {

// The bytes of an item of the workload: a function of scenario and seed. Precondition: there are items.
Bytes item_value(const Scenario& scenario, std::uint32_t item);

class Workload final : public CommandListener {
 public:
  Workload(const Scenario& scenario, Network& network, Population& population, Recorder& recorder);

  // Schedules everything. Before the first event of the run.
  void start();

  void on_command_result(HostIndex host, CommandId command, const CommandResult& result) override;
  void on_host_gone(HostIndex host) override;
  void on_node_event(HostIndex host, const NodeEvent& event) override;
  void on_folder_disk(HostIndex host, FolderDisk& disk) override;

  // The bytes of record r at a sequence number: a function of the seed.
  Bytes record_value(std::uint32_t record, std::uint64_t sequence) const;

 private:
  enum class Kind : std::uint8_t { kLookup, kPut, kGet, kPublish, kRead, kBroadcast };
  struct Operation {  // a command whose result is awaited
    Kind kind = Kind::kLookup;
    HostIndex host = 0;
    std::uint32_t subject = 0;  // item or record
    OperationId recorded;
  };
  struct Item {
    Rng rng;    // when it is put and got, and by whom
    Rng crowd;  // the same of a flash crowd
    ItemName name;
  };
  struct Record {
    Rng updates, reads;
    Rng::Seed secret;
    Id public_key;
    ItemName name;
    std::uint64_t sequence = 0;  // of the last publish begun
  };
  static constexpr std::size_t kInFlightMax = 1u << 20;

  void next_lookup(HostIndex host);
  void lookup(HostIndex host);
  std::optional<Id> lookup_target(HostIndex host, std::uint32_t number);
  void add_item();
  void schedule_items();
  void next_further_put(std::uint32_t number);
  void put_further(std::uint32_t number);
  void put(std::uint32_t item);
  void next_get(std::uint32_t item);
  void get(std::uint32_t item);
  void next_crowd_get(std::uint32_t item);
  void crowd_get(std::uint32_t item);
  void get_from(std::uint32_t item, Rng& rng);
  void schedule_records();
  void next_update(std::uint32_t record);
  void publish(std::uint32_t record);
  void next_read(std::uint32_t record);
  void read(std::uint32_t record);

  // Groups: workload_groups.cpp
  void schedule_broadcasts();
  void next_broadcast(std::uint32_t group);
  void broadcast(std::uint32_t group);
  std::optional<HostIndex> random_member(std::uint32_t group, Rng& rng) const;

  // Folders: workload_folders.cpp
  class Person;
  std::uint32_t first_folder() const;
  void schedule_edits();
  void next_edit(std::uint32_t folder);
  void edit(std::uint32_t folder);

  void on_lookup_result(const Operation& operation, const CommandResult& result);
  void on_store_result(const Operation& operation, const CommandResult& result);
  void on_get_result(const Operation& operation, const CommandResult& result);
  void on_read_result(const Operation& operation, const CommandResult& result);

  void begin(const Operation& operation, Command command);
  std::chrono::milliseconds item_lifetime() const;
  // One that is wanted `weight` times as often as every `every`.
  Duration poisson_gap(Duration every, double weight, Rng& rng) const;
  // Runs (this->*what)(subject) after `wait`, if that lies within the run.
  void after(Duration wait, void (Workload::*what)(std::uint32_t), std::uint32_t subject);

  const Scenario& scenario_;
  Network& network_;
  Population& population_;
  Recorder& recorder_;
  Instant start_;
  Instant end_;
  SlotTable<Operation> operations_{kInFlightMax};
  std::vector<std::uint32_t> lookups_;       // of each host: times that one came up so far
  std::vector<std::uint32_t> lookups_left_;  // of each host, where their number is bounded
  std::vector<Item> items_;
  std::vector<Record> records_;
  std::vector<std::uint32_t> broadcasts_;              // of each group: times that one came up so far
  std::vector<std::uint32_t> edits_;                   // of each folder: the same
  std::vector<bool> filled_;                           // of each folder: its first files are there
  std::vector<double> item_weights_, record_weights_;  // of gets; the mean is 1
};

}  // namespace shoal::sim
