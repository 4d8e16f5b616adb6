// The sections of the scenario language, each read in a file of its own (read_network.cpp, ...). For
// scenario_reader.cpp; whoever wants a scenario includes scenario_reader.h.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "sim/scenario.h"
#include "sim/yaml_section.h"

namespace shoal::sim {

inline constexpr Duration kDurationMax = 24h * 365;
inline constexpr Duration kDelayMax = 10s;

// `outer.key`: a bare duration, or {law: its parameters}. In seconds. Nothing: absent, or wrong and reported.
std::optional<Distribution> read_law(Section& outer, std::string_view key);

// `outer.reorder`: a share, or {share: 5%, by: 100ms}.
void read_reorder(Section& outer, ReorderSpec& out);

// Each reads one top-level section to its end. `duration` is the scenario's.
void read_network(Section network, NetworkSpec& out);
// Whether so many hosts have a place there.
void check_fit(Section& root, const NetworkSpec& network, std::uint32_t population);
void read_population(Section population, const Duration& duration, PopulationSpec& out);
void read_churn(Section churn, const PopulationSpec& population, ChurnSpec& out);
void read_faults(Section& root, const Duration& duration, std::vector<FaultSpec>& out);
// Of faults that name parts of other sections, once those are read.
void check_targets(Section& root, const Scenario& scenario);
void read_workload(Section workload, const Duration& duration, WorkloadSpec& out);
// Whether there are so many hosts for a group.
void check_groups(Section& root, const Scenario& scenario);

}  // namespace shoal::sim
