// run_scenario: runs scenarios of the simulator. Several files or seeds run as processes of their own, so
// many at once; each writes its results to a directory of its own.
#include <fmt/format.h>
#include <sys/types.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "sim/commit.h"
#include "sim/explain.h"
#include "sim/process.h"
#include "sim/replay.h"
#include "sim/run.h"
#include "sim/scenario_reader.h"

namespace {

namespace fs = std::filesystem;
using namespace shoal::sim;

volatile std::sig_atomic_t interrupted = 0;

void on_interrupt(int) {
  interrupted = 1;
}

struct Options {
  std::vector<std::string> files;
  std::optional<std::uint64_t> seed;
  std::string seeds;
  std::vector<std::string> settings;
  std::string out = "out";
  unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
  bool check = false;
  bool quiet = false;
  bool no_report = false;
  std::string trace_events;
};

struct Task {
  fs::path file;
  std::optional<std::uint64_t> seed;  // nothing: the file's
};

constexpr const char* kExamples = R"(Examples:
  run_scenario bootstrap_50.yaml
  run_scenario churn_500.yaml --seeds 1..8 --jobs 4 --out results
  run_scenario churn_500.yaml --set network.loss=5% --set population.node.alpha=3
  run_scenario replay out/churn_500-seed1      # is it the same again? run_scenario replay --help
  run_scenario explain out/churn_500-seed1 lookup 17   # its story; see run_scenario explain --help

A bare file name that is not here is looked for in scenarios/.
Exit status: 0 all expectations hold, 1 some do not, 2 the file or the command line is wrong, 3 the run failed.)";

// The directory that has both scenarios/ and reports/: that of the build, or one around the working
// directory.
fs::path project_directory() {
  const auto is_project = [](const fs::path& path) {
    return fs::is_directory(path / "scenarios") && fs::is_directory(path / "reports");
  };
  if (is_project(SHOAL_PROJECT_DIR)) return SHOAL_PROJECT_DIR;
  for (fs::path path = fs::current_path();; path = path.parent_path()) {
    if (is_project(path)) return path;
    if (path == path.parent_path()) return SHOAL_PROJECT_DIR;
  }
}

fs::path find_file(const std::string& name) {
  if (fs::exists(name) || fs::path(name).has_parent_path()) return name;
  for (fs::path path = fs::current_path();; path = path.parent_path()) {
    if (fs::exists(path / "scenarios" / name)) return path / "scenarios" / name;
    if (path == path.parent_path()) break;
  }
  const fs::path shipped = project_directory() / "scenarios" / name;
  return fs::exists(shipped) ? shipped : fs::path(name);
}

// "3..7"; nothing when it is not that.
std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_seeds(std::string_view text) {
  std::uint64_t first = 0, last = 0;
  const char* const end = text.data() + text.size();
  const auto a = std::from_chars(text.data(), end, first);
  if (a.ec != std::errc{} || !std::string_view(a.ptr, end).starts_with("..")) return std::nullopt;
  const auto b = std::from_chars(a.ptr + 2, end, last);
  if (b.ec != std::errc{} || b.ptr != end || first > last || last - first >= 100'000) return std::nullopt;
  return std::pair(first, last);
}

// "31s..31.5s"; nothing when it is not that.
std::optional<TraceWindow> parse_window(std::string_view text) {
  const std::size_t dots = text.find("..");
  if (dots == std::string_view::npos) return std::nullopt;
  const auto from = shoal::parse_duration(text.substr(0, dots));
  const auto to = shoal::parse_duration(text.substr(dots + 2));
  if (!from || !to || *from >= *to) return std::nullopt;
  return TraceWindow{shoal::Instant{} + *from, shoal::Instant{} + *to};
}

std::vector<Setting> settings_of(const Options& options, const Task& task) {
  std::vector<Setting> settings;
  for (const std::string& text : options.settings) settings.push_back(*parse_setting(text));
  if (task.seed) settings.push_back({"seed", std::to_string(*task.seed)});
  return settings;
}

std::vector<Task> tasks_of(const Options& options) {
  std::vector<Task> tasks;
  const auto seeds = parse_seeds(options.seeds);
  for (const std::string& name : options.files) {
    const fs::path file = find_file(name);
    if (!seeds) {
      tasks.push_back({file, options.seed});
      continue;
    }
    for (std::uint64_t seed = seeds->first; seed <= seeds->second; ++seed) tasks.push_back({file, seed});
  }
  return tasks;
}

// The scenarios of all tasks; nothing when any has an error, all of which are then printed.
std::optional<std::vector<Scenario>> read_all(const Options& options, const std::vector<Task>& tasks) {
  std::vector<Scenario> scenarios;
  bool good = true;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    // A file with many seeds is wrong once.
    if (!good && i > 0 && tasks[i].file == tasks[i - 1].file) continue;
    ScenarioOrErrors read = read_scenario(tasks[i].file, settings_of(options, tasks[i]));
    for (const ScenarioError& error : read.errors) fmt::print(stderr, "{}\n", error.to_string());
    good = good && read.errors.empty();
    scenarios.push_back(std::move(read.scenario));
  }
  if (!good) return std::nullopt;
  return scenarios;
}

std::vector<std::string> command_of(const Options& options, const Task& task) {
  // This very program, even if the file has been replaced since.
  std::vector<std::string> command = {"/proc/self/exe", task.file.string(), "--quiet", "--out", options.out};
  if (task.seed) command.insert(command.end(), {"--seed", std::to_string(*task.seed)});
  if (options.no_report) command.emplace_back("--no-report");
  if (!options.trace_events.empty()) {
    command.insert(command.end(), {"--trace-events", options.trace_events});
  }
  for (const std::string& setting : options.settings) command.insert(command.end(), {"--set", setting});
  return command;
}

// The most serious of the exit statuses of all runs.
int run_all(const Options& options, const std::vector<Task>& tasks) {
  int worst = 0;
  std::size_t started = 0, running = 0;
  while (running > 0 || (started < tasks.size() && interrupted == 0)) {
    if (started < tasks.size() && running < options.jobs && interrupted == 0) {
      const auto child = spawn(command_of(options, tasks[started++]));
      if (child) {
        ++running;
      } else {
        fmt::print(stderr, "{}\n", child.error().message);
        worst = 3;
      }
      continue;
    }
    const int status = wait_for(-1).status;
    --running;
    worst = std::max(worst, std::min(status, 3));
    if (!options.quiet) fmt::print(stderr, "{} of {} runs done\n", started - running, tasks.size());
  }
  return interrupted != 0 ? 3 : worst;
}

// Large runs wait for memory, and much of that for the translation of addresses: on huge pages they take a
// tenth less CPU time. The allocator reads its settings only when a program starts, so this one starts again;
// where it cannot, the run is only slower. Whoever sets GLIBC_TUNABLES has decided for himself.
void use_huge_pages(const Scenario& scenario, char** argv) {
  static constexpr std::uint32_t kManyHosts = 5'000;
  // lint-allow(environment): where the allocator puts its memory shows in no result
  if (scenario.population.size < kManyHosts || std::getenv("GLIBC_TUNABLES") != nullptr) return;
  setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", 0);
  execv("/proc/self/exe", argv);
}

int run_scenarios(const Options& options, char** argv) {
  const std::vector<Task> tasks = tasks_of(options);
  const auto scenarios = read_all(options, tasks);
  if (!scenarios) return static_cast<int>(ExitStatus::kUsage);
  if (options.check) {
    fmt::print("{} good\n", scenarios->size() == 1 ? "the scenario is" : "all scenarios are");
    return 0;
  }
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  if (tasks.size() > 1) return run_all(options, tasks);
  use_huge_pages(scenarios->front(), argv);
  const RunOptions run_options{options.out,   project_directory(), SHOAL_COMMIT,
                               options.quiet, !options.no_report,  parse_window(options.trace_events)};
  return static_cast<int>(run(scenarios->front(), run_options, interrupted));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "replay") return replay_main(argc - 1, argv + 1, SHOAL_COMMIT);
  if (argc > 1 && std::string_view(argv[1]) == "explain") return explain_main(argc - 1, argv + 1);
  Options options;
  CLI::App app("Runs scenarios: a Shoal network of simulated hosts, measured.", "run_scenario");
  app.footer(kExamples);
  app.add_option("FILE", options.files, "Scenario files")->required();
  // CLI11 takes "-1" for the largest number.
  const auto whole_number = [](const std::string& text) {
    std::uint64_t number = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_one = error == std::errc{} && stop == text.data() + text.size();
    return is_one ? "" : "'" + text + "' was given, expected a whole number from 0 to 2^64 - 1";
  };
  auto* const seed =
      app.add_option("--seed", options.seed, "The seed instead of the file's")->check(whole_number);
  app.add_option("--seeds", options.seeds, "One run for each of the seeds A..B")
      ->excludes(seed)
      ->check([](const std::string& text) {
        return parse_seeds(text) ? "" : "expected a range such as 1..8, of at most 100000 seeds";
      });
  app.add_option("--set", options.settings, "A key of the scenario, KEY.PATH=VALUE; may be repeated")
      ->take_all()
      ->allow_extra_args(false)
      ->check([](const std::string& text) {
        return parse_setting(text) ? "" : "expected KEY.PATH=VALUE such as network.loss=1%";
      });
  app.add_option("--out", options.out, "Results go to DIR/<name>-seed<N>")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_option("--jobs", options.jobs, "Runs at a time")
      ->capture_default_str()
      ->check(whole_number)
      ->check(CLI::Range(1u, 1024u));
  app.add_flag("--check", options.check, "Only check the files");
  app.add_flag("--no-report", options.no_report, "Write summary.json and run.sqlite only");
  app.add_option("--trace-events", options.trace_events,
                 "Keep the events of FROM..TO for a replay, not those of the run's beginning")
      ->type_name("FROM..TO")
      ->check([](const std::string& text) {
        return parse_window(text) ? "" : "expected a span of simulated time such as 31s..32s";
      });
  app.add_flag("--quiet", options.quiet, "No progress");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error);
    return status == 0 ? 0 : static_cast<int>(ExitStatus::kUsage);
  }
  try {
    return run_scenarios(options, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "run_scenario: {}\n", error.what());
    return static_cast<int>(ExitStatus::kRunFailed);
  }
}
