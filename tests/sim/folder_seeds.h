// Folder sync under many seeds: each a run of its own, whose failure is told with the fewest hosts that show
// it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/sim/folder_plan.h"

namespace shoal::sim {

inline std::string joined(const std::vector<std::string>& rules) {
  std::string text;
  for (const std::string& rule : rules) text += (text.empty() ? "" : ", ") + rule;
  return text;
}

// Runs the seeds from `first` on. Of one that fails, the smallest run that still does is told.
inline void expect_agreement(std::uint64_t first, std::uint64_t count) {
  constexpr unsigned kHosts = 4;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    std::vector<std::string> fired = perform(folder_plan(seed, kHosts)).fired();
    if (fired.empty()) continue;
    unsigned hosts = kHosts;
    double edits_s = 3;
    for (bool smaller = true; smaller;) {
      smaller = false;
      for (const auto& [fewer, rarer] : {std::pair(hosts - 1, edits_s), std::pair(hosts, edits_s * 2)}) {
        if (fewer < 2 || rarer > 60) continue;
        const auto again = perform(folder_plan(seed, fewer, rarer)).fired();
        if (again.empty()) continue;
        fired = again;
        hosts = fewer;
        edits_s = rarer;
        smaller = true;
        break;
      }
    }
    ADD_FAILURE() << "folder_plan(" << seed << ", " << hosts << ", " << edits_s << ") breaks "
                  << joined(fired);
  }
}

}  // namespace shoal::sim
