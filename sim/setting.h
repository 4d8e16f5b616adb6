// Setting: what the command line changes in a scenario.
#pragma once

#include <string>

namespace shoal::sim {

// A key that the command line sets (--set network.loss=1%): its dotted path, and its value as YAML. The
// number of an entry stands for a key in lists (faults.0.at).
struct Setting {
  std::string path;
  std::string value;
};

}  // namespace shoal::sim
