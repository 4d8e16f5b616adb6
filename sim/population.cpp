#include "sim/population.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "node/base/check.h"
#include "node/sync/sync_manager.h"
#include "sim/deal.h"
#include "sim/host_name.h"
#include "sim/resources.h"

namespace shoal::sim {
namespace {

constexpr std::size_t kJobsAtOnce = 256;
constexpr Duration kFoldersAddedAfter = 1s;  // a person types that
// A clean leave that has not ended by then is cut short.
constexpr Duration kLeaveTimeout = 10s;
// Known hosts are 64 bytes each: a large population keeps fewer on its disks.
constexpr std::size_t kLargePopulation = 20'000;
constexpr std::size_t kKnownHostsOfLarge = 8;

// "syncing, 2 connected, d1/f3.txt no_peer_has_it"
std::string state_of(const sync::SyncPathManager& folder) {
  constexpr std::size_t kPathsMax = 3;
  const FolderStatus status = folder.status();
  std::string text = fmt::format("{}{}{}, {} connected", to_string(status.state),
                                 status.reason.empty() ? "" : " ", status.reason, status.peers_connected);
  bool more = false;
  for (const FolderPathStatus& path : folder.path_status({}, kPathsMax, more)) {
    text += fmt::format(", {} {}", path.path, path.cause);
  }
  return text;
}

}  // namespace

// One session of a host: the node, and everything that ends with it.
struct Population::Run final : HostedNode, NodeListener, Tracer {
  Run(Population& population, HostIndex index, const KeyPair& keys, Rng rng)
      : owner(population),
        host(index),
        ports(population.network_.ports(index)),
        node(population.config_of(index), keys, slot().boots, population.scenario_.crypto, std::move(rng),
             NodePorts{ports.clock, ports.alarm, ports.datagrams, ports.streams, *slot().items, *slot().hosts,
                       population.contacts_, *this, this, slot().folders.get(),
                       slot().folders ? &slot().folders->folders() : nullptr, slot().folders.get()}) {}

  HostSlot& slot() const { return owner.slots_[host]; }
  PortEvents& events() override { return node; }
  void prefetch() const override { node.prefetch(); }
  bool run_jobs() override {
    for (const CommitCompletion& done : slot().commits.take()) {
      if (slot().folders && slot().folders->keeps(done)) continue;
      node.on_committed(done.commit, done.outcome);
    }
    const bool more = node.run_jobs(kJobsAtOnce);
    return more || !slot().commits.empty();
  }
  void on_command_result(CommandId command, const CommandResult& result) override {
    if (leaving || owner.listener_ == nullptr) return;
    const Instant ends = owner.jobs_take_time_ ? owner.network_.machine(host).free_at() : Instant{};
    if (ends <= owner.network_.now()) return owner.listener_->on_command_result(host, command, result);
    // The job that has it takes until then.
    owner.network_.at(ends, [population = &owner, index = host, turn = slot().turn, command, result] {
      const HostSlot& then = population->slots_[index];
      if (!then.run || then.turn != turn || then.run->leaving) return;
      population->listener_->on_command_result(index, command, result);
    });
  }
  void on_event(const NodeEvent& event) override {
    if (!leaving && owner.listener_ != nullptr) owner.listener_->on_node_event(host, event);
  }
  void on_stopped() override {
    owner.network_.at(owner.network_.now(), [population = &owner, index = host, turn = slot().turn] {
      population->on_leave_end(index, turn);
    });
  }
  void on_job(Instant when, JobKind kind, Guid guid, ByteView bytes) override {
    owner.trace_.add(when, host, kind, guid, bytes);
    last_job = Job{kind, guid};
    if (owner.jobs_take_time_) owner.network_.machine(host).charge(owner.network_.now(), kind, bytes.size());
    if (owner.trace_observer_ == nullptr) return;
    owner.trace_observer_->on_event({owner.trace_.jobs(), when, host, kind, guid,
                                     static_cast<std::uint32_t>(bytes.size()), owner.trace_.value()});
  }

  Population& owner;
  HostIndex host;
  HostPorts ports;
  bool leaving = false;
  std::optional<Job> last_job;
  Node node;
};

Population::Population(const Scenario& scenario, Network& network, Recorder& recorder)
    : scenario_(scenario),
      network_(network),
      recorder_(recorder),
      churn_(scenario, [&network](HostIndex host) { return network.region(host); }),
      jobs_take_time_(scenario.population.cpu.has_value()),
      disks_fail_(false),
      slots_(scenario.population.size) {
  for (const FaultSpec& fault : scenario.faults) {
    jobs_take_time_ |= std::holds_alternative<SlowFault>(fault.what);
    disks_fail_ |=
        std::holds_alternative<StoreFault>(fault.what) || std::holds_alternative<BitRotFault>(fault.what);
  }
  recorder_.set_witness(this);
}

Population::~Population() {
  recorder_.set_witness(nullptr);
  for (HostIndex host = 0; host < slots_.size(); ++host) {
    if (slots_[host].run) network_.detach(host);
  }
}

MemoryByHolder Population::take_apart() {
  MemoryByHolder held;
  HeapMeter heap;
  for_each_running([&](HostIndex, const Node& node) { held.tables += node.table().memory_bytes(); });
  held.contacts = contacts_.memory_bytes();
  for (HostIndex host = 0; host < slots_.size(); ++host) {
    if (slots_[host].run) network_.detach(host);
    slots_[host].run.reset();
  }
  held.nodes = heap.given_back();
  held.nodes -= std::min(held.nodes, held.tables);
  for (HostSlot& slot : slots_) {
    slot.items.reset();
    slot.hosts.reset();
    slot.folders.reset();
  }
  held.stores = heap.given_back();
  return held;
}

void Population::start(CommandListener* listener) {
  listener_ = listener;
  start_ = network_.now();
  for (HostIndex host = 0; host < slots_.size(); ++host) {
    check(network_.add_host() == host, "the population's hosts are the network's first");
    set_up_machine(host);
    recorder_.host_placed(host, network_.endpoint(host), network_.region(host), network_.nat_kind(host));
  }
  groups_ = GroupPlan(scenario_, [this](HostIndex host) { return network_.region(host); });
  for (std::uint32_t group = 0; group < groups_.size(); ++group) {
    recorder_.group_formed(group, groups_.key(group).id(), groups_.members(group));
  }
  for (HostIndex host = 0; host < slots_.size(); ++host) join_at(host, churn_.start(host).joins);
}

NodeConfig Population::config_of(HostIndex host) const {
  NodeConfig config = scenario_.population.node;
  config.host_key_lifetime = Duration::zero();
  const std::uint32_t count = scenario_.population.bootstrap_hosts;
  if (count == 0) return config;
  Rng rng = Rng::keyed(scenario_.seed, host_name(host), "bootstrap");
  const auto first = static_cast<std::uint32_t>(rng.below(count));
  for (std::uint32_t i = 0; i < std::min(count, kBootstrapKnownMax); ++i) {
    const HostIndex known = (first + i) % count;
    if (known != host) config.bootstrap.push_back(network_.endpoint(known));
  }
  return config;
}

bool Population::is_client(HostIndex host) const {
  return scenario_.population.node.client || keeps_strangers_out(network_.nat_kind(host));
}

void Population::set_up_machine(HostIndex host) {
  const PopulationSpec& spec = scenario_.population;
  if (spec.cpu) network_.machine(host).set_speed(spec.cpu);
  if (spec.clock.drift_max == 0 && !spec.clock.offset) return;
  HostMachine& machine = network_.machine(host);
  Rng rng = Rng::keyed(scenario_.seed, host_name(host), "clock");
  const double drift = (2 * rng.unit() - 1) * static_cast<double>(spec.clock.drift_max);
  machine.add_drift(network_.now(), std::llround(drift));
  if (!spec.clock.offset) return;
  const Duration offset = from_seconds(spec.clock.offset->draw(rng));
  machine.jump_wall_clock(rng.unit() < 0.5 ? offset : -offset);
}

const Node& Population::node_of(HostIndex host) const {
  return slots_[host].run->node;
}

std::optional<Witness::Job> Population::last_job(HostIndex host) const {
  if (host >= slots_.size() || !slots_[host].run) return std::nullopt;
  return slots_[host].run->last_job;
}

bool Population::knows(HostIndex host, const Id& key) const {
  return host < slots_.size() && slots_[host].run && node_of(host).table().contains(key);
}

std::optional<StoredItem> Population::held(HostIndex host, const ItemName& name) const {
  if (host >= slots_.size() || !slots_[host].items) return std::nullopt;
  return slots_[host].items->find(name);
}

ItemStore* Population::store(HostIndex host) {
  return slots_[host].items.get();
}

Churn::Turn Population::current_turn(HostIndex host) const {
  const std::uint32_t turn = slots_[host].turn;
  return turn == 0 ? churn_.start(host).turn : churn_.turn(host, turn, slots_[host].since - start_);
}

const Id& Population::id(HostIndex host) const {
  return node_of(host).id();
}

std::vector<GroupPicture::Member> Population::online_members(std::uint32_t group) const {
  std::vector<GroupPicture::Member> members;
  for (const HostIndex host : groups_.members(group)) {
    if (!is_online(host)) continue;
    GroupPicture::Member& member = members.emplace_back();
    member.host = host;
    member.id = id(host);
    member.since = slots_[host].since;
    for (const GroupStatus& status : node_of(host).groups()) {
      if (status.id != groups_.key(group).id()) continue;
      member.primary = status.primary;
      member.epoch = status.epoch;
      for (const GroupStatus::Peer& peer : status.peers) {
        if (peer.connected) member.sessions.push_back(peer.host);
      }
    }
  }
  std::ranges::sort(members, {}, &GroupPicture::Member::host);
  return members;
}

void Population::join_at(HostIndex host, Duration when) {
  if (when == Churn::kForever) return forget_disks(host);
  network_.at(start_ + when, [this, host] { bring_up(host); });
}

void Population::bring_up(HostIndex host) {
  HostSlot& slot = slots_[host];
  if (network_.now() < slot.kept_until)
    return join_at(host, churn_.join_after(host, slot.kept_until - start_));
  if (!slot.items) {
    slot.commits = {};  // a new disk numbers its commits from 1
    slot.items = make_store(host);
    slot.hosts = std::make_unique<MemoryHostStore>(slots_.size() < kLargePopulation ? kKnownHostsMax
                                                                                    : kKnownHostsOfLarge);
  }
  slot.commits.take();
  if (!slot.folders && groups_.keeps_folders(host)) slot.folders = make_folder_disk(host);
  if (slot.folders) slot.folders->mount();
  ++slot.boots;
  slot.since = network_.now();
  const std::string name = host_name(host, slot.life);
  const KeyPair keys = KeyPair::from_seed(Rng::keyed(scenario_.seed, name, "key").seed());
  slot.run = std::make_unique<Run>(*this, host, keys,
                                   Rng::keyed(scenario_.seed, name, fmt::format("node {}", slot.boots)));
  add_online(host);
  recorder_.host_online(host, keys.public_key(), is_client(host), network_.now());
  slot.run->node.start();
  if (!groups_.groups_of(host).empty()) slot.run->node.on_groups(groups_.keys_of(host));
  if (slot.folders) {
    network_.at(network_.now() + kFoldersAddedAfter, [this, host, turn = slot.turn] {
      if (slots_[host].turn == turn && is_online(host)) add_folders(host);
    });
  }
  network_.attach(host, *slot.run);
  const Duration session = current_turn(host).session;
  if (session == Churn::kForever) return;
  network_.at(network_.now() + session, [this, host, turn = slot.turn] { on_session_end(host, turn); });
}

void Population::on_session_end(HostIndex host, std::uint32_t turn) {
  HostSlot& slot = slots_[host];
  if (!slot.run || slot.turn != turn) return;
  const Churn::Turn drawn = current_turn(host);
  if (drawn.crash) return depart(host, Departure::kCrash);
  slot.run->leaving = true;
  remove_online(host);
  if (listener_ != nullptr) listener_->on_host_gone(host);
  slot.run->node.on_command(CommandId{}, StopCommand{});
  network_.wake(host);
  // It comes back when it was drawn to, so the goodbye has to be over by then; one replaced at once has its
  // time.
  const Duration ended = network_.now() - start_;
  const Duration absence = churn_.next_join(host, drawn, ended) - ended;
  const bool returns = absence > Duration::zero();
  const Duration at_most = returns ? std::min(kLeaveTimeout, absence) : kLeaveTimeout;
  network_.at(network_.now() + at_most, [this, host, turn] { on_leave_end(host, turn); });
}

void Population::on_leave_end(HostIndex host, std::uint32_t turn) {
  if (slots_[host].run && slots_[host].turn == turn) depart(host, Departure::kClean);
}

void Population::depart(HostIndex host, Departure why) {
  HostSlot& slot = slots_[host];
  const Churn::Turn turn = current_turn(host);
  // Counted from the end that was drawn, not from when the node had said goodbye, which others have a part
  // in.
  const Duration ended = slot.since - start_ + turn.session;
  take_down(host, why);
  if (!turn.keeps_identity) {
    forget_disks(host);
    slot.boots = 0;
    ++slot.life;
  }
  join_at(host, std::max(churn_.next_join(host, turn, ended), network_.now() - start_));
}

void Population::kill(HostIndex host, std::optional<Duration> away) {
  HostSlot& slot = slots_[host];
  if (away) slot.kept_until = std::max(slot.kept_until, network_.now() + *away);
  if (!is_online(host)) return;
  take_down(host, Departure::kKilled);
  join_at(host, away ? churn_.join_after(host, slot.kept_until - start_) : Churn::kForever);
}

void Population::take_down(HostIndex host, Departure why) {
  HostSlot& slot = slots_[host];
  network_.detach(host);
  if (FaultyItemStore* disk = faulty_store(host)) {
    why == Departure::kClean ? disk->end_writes() : disk->crash();
  }
  if (is_online(host)) {
    remove_online(host);
    if (listener_ != nullptr) listener_->on_host_gone(host);
  }
  recorder_.host_offline(host, why, slot.run->node.counters(), network_.now());
  slot.run.reset();
  if (slot.folders) slot.folders->stop(why != Departure::kClean);
  ++slot.turn;
}

void Population::command(HostIndex host, CommandId id, Command command) {
  check(is_online(host));
  slots_[host].run->node.on_command(id, std::move(command));
  network_.wake(host);
}

// ---- Disks

std::unique_ptr<ItemStore> Population::make_store(HostIndex host) {
  HostSlot& slot = slots_[host];
  if (!disks_fail_) return std::make_unique<MemoryItemStore>(slot.commits, &bodies_);
  auto store = std::make_unique<FaultyItemStore>(slot.commits, &bodies_, [this, host] {
    const HostSlot& writer = slots_[host];
    network_.at(network_.now() + FaultyItemStore::kWriteTime,
                [this, host, life = writer.life, boot = writer.boots] { end_write(host, life, boot); });
  });
  if (host < disks_.size()) {
    store->set_full(disks_[host].full);
    store->set_torn_writes(disks_[host].torn_writes);
  }
  return store;
}

void Population::forget_disks(HostIndex host) {
  HostSlot& slot = slots_[host];
  slot.items.reset();
  slot.hosts.reset();
  if (!slot.folders) return;
  slot.folders.reset();
  for (const std::uint32_t group : groups_.groups_of(host)) {
    if (group >= groups_.first_folder()) {
      recorder_.folder_disk_gone(group - groups_.first_folder(), folder_members(group, true));
    }
  }
}

std::unique_ptr<FolderDisk> Population::make_folder_disk(HostIndex host) {
  auto disk = std::make_unique<FolderDisk>(
      slots_[host].commits, Rng::keyed(scenario_.seed, host_name(host, slots_[host].life), "folder disk"),
      [this, host](Duration by, std::function<void(PortEvents&)> event) {
        network_.at(network_.now() + by, [this, host, turn = slots_[host].turn, event = std::move(event)] {
          const HostSlot& then = slots_[host];
          if (!then.run || then.turn != turn) return;
          event(then.run->node);
          network_.wake(host);
        });
      },
      [this] { return network_.wall_time(); });
  disk->set_hooks(folder_hooks_);
  if (host < disks_.size()) disk->set_full(disks_[host].full);
  for (const std::uint32_t group : groups_.groups_of(host)) {
    if (group < groups_.first_folder()) continue;
    const std::string root = folder_root(group).substr(1);
    check(disk->disk().make_directories(root).has_value(), "a new disk has room for a directory");
    disk->flush(root);
  }
  if (listener_ != nullptr) listener_->on_folder_disk(host, *disk);
  return disk;
}

// Those that the host keeps not yet, or had not written down when it crashed.
void Population::add_folders(HostIndex host) {
  const std::vector<Id> kept = slots_[host].folders->groups();
  for (const std::uint32_t group : groups_.groups_of(host)) {
    const Id& id = groups_.key(group).id();
    if (group < groups_.first_folder() || std::ranges::find(kept, id) != kept.end()) continue;
    command(host, CommandId{}, AddFolderCommand{id, folder_root(group), {}});
  }
}

FolderMember Population::folder_member(std::uint32_t group, HostIndex host, bool with_trash) const {
  const HostSlot& slot = slots_[host];
  FolderMember member;
  member.host = host;
  member.picture = slot.folders->look(folder_root(group));
  if (with_trash) member.trash = slot.folders->look_into_trash(folder_root(group));
  if (!is_online(host)) return member;
  FolderMember::Running& running = member.running.emplace();
  running.since = slot.since;
  const sync::SyncManager* sync = node_of(host).sync();
  const sync::SyncPathManager* folder = sync == nullptr ? nullptr : sync->find(groups_.key(group).id());
  if (folder == nullptr) return member;
  running.fingerprint = folder->context().tree.fingerprint();
  const sync::FolderCounters& counters = folder->context().counters;
  running.scans_started = counters.scans_started;
  running.scans_ended = counters.scans_complete + counters.scans_aborted;
  return member;
}

std::vector<FolderMember> Population::folder_members(std::uint32_t group, bool with_trash) const {
  std::vector<FolderMember> members;
  for (const HostIndex host : groups_.members(group)) {
    if (!slots_[host].folders) continue;
    FolderMember& member = members.emplace_back(folder_member(group, host, with_trash));
    const sync::SyncManager* sync = member.running ? node_of(host).sync() : nullptr;
    const sync::SyncPathManager* folder = sync == nullptr ? nullptr : sync->find(groups_.key(group).id());
    if (folder != nullptr) member.running->state = state_of(*folder);
  }
  return members;
}

void Population::end_write(HostIndex host, std::uint32_t life, std::uint32_t boot) {
  const HostSlot& slot = slots_[host];
  if (!slot.run || slot.life != life || slot.boots != boot) return;
  faulty_store(host)->end_write();
  network_.wake(host);
}

FaultyItemStore* Population::faulty_store(HostIndex host) const {
  return disks_fail_ ? static_cast<FaultyItemStore*>(slots_[host].items.get()) : nullptr;
}

void Population::set_disk(HostIndex host, DiskState state) {
  check(disks_fail_, "a scenario without such faults");
  if (slots_[host].folders) slots_[host].folders->set_full(state.full);
  if (host >= disks_.size()) disks_.resize(std::size_t{host} + 1);
  disks_[host] = state;
  FaultyItemStore* disk = faulty_store(host);
  if (disk == nullptr) return;
  disk->set_full(state.full);
  disk->set_torn_writes(state.torn_writes);
}

std::size_t Population::rot(HostIndex host, double share_of_items, Rng& rng) {
  FaultyItemStore* disk = faulty_store(host);
  const std::size_t rotten = disk == nullptr ? 0 : disk->rot(share_of_items, rng);
  if (rotten > 0) recorder_.host_harmed(host);
  return rotten;
}

bool Population::is_damaged(HostIndex host, const ItemName& name) const {
  const FaultyItemStore* disk = faulty_store(host);
  return disk != nullptr && disk->is_damaged(name);
}

void Population::add_online(HostIndex host) {
  slots_[host].place = static_cast<std::uint32_t>(online_.size());
  online_.push_back(host);
}

void Population::remove_online(HostIndex host) {
  const std::uint32_t place = std::exchange(slots_[host].place, kNotOnline);
  online_[place] = online_.back();
  online_.pop_back();
  if (place < online_.size()) slots_[online_[place]].place = place;
}

bool Population::is_settled(HostIndex host) const {
  return is_online(host) && network_.now() - slots_[host].since >= kSettledAfter;
}

std::optional<HostIndex> Population::random_settled(Rng& rng) const {
  // A stream of its own: how many hosts were asked in vain must not show in what is drawn from `rng` next.
  Rng choice = rng.fork();
  constexpr int kAttempts = 10'000;
  for (int i = 0; i < kAttempts && !online_.empty(); ++i) {
    const HostIndex host = pick(choice.next(), slots_.size());
    if (is_settled(host)) return host;
  }
  return std::nullopt;
}

}  // namespace shoal::sim
