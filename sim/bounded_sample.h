// BoundedSample<T>: an even sample of a stream of unknown length in bounded memory, the same in every run: of
// the values numbered 0, 1, 2, … it keeps those divisible by a stride, which doubles whenever the sample
// overflows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace shoal::sim {

template <class T>
class BoundedSample {
 public:
  explicit BoundedSample(std::size_t size_max) : size_max_(size_max) {}

  // Would the next value be kept? Ask before building an expensive one, then pass it to add() or call skip().
  bool wants_next() const { return next_ % stride_ == 0; }

  void skip() { ++next_; }

  void add(T value) {
    if (wants_next()) {
      values_.push_back(std::move(value));
      if (values_.size() > size_max_) thin();
    }
    ++next_;
  }

  // In the order they came.
  const std::vector<T>& values() const { return values_; }
  std::uint64_t seen() const { return next_; }

 private:
  // The kept values are numbered 0, stride, 2 * stride, …: every other one stays.
  void thin() {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < values_.size(); i += 2) {
      if (kept != i) values_[kept] = std::move(values_[i]);
      ++kept;
    }
    values_.erase(values_.begin() + static_cast<std::ptrdiff_t>(kept), values_.end());
    stride_ *= 2;
  }

  std::size_t size_max_;
  std::uint64_t stride_ = 1;
  std::uint64_t next_ = 0;
  std::vector<T> values_;
};

}  // namespace shoal::sim
