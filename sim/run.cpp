#include "sim/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "node/secure/keys.h"
#include "sim/process.h"
#include "sim/progress_line.h"
#include "sim/resources.h"
#include "sim/simulation.h"
#include "sim/units.h"

namespace shoal::sim {
namespace {

namespace fs = std::filesystem;

RunInfo info_of(const Scenario& scenario, const RunOptions& options) {
  RunInfo info;
  info.scenario = scenario.name;
  info.description = scenario.description;
  info.source = scenario.source;
  info.figure = scenario.figure;
  info.scenario_text = scenario.text;
  info.settings = scenario.settings;
  info.files = scenario.files;
  info.commit = options.commit;
  info.seed = scenario.seed;
  info.duration = scenario.duration;
  info.warm_up = scenario.warm_up;
  info.population = scenario.population.size;
  info.expectations = scenario.expect;
  return info;
}

// Takes the run apart; what the heap gets back with a part is what the part held. Nothing where the allocator
// does not tell.
std::optional<MemoryByHolder> measure_memory(HeapMeter& whole_run, std::unique_ptr<Simulation> simulation,
                                             std::unique_ptr<Network> network) {
  if (!HeapMeter::works()) return std::nullopt;
  MemoryByHolder held = simulation->population().take_apart();
  HeapMeter heap;
  simulation.reset();
  const std::uint64_t population = heap.given_back();
  held.population = population - std::min(population, held.contacts);
  network.reset();
  held.network = heap.given_back();
  held.recorder = whole_run.taken();
  return held;
}

// Runs the simulation and closes the recording.
void simulate(const Scenario& scenario, const RunOptions& options,
              const volatile std::sig_atomic_t& interrupted, Recorder& recorder, TraceLog& trace) {
  HeapMeter heap;
  // lint-allow(clock): sim.wall_s, how long the run took
  const auto started = std::chrono::steady_clock::now();
  const double cpu_started = cpu_seconds();
  std::unique_ptr<Network> network = Network::make(scenario.network, scenario.seed);
  auto simulation = std::make_unique<Simulation>(scenario, *network, recorder);
  simulation->observe_trace(trace);
  ProgressLine progress(fmt::format("{} seed {}", scenario.name, scenario.seed), scenario.duration);
  const Duration reached = simulation->run([&](Duration simulated) {
    if (!options.quiet && progress.due()) {
      progress.show(simulated, network->totals().events, recorder.progress());
    }
    return interrupted == 0;
  });
  progress.end();
  trace.finish();
  RunEnd end;
  // lint-allow(clock): the same
  end.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  end.events = network->totals().events;
  end.datagrams_sent = network->totals().datagrams_sent;
  end.datagrams_buffer_dropped = network->totals().datagrams_buffer_dropped;
  if (scenario.network.topology.kind == TopologySpec::Kind::kRouters) {
    end.router_packets_dropped = network->totals().router_packets_dropped;
  }
  end.cpu_s = cpu_seconds() - cpu_started;
  end.rss_bytes = peak_memory_bytes();
  end.trace_hash = simulation->trace().value();
  end.interrupted = reached < scenario.duration;
  const Instant now = network->now();
  recorder.close(now);
  end.memory = measure_memory(heap, std::move(simulation), std::move(network));
  recorder.finish(now, end);
}

std::string number_text(double number) {
  return fmt::format("{:.6g}", number);
}

void print_results(const Scenario& scenario, const Recorder::Results& results) {
  const auto number = [&](std::string_view name) {
    const auto found = results.summary.find(name);
    if (found == results.summary.end()) return 0.0;
    if (const auto* whole = std::get_if<std::uint64_t>(&found->second)) return static_cast<double>(*whole);
    const auto* real = std::get_if<double>(&found->second);
    return real != nullptr ? *real : 0.0;
  };
  std::string text =
      fmt::format("{} seed {}: {} simulated in {:.1f} s, {:.2f} million events, {:.0f} MiB\n", scenario.name,
                  scenario.seed, print_duration(from_seconds(number("sim.duration_s"))), number("sim.wall_s"),
                  number("sim.events") / 1e6, number("sim.rss_bytes") / (1024 * 1024));
  std::size_t width = 0;
  for (const Verdict& verdict : results.verdicts) {
    width = std::max(width, verdict.expectation.text.size());
  }
  for (const Verdict& verdict : results.verdicts) {
    text += fmt::format("  {:<7}  {:<{}}  {}\n", verdict.met ? "met" : "NOT MET", verdict.expectation.text,
                        width, verdict.value ? number_text(*verdict.value) : "no value");
  }
  std::fputs(text.c_str(), stdout);
}

bool draw_report(const RunOptions& options, const fs::path& directory) {
  // Debian's Python: the modules are its packages.
  const std::array<std::string, 3> command = {
      "/usr/bin/python3", (options.project / "reports" / "report.py").string(), directory.string()};
  std::fflush(stdout);
  if (const int status = run_program(command); status != 0) {
    fmt::print(stderr, "warning: {} {} {} ended with status {}; there is no report\n", command[0], command[1],
               command[2], status);
    return false;
  }
  return true;
}

}  // namespace

fs::path results_directory(const RunOptions& options, const Scenario& scenario) {
  return options.out / fmt::format("{}-seed{}", scenario.name, scenario.seed);
}

ExitStatus run(const Scenario& scenario, const RunOptions& options,
               const volatile std::sig_atomic_t& interrupted) {
  const fs::path directory = results_directory(options, scenario);
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) {
    fmt::print(stderr, "cannot make {}: {}\n", directory.string(), error.message());
    return ExitStatus::kRunFailed;
  }
  init_crypto();
  Oracle oracle(oracle_config_for(scenario.population.node));
  Recorder recorder(info_of(scenario, options), oracle);
  TraceLog trace(options.trace_window);
  simulate(scenario, options, interrupted, recorder, trace);
  if (const Result<void> written = recorder.write(directory, &trace.record()); !written) {
    fmt::print(stderr, "{}\n", written.error().message);
    return ExitStatus::kRunFailed;
  }
  print_results(scenario, recorder.results());
  const bool partial = interrupted != 0;
  if (partial) fmt::print(stderr, "interrupted: the results are partial\n");
  const bool drawn = !options.report || draw_report(options, directory);
  if (!drawn || partial) return ExitStatus::kRunFailed;
  return recorder.results().all_met() ? ExitStatus::kExpectationsHold : ExitStatus::kExpectationsFail;
}

}  // namespace shoal::sim
