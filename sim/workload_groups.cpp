// The workload of groups: now and then one member of each tells the others of something.
#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "sim/deal.h"
#include "sim/group_event.h"
#include "sim/workload.h"

namespace shoal::sim {

void Workload::schedule_broadcasts() {
  broadcasts_.resize(population_.groups().first_folder());
  for (std::uint32_t group = 0; group < broadcasts_.size(); ++group) next_broadcast(group);
}

void Workload::next_broadcast(std::uint32_t group) {
  const auto& every = scenario_.workload.groups->broadcast_every;
  if (!every) return;
  Rng rng = Rng::keyed(scenario_.seed, fmt::format("group-{}", group),
                       fmt::format("broadcast gap {}", broadcasts_[group]));
  after(poisson_gap(*every, 1, rng), &Workload::broadcast, group);
}

// Whoever is drawn first and is there.
std::optional<HostIndex> Workload::random_member(std::uint32_t group, Rng& rng) const {
  const auto members = population_.groups().members(group);
  std::vector<HostIndex> order(members.begin(), members.end());
  shuffle(order, rng);
  const auto there =
      std::ranges::find_if(order, [&](HostIndex host) { return population_.is_settled(host); });
  return there == order.end() ? std::nullopt : std::optional(*there);
}

void Workload::broadcast(std::uint32_t group) {
  const GroupEventId event{group, broadcasts_[group]++};
  next_broadcast(group);
  Rng rng =
      Rng::keyed(scenario_.seed, fmt::format("group-{}", group), fmt::format("broadcast {}", event.number));
  const auto origin = random_member(group, rng);
  if (!origin) return;
  std::vector<HostIndex> to;
  for (const HostIndex host : population_.groups().members(group)) {
    if (host != *origin && population_.is_settled(host) && network_.can_meet(*origin, host))
      to.push_back(host);
  }
  recorder_.broadcast_started(event, population_.id(*origin), to, network_.now());
  Operation operation{.kind = Kind::kBroadcast, .host = *origin, .subject = group, .recorded = {}};
  begin(operation, BroadcastCommand{population_.groups().key(group).id(), group_event(event)});
}

void Workload::on_node_event(HostIndex host, const NodeEvent& event) {
  if (event.kind != NodeEvent::Kind::kNewFsEvent) return;
  // What members of a folder tell each other is their nodes' own.
  const GroupPlan& groups = population_.groups();
  for (const std::uint32_t group : groups.groups_of(host)) {
    if (group >= groups.first_folder() && groups.key(group).id() == event.group) return;
  }
  recorder_.event_given(host, event.group, event.host, event.event, network_.now());
}

}  // namespace shoal::sim
