// SessionTrace: who was online when, as measured somewhere: a CSV file of joins and leaves that a scenario
// replays instead of drawing sessions from a law.
//
//   host,joins_s,leaves_s,leave
//   alice,0,1260.5,clean
//   bob,35,80,crash
//   bob,300,,
//
// Seconds count from the run's start. No leaves_s: stays to the end. The column `leave` (crash or clean) may
// be missing or empty: then the scenario's churn.leave decides. Hosts are any words; lines that open with #
// and empty ones are passed over.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "node/base/instant.h"
#include "sim/yaml_section.h"

namespace shoal::sim {

struct TracedSession {
  static constexpr Duration kForever = Duration::max();

  Duration joins{};
  Duration leaves = kForever;  // later than `joins`
  std::optional<bool> crash;   // nothing: the scenario decides
};

struct SessionTrace {
  // Of each host, in the order in which the file first names them; sessions in the order of time, which do
  // not overlap.
  std::vector<std::vector<TracedSession>> hosts;
};

struct SessionTraceOrErrors {
  SessionTrace trace;
  std::vector<ScenarioError> errors;  // by file, line and column
};

SessionTraceOrErrors parse_session_trace(std::string_view text, const std::string& name);

}  // namespace shoal::sim
