// ReferencedFile: a file that a scenario names (a trace, a matrix of delays), as it was read.
#pragma once

#include <string>

namespace shoal::sim {

struct ReferencedFile {
  std::string name;  // as it stands in the scenario: relative to the scenario's folder
  std::string content;
};

}  // namespace shoal::sim
