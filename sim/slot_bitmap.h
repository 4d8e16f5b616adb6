// SlotBitmap: which of N slots are filled, and the next one that is.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace shoal::sim {

template <std::size_t N>
class SlotBitmap {
  static_assert(N % 64 == 0);

 public:
  void set(std::size_t slot) { words_[slot / 64] |= std::uint64_t{1} << slot % 64; }
  void clear(std::size_t slot) { words_[slot / 64] &= ~(std::uint64_t{1} << slot % 64); }

  // The first filled slot of [from, N); N when there is none.
  std::size_t next(std::size_t from) const {
    if (from >= N) return N;
    std::size_t i = from / 64;
    std::uint64_t word = words_[i] & (~std::uint64_t{0} << from % 64);
    while (word == 0) {
      if (++i == words_.size()) return N;
      word = words_[i];
    }
    return i * 64 + static_cast<std::size_t>(std::countr_zero(word));
  }

 private:
  std::array<std::uint64_t, N / 64> words_{};
};

}  // namespace shoal::sim
