// The oracle's rules of folders: which fire when a test breaks a run on purpose (sabotaged_run.h).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/sim/folder_plan.h"

namespace shoal::sim {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

// Nobody edits any longer, nothing is broken, and the oracle does not look just now.
constexpr Duration kCalm = 6min + 5s;

FolderDisk& disk_of(Stage& stage, std::size_t member) {
  Population& population = stage.simulation.population();
  return *population.folder_disk(population.groups().members(0)[member]);
}

// Some file of the folder.
std::string a_file(FolderDisk& disk) {
  for (const auto& [path, thing] : disk.look(Population::folder_root(0))) {
    if (thing.kind == FileKind::kFile) return Population::folder_root(0).substr(1) + "/" + path;
  }
  return {};
}

TEST(OracleFolderSabotage, AFolderThatNobodyBreaksFiresNothing) {
  const Seen seen = perform(folder_plan());
  EXPECT_THAT(seen.fired(), IsEmpty());
  for (const char* rule :
       {"folder_diverged", "folder_content_lost", "folder_foreign", "folder_torn", "scan_unpaired"}) {
    EXPECT_GT(seen.checks.at(rule), 10u) << rule;
  }
}

// A host that is there, and whose disk takes nothing any longer.
TEST(OracleFolderSabotage, SeesAMemberThatStaysBehind) {
  Plan plan = folder_plan();
  plan.sabotage = [](Stage& stage) { stage.at(90s, [&stage] { disk_of(stage, 1).set_full(true); }); };
  EXPECT_THAT(perform(plan).fired(), Contains("folder_diverged"));
}

TEST(OracleFolderSabotage, SeesAContentThatVanishesEverywhere) {
  Plan plan = folder_plan();
  plan.sabotage = [](Stage& stage) {
    stage.at(kCalm, [&stage] {
      const std::string file = a_file(disk_of(stage, 0));
      for (std::size_t member = 0; member < 4; ++member) {
        static_cast<void>(disk_of(stage, member).disk().remove_tree(file));
      }
    });
  };
  EXPECT_THAT(perform(plan).fired(), ElementsAre("folder_content_lost"));
}

TEST(OracleFolderSabotage, SeesAContentThatNobodyWrote) {
  Plan plan = folder_plan();
  plan.sabotage = [](Stage& stage) {
    stage.at(kCalm, [&stage] {
      static_cast<void>(disk_of(stage, 1).disk().write_file("folder-0/f1000000.txt", Bytes{1, 2, 3}));
    });
  };
  EXPECT_THAT(perform(plan).fired(), ElementsAre("folder_foreign"));
}

TEST(OracleFolderSabotage, SeesHalfOfAContent) {
  Plan plan = folder_plan();
  plan.sabotage = [](Stage& stage) {
    stage.at(kCalm, [&stage] {
      MemoryDisk& disk = disk_of(stage, 1).disk();
      Bytes bytes = disk.read_file(a_file(disk_of(stage, 1))).value();
      bytes.resize(bytes.size() / 2);
      static_cast<void>(disk.write_file("folder-0/f1000000.txt", bytes));
    });
  };
  EXPECT_THAT(perform(plan).fired(), ElementsAre("folder_torn"));
}

TEST(OracleFolderSabotage, SeesANameThatNobodyGave) {
  Plan plan = folder_plan();
  plan.sabotage = [](Stage& stage) {
    stage.at(kCalm, [&stage] {
      MemoryDisk& disk = disk_of(stage, 1).disk();
      static_cast<void>(disk.rename(a_file(disk_of(stage, 1)), "folder-0/.f1.txt.part"));
    });
  };
  EXPECT_THAT(perform(plan).fired(), ElementsAre("folder_torn"));
}

TEST(OracleFolderSabotage, SeesAScanThatNeverEnded) {
  Plan plan = folder_plan();
  plan.sabotage = [](Stage& stage) {
    stage.at(kCalm, [&stage] {
      std::vector<FolderMember> members = stage.simulation.population().folder_members(0, false);
      members.at(1).running.value().scans_started += 2;
      stage.recorder.saw_folder(0, members, stage.network.now());
    });
  };
  EXPECT_THAT(perform(plan).fired(), ElementsAre("scan_unpaired"));
}

}  // namespace
}  // namespace shoal::sim
