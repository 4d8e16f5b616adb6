#include "sim/replay.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "node/secure/keys.h"
#include "sim/host_name.h"
#include "sim/progress_line.h"
#include "sim/simulation.h"
#include "sim/stored_run.h"
#include "sim/trace_comparison.h"
#include "sim/units.h"

namespace shoal::sim {
namespace {

enum class ReplayStatus : int { kSame = 0, kDiffers = 1, kUsage = 2, kFailed = 3 };

constexpr const char* kExamples = R"(Examples:
  run_scenario replay out/churn_500-seed1
  run_scenario replay out/churn_500-seed1 --set network.loss=1%   # the first event that more loss changes

A result has all that its run was made of: the scenario, what --set changed, the files that it names.
Exit status: 0 the same run, 1 the runs differ, 2 the command line or the directory is wrong, 3 it could not be run.)";

constexpr std::size_t kBetweenShown = 10;

struct Options {
  std::string directory;
  std::vector<std::string> settings;
  bool quiet = false;
};

// Of the run that was replayed, as far as it went.
struct Replayed {
  std::uint64_t trace_hash = 0;
  std::uint64_t jobs = 0;
};

std::string event_text(const TraceEvent& event) {
  return fmt::format("{:>14.9f} s  {:<10}  {:<20}  guid {}:{}  {} bytes  hash …{:08x}",
                     to_seconds(event.when - Instant{}), host_name(event.host), to_string(event.kind),
                     event.guid.slot, event.guid.generation, event.bytes,
                     static_cast<std::uint32_t>(event.hash));
}

std::string side_text(const std::optional<TraceEvent>& event, bool known_to_have_ended) {
  if (event) return event_text(*event);
  return known_to_have_ended ? "the run has ended" : "another event, which the result does not keep";
}

// Only what is above the difference is told apart by name; else the contents differ.
std::string what_differs(const TraceEvent& a, const TraceEvent& b) {
  std::vector<std::string> parts;
  if (a.when != b.when) parts.emplace_back("time");
  if (a.host != b.host) parts.emplace_back("host");
  if (a.kind != b.kind) parts.emplace_back("kind");
  if (a.guid != b.guid) parts.emplace_back("guid");
  if (a.bytes != b.bytes) parts.emplace_back("size");
  return parts.empty() ? "content" : fmt::format("{}", fmt::join(parts, ", "));
}

void print_known(const TraceComparison::Parting& parting, const TraceRecord& stored) {
  const bool stored_ended = parting.first_job > stored.checkpoints.back().job;
  fmt::print("They part at job {}:\n", parting.first_job);
  fmt::print("  stored  {}\n", side_text(parting.stored, stored_ended));
  fmt::print("  now     {}\n", side_text(parting.now, true));
  if (parting.stored && parting.now) fmt::print("  in its {}\n", what_differs(*parting.stored, *parting.now));
}

void print_between(const TraceComparison::Parting& parting) {
  const auto& events = parting.between;
  fmt::print("They part at one of the jobs {} to {}, of which the result keeps no events. This run's:\n",
             parting.first_job, parting.last_job);
  for (std::size_t i = 0; i < std::min(events.size(), kBetweenShown); ++i) {
    fmt::print("  {:>10}  {}\n", events[i].job, event_text(events[i]));
  }
  if (events.size() > kBetweenShown) fmt::print("  … and {} more\n", events.size() - kBetweenShown);
  // Whole milliseconds that hold all of them.
  const auto floor_ms = [](Instant when) { return (when - Instant{}) / 1ms; };
  fmt::print(
      "To name it, run the scenario again where it was run, with --trace-events {}ms..{}ms, and replay that "
      "result.\n",
      floor_ms(events.front().when), floor_ms(parting.done) + 1);
}

void print_parting(const TraceComparison::Parting& parting, const TraceRecord& stored) {
  if (parting.is_known()) {
    print_known(parting, stored);
  } else {
    print_between(parting);
  }
  if (parting.common.empty()) return;
  fmt::print("The last jobs that are the same:\n");
  for (const TraceEvent& event : parting.common) fmt::print("  {:>10}  {}\n", event.job, event_text(event));
}

// Until the end of the stored run, or until the two part.
Replayed run_again(const Scenario& scenario, const StoredRun& stored, bool quiet,
                   TraceComparison& comparison) {
  init_crypto();
  OracleConfig oracle_config;
  oracle_config.k = scenario.population.node.k;
  Oracle oracle(oracle_config);
  RunInfo info;
  info.seed = scenario.seed;
  info.duration = scenario.duration;
  info.warm_up = scenario.warm_up;
  info.population = scenario.population.size;
  Recorder recorder(std::move(info), oracle);
  const std::unique_ptr<Network> network = Network::make(scenario.network, scenario.seed);
  Simulation simulation(scenario, *network, recorder);
  simulation.observe_trace(comparison);
  ProgressLine progress(fmt::format("{} seed {}", scenario.name, scenario.seed), scenario.duration);
  simulation.run([&](Duration simulated) {
    if (!quiet && progress.due()) progress.show(simulated, network->totals().events, recorder.progress());
    return simulated < stored.reached && !comparison.parting();
  });
  progress.end();
  comparison.finish();
  return {simulation.trace().value(), simulation.trace().jobs()};
}

int replay(const Options& options, const std::string& commit) {
  const Result<StoredRun> stored = load_run(options.directory);
  if (!stored) {
    fmt::print(stderr, "{}\n", stored.error().message);
    return static_cast<int>(ReplayStatus::kUsage);
  }
  std::vector<Setting> more;
  for (const std::string& text : options.settings) more.push_back(*parse_setting(text));
  const ScenarioOrErrors read = parse_stored(*stored, more);
  for (const ScenarioError& error : read.errors) fmt::print(stderr, "{}\n", error.to_string());
  if (!read.errors.empty())
    return static_cast<int>(more.empty() ? ReplayStatus::kFailed : ReplayStatus::kUsage);

  if (stored->commit != commit) {
    fmt::print("the result is of build {}, this is {}\n", stored->commit, commit);
  }
  TraceComparison comparison(stored->trace);
  const Replayed now = run_again(read.scenario, *stored, options.quiet, comparison);
  const std::string run_name = fmt::format("{} seed {}", read.scenario.name, read.scenario.seed);
  const std::string hash = fmt::format("{:016x}", now.trace_hash);
  if (!comparison.parting() && hash == stored->trace_hash) {
    fmt::print("{}: the same run: trace hash {} over {} jobs, {} simulated\n", run_name, hash, now.jobs,
               print_duration(stored->reached));
    return static_cast<int>(ReplayStatus::kSame);
  }
  fmt::print("{}: NOT the same run: the stored one has trace hash {} over {} jobs\n", run_name,
             stored->trace_hash, stored->trace.checkpoints.back().job);
  if (comparison.parting()) {
    print_parting(*comparison.parting(), stored->trace);
  } else {
    fmt::print("Every job is the same, but the hash is now {}\n", hash);
  }
  return static_cast<int>(ReplayStatus::kDiffers);
}

}  // namespace

int replay_main(int argc, char** argv, const char* commit) {
  Options options;
  CLI::App app(
      "Runs a result again from what it stored, and says whether it comes out the same, or else where the\n"
      "two runs part.",
      "run_scenario replay");
  app.footer(kExamples);
  app.add_option("DIR", options.directory, "The directory of the result")->required();
  app.add_option("--set", options.settings, "Also change KEY.PATH=VALUE in the scenario; may be repeated")
      ->take_all()
      ->allow_extra_args(false)
      ->check([](const std::string& text) {
        return parse_setting(text) ? "" : "expected KEY.PATH=VALUE such as network.loss=1%";
      });
  app.add_flag("--quiet", options.quiet, "No progress");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(ReplayStatus::kUsage);
  }
  try {
    return replay(options, commit);
  } catch (const std::exception& error) {
    fmt::print(stderr, "run_scenario replay: {}\n", error.what());
    return static_cast<int>(ReplayStatus::kFailed);
  }
}

}  // namespace shoal::sim
