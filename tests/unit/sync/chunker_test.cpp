#include "node/sync/chunker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "node/base/rng.h"

namespace shoal::sync {
namespace {

Bytes random_bytes(std::size_t count, std::string_view name) {
  Bytes bytes(count);
  Rng rng = Rng::keyed(1, "test", name);
  rng.fill(bytes);
  return bytes;
}

// Lines of words that come again and again, as in prose and programs.
Bytes prose(std::size_t count) {
  Rng rng = Rng::keyed(1, "test", "prose");
  std::vector<std::string> words(2'000);
  for (std::string& word : words) {
    word.resize(1 + rng.below(10));
    for (char& letter : word) letter = static_cast<char>('a' + rng.below(26));
  }
  Bytes bytes;
  bytes.reserve(count + 16);
  while (bytes.size() < count) {
    // The more often the lower its number, roughly as in a language.
    const std::uint64_t bound = 1 + rng.below(words.size());
    const std::string& word = words[rng.below(bound)];
    bytes.insert(bytes.end(), word.begin(), word.end());
    bytes.push_back(rng.below(12) == 0 ? '\n' : ' ');
  }
  bytes.resize(count);
  return bytes;
}

std::vector<std::size_t> lengths_of(ByteView bytes) {
  std::vector<std::size_t> lengths;
  while (!bytes.empty()) {
    const std::size_t length = next_cut(bytes, true);
    if (length == 0 || length > bytes.size()) {
      ADD_FAILURE() << "a part of " << length << " of " << bytes.size() << " bytes";
      return lengths;
    }
    lengths.push_back(length);
    bytes = bytes.subspan(length);
  }
  return lengths;
}

// The cuts are part of the protocol: hosts that cut otherwise share no parts, and do not agree on roots.
TEST(Chunker, CutsWhereItAlwaysDid) {
  EXPECT_EQ(lengths_of(random_bytes(512 << 10, "golden")),
            std::vector<std::size_t>({35352, 42116, 32609, 36954, 32262, 22987, 31599, 19913, 57509, 18100,
                                      29752, 29675, 27446, 31655, 32011, 28914, 15434}));
  EXPECT_EQ(lengths_of(prose(256 << 10)),
            std::vector<std::size_t>({27750, 27751, 52881, 29549, 42484, 53542, 13833, 14354}));
}

// FastCDC as the papers write it, a byte a step.
std::size_t cut_by_the_book(ByteView bytes, const std::vector<std::uint64_t>& gear) {
  if (bytes.size() <= kPartBytesMin) return bytes.size();
  const std::size_t end = std::min(bytes.size(), kPartBytesMax);
  std::uint64_t hash = 0;
  for (std::size_t i = kPartBytesMin; i < end; ++i) {
    hash = (hash << 1) + gear[bytes[i]];
    if (hash >> (i < (26 << 10) ? 64 - 17 : 64 - 13) == 0) return i + 1;
  }
  return end;
}

std::vector<std::uint64_t> splitmix_gear() {
  std::vector<std::uint64_t> gear;
  for (std::uint64_t i = 1; i <= 256; ++i) {
    std::uint64_t word = i * 0x9e3779b97f4a7c15;
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
    word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
    gear.push_back(word ^ (word >> 31));
  }
  return gear;
}

TEST(Chunker, TwoBytesAStepCutWhereOneByteAStepDoes) {
  const std::vector<std::uint64_t> gear = splitmix_gear();
  // SplitMix64's first word from 0, as its authors publish it.
  EXPECT_EQ(gear[0], 0xe220a8397b1dcdafu);
  const Bytes bytes = random_bytes(8 << 20, "by the book");
  std::size_t odd = 0;
  for (ByteView rest = bytes; !rest.empty();) {
    const std::size_t length = next_cut(rest, true);
    ASSERT_EQ(length, cut_by_the_book(rest, gear)) << "at byte " << bytes.size() - rest.size();
    odd += length % 2;
    rest = rest.subspan(length);
  }
  EXPECT_GT(odd, 50u);
  for (std::size_t size = kPartBytesMin - 2; size < kPartBytesMin + 300; ++size) {
    const ByteView whole = ByteView(bytes).last(size);
    EXPECT_EQ(next_cut(whole, true), cut_by_the_book(whole, gear)) << size << " bytes";
  }
}

TEST(Chunker, MeanPartIsNear32KiB) {
  for (const Bytes& bytes : {random_bytes(16 << 20, "mean"), prose(16 << 20)}) {
    const auto mean = static_cast<double>(bytes.size()) / static_cast<double>(lengths_of(bytes).size());
    EXPECT_NEAR(mean, kPartBytesMean, 0.08 * kPartBytesMean);
  }
}

TEST(Chunker, KeepsToItsBounds) {
  const std::vector<std::size_t> lengths = lengths_of(random_bytes(4 << 20, "bounds"));
  for (std::size_t i = 0; i + 1 < lengths.size(); ++i) EXPECT_GT(lengths[i], kPartBytesMin);
  EXPECT_LE(*std::max_element(lengths.begin(), lengths.end()), kPartBytesMax);
}

TEST(Chunker, CutsWhatIsAllTheSameAtTheMost) {
  for (const int byte : {0x00, 0x20, 0xff}) {
    const Bytes same((3 * kPartBytesMax) + 1, static_cast<std::uint8_t>(byte));
    EXPECT_EQ(lengths_of(same), std::vector<std::size_t>({kPartBytesMax, kPartBytesMax, kPartBytesMax, 1}));
  }
}

TEST(Chunker, WaitsForAWholePartOrTheEnd) {
  const Bytes bytes = random_bytes(kPartBytesMax + 1, "waits");
  const ByteView all = bytes;
  EXPECT_EQ(next_cut({}, false), 0u);
  EXPECT_EQ(next_cut(all.first(1), false), 0u);
  EXPECT_EQ(next_cut(all.first(kPartBytesMax - 1), false), 0u);
  const std::size_t length = next_cut(all.first(kPartBytesMax), false);
  EXPECT_GT(length, 0u);
  EXPECT_EQ(next_cut(all.first(kPartBytesMax), true), length);
  EXPECT_EQ(next_cut(all, false), length);
}

TEST(Chunker, LeavesAShortFileInOnePart) {
  const Bytes bytes = random_bytes(kPartBytesMin + 1, "short");
  for (const std::size_t size : {std::size_t{1}, kPartBytesMin - 1, kPartBytesMin, kPartBytesMin + 1}) {
    EXPECT_EQ(next_cut(ByteView(bytes).first(size), true), size);
  }
  EXPECT_EQ(next_cut({}, true), 0u);
}

}  // namespace
}  // namespace shoal::sync
