// The job queue and the agenda: what every event of a node passes through.
#include <benchmark/benchmark.h>

#include "bench/counted.h"
#include "node/base/agenda.h"
#include "node/base/rng.h"
#include "node/jobs/deadline.h"
#include "node/jobs/job_queue.h"
#include "node/secure/keys.h"

namespace shoal {
namespace {

// One job in and out, with as many others queued in all classes.
void BM_job_queue(benchmark::State& state) {
  const auto queued = static_cast<std::size_t>(state.range(0));
  JobQueue queue(queued + 8);
  const auto class_of = [](std::size_t i) { return static_cast<JobClass>(1 + i % (kJobClasses - 1)); };
  for (std::size_t i = 0; i < queued; ++i)
    benchmark::DoNotOptimize(queue.push(class_of(i), HandleDeadlines{}));
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(queue.push(class_of(i++), HandleDeadlines{}));
    benchmark::DoNotOptimize(queue.pop());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_job_queue)->Arg(0)->Arg(1'000)->Apply(counted);

// One deadline in and out, with as many others waiting.
void BM_agenda(benchmark::State& state) {
  init_crypto();
  Rng rng = Rng::keyed(1, "bench", "agenda");
  Agenda<Deadline> agenda;
  Instant now{};
  const auto add = [&] {
    const auto delay = Duration(static_cast<Duration::rep>(rng.below(1'000'000'000)));
    agenda.add(now + delay, Deadline{DeadlineKind::kRequest, {}});
  };
  for (std::int64_t i = 0; i < state.range(0); ++i) add();
  for (auto _ : state) {
    add();
    now = agenda.next();
    benchmark::DoNotOptimize(agenda.pop_due(now));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_agenda)->Arg(10)->Arg(1'000)->Apply(counted);

}  // namespace
}  // namespace shoal
