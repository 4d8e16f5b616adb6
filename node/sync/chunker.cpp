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

// What a byte adds once the next has rolled in as well.
constexpr std::array<std::uint64_t, 256> kGearOneEarlier = [] {
  std::array<std::uint64_t, 256> gear = kGear;
  for (std::uint64_t& word : gear) word <<= 1;
  return gear;
}();

// A cut needs a hash below the limit: its highest bits, which depend on the last 64 bytes, are zero then. 17
// of them in a part's first 26 KiB, 13 beyond; so the mean comes to 32 KiB, and 1 part in 160 is cut by
// force.
constexpr std::uint64_t kStrictLimit = std::uint64_t{1} << (64 - 17);
constexpr std::uint64_t kLooseLimit = std::uint64_t{1} << (64 - 13);
constexpr std::size_t kStrictBytes = 26 << 10;

// The first place from `begin` on, before `end`, whose hash is below the limit; `end` when there is none. Two
// bytes a step: each hash waits for the one before, and so there are half as many to wait for.
std::size_t roll(const std::uint8_t* bytes, std::size_t begin, std::size_t end, std::uint64_t limit,
                 std::uint64_t& hash) {
  std::uint64_t rolling = hash;
  std::size_t i = begin;
  for (; i + 2 <= end; i += 2) {
    const std::uint64_t first = (rolling << 1) + kGear[bytes[i]];
    rolling = (rolling << 2) + (kGearOneEarlier[bytes[i]] + kGear[bytes[i + 1]]);
    if (first < limit) [[unlikely]] {
      return i;
    }
    if (rolling < limit) [[unlikely]] {
      return i + 1;
    }
  }
  if (i < end) {
    rolling = (rolling << 1) + kGear[bytes[i]];
    if (rolling < limit) return i;
  }
  hash = rolling;
  return end;
}

}  // namespace

std::size_t next_cut(ByteView bytes, bool is_end) {
  if (bytes.size() < kPartBytesMax && !is_end) return 0;
  if (bytes.size() <= kPartBytesMin) return bytes.size();
  const std::size_t end = std::min(bytes.size(), kPartBytesMax);
  const std::size_t strict_end = std::min(end, kStrictBytes);
  std::uint64_t hash = 0;
  std::size_t cut = roll(bytes.data(), kPartBytesMin, strict_end, kStrictLimit, hash);
  if (cut == strict_end) cut = roll(bytes.data(), strict_end, end, kLooseLimit, hash);
  return cut == end ? end : cut + 1;
}

}  // namespace shoal::sync
