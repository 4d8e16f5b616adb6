// Folders of whole runs: the scenarios that we ship.
#include <gmock/gmock.h>

#include "tests/sim/run_scenario_process.h"

namespace shoal::sim {
namespace {

class FoldersOfARun : public RunScenario {
 protected:
  nlohmann::json run_small(const std::string& settings = "") {
    const Outcome outcome =
        run(SHOAL_PROJECT_DIR "/scenarios/folders_small.yaml --no-report --quiet --out results " + settings);
    EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
    return summary("folders_small-seed1");
  }
};

TEST_F(FoldersOfARun, AreKeptInStep) {
  const auto results = run_small();
  EXPECT_EQ(results.at("folder.converged_ratio"), 1);
  EXPECT_EQ(results.at("folder.lost_count"), 0);
  EXPECT_GT(results.at("folder.writes"), 50);
  EXPECT_GT(results.at("folder.scans"), 50);
  EXPECT_LT(results.at("folder.spread_ms.p50"), 1000);
  EXPECT_LT(results.at("folder.bytes_per_written_byte"), 20);
}

TEST_F(FoldersOfARun, AreTheSameForTheSameSeedAndNotForAnother) {
  const auto first = run_small().at("run.trace_hash");
  EXPECT_EQ(run_small().at("run.trace_hash"), first);
  EXPECT_NE(run_small("--set workload.folders.edits_every=6s").at("run.trace_hash"), first);
}

}  // namespace
}  // namespace shoal::sim
