// DelayMatrix: measured delays between places, from a CSV file: as many lines as each has numbers, the delay
// in milliseconds from the line's place to the column's. On the diagonal stands what two hosts of one place
// are apart. It need not be symmetric. Lines that open with # and empty ones are passed over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "node/base/instant.h"
#include "sim/yaml_section.h"

namespace shoal::sim {

class DelayMatrix {
 public:
  // `one_way_us`: row by row, size * size of them.
  DelayMatrix(std::uint32_t size, std::vector<std::uint32_t> one_way_us)
      : size_(size), one_way_us_(std::move(one_way_us)) {}

  std::uint32_t size() const { return size_; }
  Duration one_way(std::uint32_t from, std::uint32_t to) const {
    return std::chrono::microseconds(one_way_us_[std::size_t{from} * size_ + to]);
  }

  static constexpr std::uint32_t kSizeMax = 4096;  // 64 MiB
  static constexpr double kMillisecondsMax = 20'000;

 private:
  std::uint32_t size_;
  std::vector<std::uint32_t> one_way_us_;
};

struct DelayMatrixOrErrors {
  DelayMatrix matrix;
  std::vector<ScenarioError> errors;  // by file, line and column
};

// `round_trips`: the numbers are, and half of each counts.
DelayMatrixOrErrors parse_delay_matrix(std::string_view text, const std::string& name, bool round_trips);

}  // namespace shoal::sim
