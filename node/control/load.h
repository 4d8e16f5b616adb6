// Load: how full one of the parts of a node is that grow with what others do.
#pragma once

#include <cstddef>
#include <string_view>

namespace shoal {

struct Load {
  std::string_view part;
  std::size_t size = 0;
  std::size_t size_max = 0;  // `size` never passes it
};

}  // namespace shoal
