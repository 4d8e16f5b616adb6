// The program run_scenario as tests run it: in a directory of their own, which has tiny.yaml and goes
// afterwards.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sim/process.h"

namespace shoal::sim {

namespace fs = std::filesystem;

// Twelve hosts that come and go for two simulated minutes.
inline constexpr const char* kTiny = R"(name: tiny
duration: 2min
warm_up: 30s
network: {fidelity: message, loss: 1%, jitter: 2ms}
population: {size: 12, arrival: {over: 5s}}
churn: {session: {exponential: {mean: 60s}}, absence: {exponential: {mean: 10s}}}
workload:
  lookups: {every: 5s}
  items: {count: 5, size: [10B, 500B], put_over: 10s, get_every: 5s}
)";

inline std::string contents(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

class RunScenario : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = fs::temp_directory_path() / ("shoal_run_scenario_" + std::to_string(getpid()));
    fs::create_directories(directory_);
    write("tiny.yaml", kTiny);
  }
  void TearDown() override { fs::remove_all(directory_); }

  void write(const std::string& name, const std::string& text) { std::ofstream(directory_ / name) << text; }

  struct Outcome {
    int status = 0;
    std::string out, err;
  };
  // In `directory_`; the results of its runs go to directory_/results.
  Outcome run(const std::string& arguments) {
    const std::string command = "cd " + directory_.string() + " && " SHOAL_RUN_SCENARIO " " + arguments +
                                " > stdout.txt 2> stderr.txt";
    const std::vector<std::string> argv = {"/bin/sh", "-c", command};
    Outcome outcome;
    outcome.status = run_program(argv);
    outcome.out = contents(directory_ / "stdout.txt");
    outcome.err = contents(directory_ / "stderr.txt");
    return outcome;
  }
  nlohmann::json summary(const std::string& run_name) {
    return nlohmann::json::parse(contents(directory_ / "results" / run_name / "summary.json"));
  }
  // The first column of a query of run.sqlite.
  std::vector<std::string> query(const std::string& run_name, const std::string& sql) {
    SQLite::Database database((directory_ / "results" / run_name / "run.sqlite").string());
    SQLite::Statement rows(database, sql);
    std::vector<std::string> column;
    while (rows.executeStep()) column.push_back(rows.getColumn(0).getString());
    return column;
  }
  std::vector<std::string> sessions(const std::string& run_name) {
    return query(run_name,
                 "SELECT host || ' ' || id || ' ' || begin_s || ' ' || coalesce(end_s, 'online') "
                 "FROM sessions ORDER BY host, begin_s");
  }

  fs::path directory_;
};

}  // namespace shoal::sim
