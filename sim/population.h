// Population: the hosts of a run. Each is a place in the network (an index, and with it an address) where one
// node after the other runs: the same host again, with its key and store, or a stranger with new ones. Churn
// says when; faults kill.
//
// Memory is the bound of large runs: what a host costs beside its node stands in HostSlot.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "node/control/command.h"
#include "node/dht/contact_book.h"
#include "node/node.h"
#include "node/store/body_pool.h"
#include "node/store/commit_sink.h"
#include "node/store/memory_host_store.h"
#include "node/store/memory_item_store.h"
#include "sim/churn.h"
#include "sim/faulty_item_store.h"
#include "sim/folder_disk.h"
#include "sim/group_picture.h"
#include "sim/group_plan.h"
#include "sim/recorder.h"
#include "sim/trace_event.h"
#include "sim/trace_hash.h"
#include "sim/witness.h"

namespace shoal::sim {

// Who asked for commands (the workload) hears what became of them.
class CommandListener {
 public:
  virtual ~CommandListener() = default;
  virtual void on_command_result(HostIndex host, CommandId command, const CommandResult& result) = 0;
  // The host has a new disk for folders, and no node yet.
  virtual void on_folder_disk(HostIndex /*host*/, FolderDisk& /*disk*/) {}
  // The host has gone; no result of it comes any more.
  virtual void on_host_gone(HostIndex host) = 0;
  // Of a host that is not leaving.
  virtual void on_node_event(HostIndex /*host*/, const NodeEvent& /*event*/) {}
};

class Population final : public Witness {
 public:
  Population(const Scenario& scenario, Network& network, Recorder& recorder);
  ~Population() override;
  Population(const Population&) = delete;
  Population& operator=(const Population&) = delete;

  // Adds all hosts to the network and schedules their first sessions. `listener` may be nullptr.
  void start(CommandListener* listener);

  std::size_t size() const { return slots_.size(); }
  std::size_t online_count() const { return online_.size(); }
  bool is_online(HostIndex host) const { return slots_[host].place != kNotOnline; }
  // Online for kSettledAfter at least: it has joined, and is asked to do things.
  bool is_settled(HostIndex host) const;
  // One of the settled hosts, all alike; nothing when there is none to be found. Takes the same from `rng`
  // whoever is there, and one more host changes the choice only where it is drawn itself.
  std::optional<HostIndex> random_settled(Rng& rng) const;
  // Precondition: is_online(host).
  void command(HostIndex host, CommandId id, Command command);

  // The power fails: a host that is online crashes, and comes back after a while as it was, or never. One
  // that is away does not come back before that.
  void kill(HostIndex host, std::optional<Duration> away);
  // Precondition: is_online(host).
  const Id& id(HostIndex host) const;
  // The members of a group that are online now, in the order of hosts. Each `sessions` is a look into its
  // node.
  std::vector<GroupPicture::Member> online_members(std::uint32_t group) const;
  const GroupPlan& groups() const { return groups_; }
  // The disk on which a host keeps folders; nullptr: none, or nobody will come back to it.
  FolderDisk* folder_disk(HostIndex host) const { return slots_[host].folders.get(); }
  // Where every member has the folder of a group.
  static std::string folder_root(std::uint32_t group) { return fmt::format("/folder-{}", group); }
  // Of all such disks that are made from now on; for tests.
  void set_folder_hooks(FolderDisk::Hooks hooks) { folder_hooks_ = std::move(hooks); }
  // Every member of a group that has a disk.
  std::vector<FolderMember> folder_members(std::uint32_t group, bool with_trash) const;
  // The same of one host; precondition: it has a disk.
  FolderMember folder_member(std::uint32_t group, HostIndex host, bool with_trash) const;

  // Faults of a host's disk, whoever it runs now and later. Only where the scenario has such faults.
  struct DiskState {
    bool full = false;
    bool torn_writes = false;
  };
  void set_disk(HostIndex host, DiskState state);
  // Returns how many of the values held there are damaged now.
  std::size_t rot(HostIndex host, double share_of_items, Rng& rng);
  // What the host holds under this name is not what was stored.
  bool is_damaged(HostIndex host, const ItemName& name) const;

  template <class F>  // f(HostIndex, const Node&), in the order of indexes, those about to leave included
  void for_each_running(F&& f) const {
    for (HostIndex host = 0; host < slots_.size(); ++host) {
      if (slots_[host].run) f(host, node_of(host));
    }
  }
  template <class F>  // f(HostIndex, const ItemStore&) for every host that is online or will return
  void for_each_store(F&& f) const {
    for (HostIndex host = 0; host < slots_.size(); ++host) {
      if (slots_[host].items) f(host, *slots_[host].items);
    }
  }

  // Takes down all that it holds but the hosts' places, and says what memory that was: nodes, tables, stores;
  // the contact book goes with the population. Nothing but its end may follow.
  MemoryByHolder take_apart();

  std::optional<Job> last_job(HostIndex host) const override;
  bool knows(HostIndex host, const Id& key) const override;
  std::optional<StoredItem> held(HostIndex host, const ItemName& name) const override;
  bool can_meet(HostIndex a, HostIndex b) const override { return network_.can_meet(a, b); }
  // The host's disk; nullptr: no host, or one that will not return.
  ItemStore* store(HostIndex host);

  const TraceHash& trace() const { return trace_; }
  // Of every job, from now on; nullptr: nobody.
  void observe_trace(TraceObserver* observer) { trace_observer_ = observer; }

  static constexpr Duration kSettledAfter = 10s;  // as OracleConfig
  // A host knows so many of the bootstrap hosts, as one that was given an address or two.
  static constexpr std::uint32_t kBootstrapKnownMax = 8;

 private:
  struct Run;
  static constexpr std::uint32_t kNotOnline = 0xffff'ffff;

  struct HostSlot {
    std::unique_ptr<FolderDisk> folders;  // of a host that keeps folders; outlives its node
    std::unique_ptr<Run> run;             // nothing: absent
    std::unique_ptr<ItemStore> items;     // its disk; nothing: no host, or one that will not return
    std::unique_ptr<MemoryHostStore> hosts;
    CommitQueue commits;               // of `items`
    Instant since{};                   // of the session
    Instant kept_until{};              // by a fault
    std::uint32_t place = kNotOnline;  // in online_
    std::uint32_t life = 1;            // strangers before it, plus one
    std::uint32_t boots = 0;           // of this life
    std::uint32_t turn = 0;            // of churn; what was meant for another turn is ignored
  };

  std::unique_ptr<ItemStore> make_store(HostIndex host);
  FaultyItemStore* faulty_store(HostIndex host) const;
  std::unique_ptr<FolderDisk> make_folder_disk(HostIndex host);
  void add_folders(HostIndex host);
  void forget_disks(HostIndex host);
  void end_write(HostIndex host, std::uint32_t life, std::uint32_t boot);
  void set_up_machine(HostIndex host);
  Churn::Turn current_turn(HostIndex host) const;
  void bring_up(HostIndex host);
  void on_session_end(HostIndex host, std::uint32_t turn);
  void on_leave_end(HostIndex host, std::uint32_t turn);
  void depart(HostIndex host, Departure why);
  // The node goes at once. Not from inside its run_jobs.
  void take_down(HostIndex host, Departure why);
  // At this time since the run's start; kForever: never, and nobody holds its disk any more.
  void join_at(HostIndex host, Duration when);
  void add_online(HostIndex host);
  void remove_online(HostIndex host);
  // Whatever it believes itself.
  bool is_client(HostIndex host) const;
  NodeConfig config_of(HostIndex host) const;
  const Node& node_of(HostIndex host) const;

  const Scenario& scenario_;
  Network& network_;
  Recorder& recorder_;
  CommandListener* listener_ = nullptr;
  Churn churn_;
  GroupPlan groups_;
  Instant start_{};
  TraceHash trace_;
  TraceObserver* trace_observer_ = nullptr;
  FolderDisk::Hooks folder_hooks_;
  BodyPool bodies_;
  ContactBook contacts_;
  bool jobs_take_time_;
  bool disks_fail_;
  std::vector<DiskState> disks_;  // of hosts whose disk has ever failed, and those before them
  std::vector<HostSlot> slots_;
  std::vector<HostIndex> online_;  // in no order that means anything, but the same in every run
};

}  // namespace shoal::sim
