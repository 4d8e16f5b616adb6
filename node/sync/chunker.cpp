#include "node/sync/chunker.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace shoal::sync {
namespace {

// SplitMix64 (Steele et al. 2014) from 0: any fixed table of random words will do, and this one is written
// down in a line.
constexpr std::array<std::uint64_t, 256> make_gear() {
  std::array<std::uint64_t, 256> gear{};
  std::uint64_t state = 0;
  for (std::uint64_t& word : gear) {
    state += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    word = mixed ^ (mixed >> 31);
  }
  return gear;
}
constexpr std::array<std::uint64_t, 256> kGear = make_gear();

// The highest bits of the hash depend on the last 64 bytes. 17 of them before the mean, 13 after it.
constexpr std::uint64_t kStrictMask = ~std::uint64_t{0} << (64 - 17);
constexpr std::uint64_t kLooseMask = ~std::uint64_t{0} << (64 - 13);

// The first place from `begin` on, before `end`, at which the hash has no bit of the mask; `end` when there
// is none.
std::size_t roll(const std::uint8_t* bytes, std::size_t begin, std::size_t end, std::uint64_t mask,
                 std::uint64_t& hash) {
  std::uint64_t rolling = hash;
  for (std::size_t i = begin; i < end; ++i) {
    rolling = (rolling << 1) + kGear[bytes[i]];
    if ((rolling & mask) == 0) return i;
  }
  hash = rolling;
  return end;
}

}  // namespace

std::size_t next_cut(ByteView bytes, bool is_end) {
  if (bytes.size() < kPartBytesMax && !is_end) return 0;
  if (bytes.size() <= kPartBytesMin) return bytes.size();
  const std::size_t end = std::min(bytes.size(), kPartBytesMax);
  const std::size_t mean = std::min(end, kPartBytesMean);
  std::uint64_t hash = 0;
  std::size_t cut = roll(bytes.data(), kPartBytesMin, mean, kStrictMask, hash);
  if (cut == mean) cut = roll(bytes.data(), mean, end, kLooseMask, hash);
  return cut == end ? end : cut + 1;
}

}  // namespace shoal::sync
