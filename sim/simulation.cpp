#include "sim/simulation.h"

#include <algorithm>

namespace shoal::sim {
namespace {

constexpr std::size_t kItemsAtOnce = 256;

void count_items(Recorder& recorder, const Population& population, HostIndex host, const ItemStore& store) {
  recorder.count_store(host, store.totals());
  std::vector<ItemHeader> page = store.list(nullptr, kItemsAtOnce);
  while (!page.empty()) {
    for (const ItemHeader& header : page) {
      if (!population.is_damaged(host, header.name)) recorder.count_holder(host, header);
    }
    const ItemName last = page.back().name;
    page = store.list(&last, kItemsAtOnce);
  }
}

}  // namespace

Simulation::Simulation(const Scenario& scenario, Network& network, Recorder& recorder)
    : scenario_(scenario),
      network_(network),
      recorder_(recorder),
      start_(network.now()),
      population_(scenario, network, recorder),
      workload_(scenario, network, population_, recorder),
      faults_(scenario, network, population_, recorder) {}

Duration Simulation::run(const std::function<bool(Duration)>& go_on) {
  const Instant end = start_ + scenario_.duration;
  population_.start(&workload_);
  workload_.start();
  faults_.start();
  repeat(kSampleEvery, &Simulation::sample);
  if (scenario_.warm_up % kSampleEvery != Duration::zero()) {
    network_.at(start_ + scenario_.warm_up, [this] { sample(); });
  }
  const bool has_items = scenario_.workload.items || scenario_.workload.publish;
  if (has_items) repeat(kCensusEvery, &Simulation::census);
  if (scenario_.workload.groups) repeat(kGroupsEvery, &Simulation::look_at_groups);
  if (scenario_.workload.folders) {
    repeat(kFolderDisksEvery, &Simulation::look_at_folder_disks);
    repeat(kFoldersEvery, &Simulation::look_at_folders);
  }

  bool going = true;
  while (going && network_.now() < end) {
    network_.run_until(std::min(network_.now() + kSlice, end));
    going = go_on(network_.now() - start_);
  }
  sample();
  if (has_items) census();
  if (scenario_.workload.groups) look_at_groups();
  if (scenario_.workload.folders) {
    look_at_folder_disks();
    look_at_folders(true);
  }
  return network_.now() - start_;
}

void Simulation::repeat(Duration every, void (Simulation::*what)()) {
  (this->*what)();
  if (network_.now() + every >= start_ + scenario_.duration) return;
  network_.at(network_.now() + every, [this, every, what] { repeat(every, what); });
}

void Simulation::sample() {
  recorder_.begin_sample(network_.now());
  population_.for_each_running([&](HostIndex host, const Node& node) {
    recorder_.sample_host(
        host, {&node.counters(), node.jobs_queued(), node.config().jobs_max, node.requests_in_flight(),
               node.config().requests_in_flight_max, node.table().size(), node.is_client()});
    if (!recorder_.wants_table(host)) return;
    contacts_.clear();
    for (const RoutingTable::Row& row : node.table().rows()) contacts_.push_back(row.contact);
    recorder_.sample_table(host, contacts_);
  });
  recorder_.sample_network(network_.totals());
  recorder_.end_sample();
}

void Simulation::census() {
  recorder_.begin_census(network_.now(), network_.wall_time());
  population_.for_each_store(
      [&](HostIndex host, const ItemStore& store) { count_items(recorder_, population_, host, store); });
  recorder_.end_census();
}

void Simulation::look_at_groups() {
  recorder_.begin_groups(network_.now());
  for (std::uint32_t group = 0; group < population_.groups().size(); ++group) {
    recorder_.saw_group(group, population_.online_members(group));
  }
  recorder_.end_groups();
}

void Simulation::look_at_folder_disks() {
  const GroupPlan& groups = population_.groups();
  for (HostIndex host = 0; host < population_.size(); ++host) {
    FolderDisk* disk = groups.keeps_folders(host) ? population_.folder_disk(host) : nullptr;
    if (disk == nullptr || !disk->take_changed()) continue;
    for (const std::uint32_t group : groups.groups_of(host)) {
      if (group < groups.first_folder()) continue;
      recorder_.saw_folder_disk(group - groups.first_folder(), population_.folder_member(group, host, false),
                                network_.now());
    }
  }
}

void Simulation::look_at_folders() {
  look_at_folders(++folder_looks_ % kLooksPerTrash == 0);
}

void Simulation::look_at_folders(bool with_trash) {
  const GroupPlan& groups = population_.groups();
  for (std::uint32_t group = groups.first_folder(); group < groups.size(); ++group) {
    recorder_.saw_folder(group - groups.first_folder(), population_.folder_members(group, with_trash),
                         network_.now());
  }
}

}  // namespace shoal::sim
