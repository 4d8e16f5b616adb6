// Warnings: sentences for the log that no return value carries, kept until somebody takes them.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace shoal {

class Warnings {
 public:
  static constexpr std::size_t kCountMax = 64;  // more are dropped: they repeat the first

  void add(std::string warning) {
    if (kept_.size() < kCountMax) kept_.push_back(std::move(warning));
  }
  std::vector<std::string> take() { return std::exchange(kept_, {}); }

 private:
  std::vector<std::string> kept_;
};

}  // namespace shoal
