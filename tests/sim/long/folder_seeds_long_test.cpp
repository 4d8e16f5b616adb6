// As folder_seeds_test.cpp, with more seeds.
#include "tests/sim/folder_seeds.h"

namespace shoal::sim {
namespace {

TEST(FolderSeedsLong, NothingIsLostAndAllAgree) {
  expect_agreement(1'000, 300);
}

}  // namespace
}  // namespace shoal::sim
