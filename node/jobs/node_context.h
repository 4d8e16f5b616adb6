// NodeContext: what every part of a node needs, held once by the Node and handed to its parts by reference.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "node/base/agenda.h"
#include "node/base/guid.h"
#include "node/base/network_time.h"
#include "node/base/rng.h"
#include "node/config.h"
#include "node/counters.h"
#include "node/jobs/deadline.h"
#include "node/jobs/job_queue.h"
#include "node/ports/clock.h"

namespace shoal {

struct NodeContext {
  NodeConfig config;
  Clock& clock;
  Rng rng;
  JobQueue jobs;
  Agenda<Deadline> agenda;
  NodeCounters counters;
  std::vector<std::pair<CommandId, CommandResult>> results;  // delivered at the end of run_jobs
  NetworkTime network_time{};

  // A job that the full queue refuses is counted; a command is answered kBusy, and maintenance is tried
  // again.
  void post(JobClass job_class, Job job) {
    std::optional<Job> refused = jobs.push(job_class, std::move(job));
    if (!refused) return;
    ++counters.dropped_queue_full;
    if (const auto* command = std::get_if<HandleCommand>(&*refused)) {
      results.emplace_back(command->id, fail(ErrorCode::kBusy, "the node's job queue is full"));
    } else if (const auto* maintenance = std::get_if<MaintainConnections>(&*refused)) {
      after(std::chrono::seconds(1), maintenance->what);
    }
  }

  Instant now() const { return clock.now(); }
  // For whatever crosses hosts: our own clock, unless most others say that it is wrong.
  WallTime wall_time() const { return network_time.wall_time(clock.wall_time(), clock.now()); }
  void at(Instant when, DeadlineKind kind, Guid guid = {}) { agenda.add(when, Deadline{kind, guid}); }
  void after(Duration delay, DeadlineKind kind, Guid guid = {}) { at(now() + delay, kind, guid); }
};

}  // namespace shoal
