// SplitMix: a generator of eight bytes (Steele, Lea and Flood 2014), one per simulated host, for draws of the
// network itself (loss, jitter). Nothing secret depends on it; nodes draw from Rng.
#pragma once

#include <cstdint>

namespace shoal::sim {

constexpr std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

class SplitMix {
 public:
  // Streams of different keys of one seed do not overlap in any way that a simulation could notice.
  SplitMix(std::uint64_t seed, std::uint64_t key) : state_(mixed(seed ^ mixed(key + kStep))) {}

  std::uint64_t next() { return mixed(state_ += kStep); }
  // Uniform in [0, 1), 53 bits.
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

 private:
  static constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15u;
  std::uint64_t state_;
};

}  // namespace shoal::sim
