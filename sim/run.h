// One run of a scenario in this process, with its results on disk and on standard output.
#pragma once

#include <csignal>
#include <filesystem>
#include <optional>
#include <string>

#include "sim/scenario.h"
#include "sim/trace_log.h"

namespace shoal::sim {

// What run_scenario's exit status says.
enum class ExitStatus : int {
  kExpectationsHold = 0,
  kExpectationsFail = 1,
  kUsage = 2,      // the file or the command line is wrong
  kRunFailed = 3,  // the run, or writing or drawing its results
};

struct RunOptions {
  std::filesystem::path out;                // results go to out/<name>-seed<N>
  std::filesystem::path project;            // where reports/report.py is
  std::string commit;                       // of the build
  bool quiet = false;                       // no progress
  bool report = true;                       // draw report.html
  std::optional<TraceWindow> trace_window;  // the events to keep; nothing: the first
};

std::filesystem::path results_directory(const RunOptions& options, const Scenario& scenario);

// Runs until the scenario's end, or until `interrupted` is not 0: then what there is becomes the result,
// marked as partial. Call once in a process.
ExitStatus run(const Scenario& scenario, const RunOptions& options,
               const volatile std::sig_atomic_t& interrupted);

}  // namespace shoal::sim
