// Folder sync under random edits, crashes and a partition: nothing is lost, torn or invented, and all agree
// in the end; and what is broken on purpose is found.
#include "tests/sim/folder_seeds.h"

#include <gmock/gmock.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/broken_folders.h"

namespace shoal::sim {
namespace {

TEST(FolderSeeds, NothingIsLostAndAllAgree) {
  expect_agreement(1, 20);
}

// A few seeds are enough to find each of them.
constexpr std::uint64_t kSeedsMax = 10;

FolderDisk::Hooks with(FolderBug bug) {
  FolderDisk::Hooks hooks;
  hooks.wrap = [bug](Folders& inner) { return std::make_unique<BrokenFolders>(inner, bug); };
  return hooks;
}

bool is_found(const std::function<FolderDisk::Hooks()>& hooks) {
  for (std::uint64_t seed = 1; seed <= kSeedsMax; ++seed) {
    Plan plan = folder_plan(seed);
    plan.sabotage = [&](Stage& stage) { stage.simulation.population().set_folder_hooks(hooks()); };
    if (!perform(plan).fired().empty()) return true;
  }
  return false;
}

struct NamedBug {
  const char* name;
  FolderBug bug;
};

class FolderBugs : public testing::TestWithParam<NamedBug> {};

TEST_P(FolderBugs, AreFound) {
  EXPECT_TRUE(is_found([] { return with(GetParam().bug); }));
}

TEST(FolderSeeds, NothingIsFoundWhereNothingIsBroken) {
  EXPECT_FALSE(is_found([] { return with(FolderBug::kNone); }));
}

// What was copied is verified like what a peer sends, and then comes from a peer.
TEST(FolderSeeds, CopiesThatAreMixedUpDoNoHarm) {
  EXPECT_FALSE(is_found([] { return with(FolderBug::kMixedUp); }));
}

INSTANTIATE_TEST_SUITE_P(OfDisks, FolderBugs,
                         testing::Values(NamedBug{"NoFsync", FolderBug::kNoFsync},
                                         NamedBug{"HalfWrites", FolderBug::kHalfWrites},
                                         NamedBug{"NoRename", FolderBug::kNoRename},
                                         NamedBug{"NoWatch", FolderBug::kNoWatch}),
                         [](const auto& test) { return std::string(test.param.name); });

// Every seventh entry is never written, though the knowledge of it is.
TEST(FolderIndexBugs, AnIndexThatLosesEntriesIsFound) {
  EXPECT_TRUE(is_found([] {
    FolderDisk::Hooks hooks;
    hooks.spoil = [rows = 0u](IndexBatch& batch) mutable {
      std::erase_if(batch.rows, [&](const IndexRow& row) {
        return row.key.table == IndexTable::kEntry && ++rows % 7 == 0;
      });
    };
    return hooks;
  }));
}

}  // namespace
}  // namespace shoal::sim
