// The one source of randomness: uniform, independent by key, and the same in every run.
#include "node/base/rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <set>

namespace shoal {
namespace {

// Chi squared over equally likely cells. With 9 degrees of freedom 27.9 is exceeded once in 1,000 times.
template <std::size_t N>
double chi_squared(const std::array<int, N>& counts, int total) {
  const double expected = static_cast<double>(total) / N;
  double sum = 0;
  for (const int count : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

TEST(Rng, IsTheChaCha20KeystreamOfItsSeed) {
  // RFC 8439, appendix A.1, test vector 1: the key all zero, block 0.
  Rng rng(Rng::Seed{});
  Bytes bytes(64);
  rng.fill(bytes);
  EXPECT_EQ(to_hex(bytes),
            "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
            "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586");
  // Test vector 2 of the same: block 1.
  rng.fill(bytes);
  EXPECT_EQ(to_hex(ByteView(bytes).first(16)), "9f07e7be5551387a98ba977c732d080d");
}

TEST(Rng, GivesTheSameBytesInPortionsOfAnySize) {
  Rng whole = Rng::keyed(1, "node", "test");
  Bytes expected(1000);
  whole.fill(expected);
  for (const std::size_t portion : {1u, 7u, 63u, 64u, 65u, 200u}) {
    Rng rng = Rng::keyed(1, "node", "test");
    Bytes bytes(1000);
    for (std::size_t at = 0; at < bytes.size(); at += portion) {
      rng.fill(MutableByteView(bytes).subspan(at, std::min(portion, bytes.size() - at)));
    }
    EXPECT_EQ(bytes, expected) << portion;
  }
}

TEST(Rng, BelowIsUniform) {
  Rng rng = Rng::keyed(1, "below", "small");
  std::array<int, 10> counts{};
  for (int i = 0; i < 100'000; ++i) ++counts.at(rng.below(10));
  EXPECT_LT(chi_squared(counts, 100'000), 27.9);
}

// A plain remainder would give the lower half of this range two times in three.
TEST(Rng, BelowIsUnbiasedForBoundsNearTheWholeRange) {
  Rng rng = Rng::keyed(2, "below", "large");
  constexpr std::uint64_t kBound = 3ull << 62;
  int low = 0;
  for (int i = 0; i < 30'000; ++i) {
    const std::uint64_t value = rng.below(kBound);
    ASSERT_LT(value, kBound);
    if (value < kBound / 3) ++low;
  }
  EXPECT_NEAR(low, 10'000, 400);  // 5 standard deviations; a plain remainder gives 15,000
}

TEST(Rng, BelowOneIsZero) {
  Rng rng = Rng::keyed(3, "below", "one");
  for (int i = 0; i < 100; ++i) ASSERT_EQ(rng.below(1), 0u);
}

TEST(Rng, UnitIsUniformBelowOne) {
  Rng rng = Rng::keyed(4, "unit", "");
  std::array<int, 10> counts{};
  for (int i = 0; i < 100'000; ++i) {
    const double value = rng.unit();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    ++counts.at(static_cast<std::size_t>(value * 10));
  }
  EXPECT_LT(chi_squared(counts, 100'000), 27.9);
}

TEST(Rng, JitteredStaysWithinItsShareAndUsesBothSides) {
  Rng rng = Rng::keyed(5, "jitter", "");
  Duration least = Duration::max();
  Duration most = Duration::min();
  for (int i = 0; i < 1000; ++i) {
    const Duration d = rng.jittered(1s, 0.25);
    least = std::min(least, d);
    most = std::max(most, d);
  }
  EXPECT_GE(least, 750ms);
  EXPECT_LT(least, 760ms);
  EXPECT_LE(most, 1250ms);
  EXPECT_GT(most, 1240ms);
}

TEST(Rng, StreamsDifferByEachPartOfTheirKey) {
  std::set<std::uint64_t> firsts;
  firsts.insert(Rng::keyed(1, "node", "nonce").next());
  firsts.insert(Rng::keyed(2, "node", "nonce").next());
  firsts.insert(Rng::keyed(1, "edon", "nonce").next());
  firsts.insert(Rng::keyed(1, "node", "churn").next());
  // The parts are told apart by their lengths, not only by their bytes in a row.
  firsts.insert(Rng::keyed(1, "nodenonce", "").next());
  firsts.insert(Rng::keyed(1, "nodenon", "ce").next());
  EXPECT_EQ(firsts.size(), 6u);
}

TEST(Rng, KeyedStreamsAreIndependent) {
  // Bits of two independent streams agree half of the time.
  Rng a = Rng::keyed(1, "node-1", "nonce");
  Rng b = Rng::keyed(1, "node-2", "nonce");
  int equal_bits = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t x = a.next();
    const std::uint64_t y = b.next();
    equal_bits += 64 - std::popcount(x ^ y);
  }
  EXPECT_NEAR(equal_bits, 320'000, 2000);  // 5 standard deviations
}

TEST(Rng, AForkIsIndependentAndReproducible) {
  Rng a = Rng::keyed(1, "node", "fork");
  Rng b = Rng::keyed(1, "node", "fork");
  Rng fork_of_a = a.fork();
  Rng fork_of_b = b.fork();
  const std::uint64_t first = fork_of_a.next();
  EXPECT_EQ(first, fork_of_b.next());
  const std::uint64_t next = a.next();
  EXPECT_EQ(next, b.next());
  EXPECT_NE(first, next);
}

TEST(Rng, ACopyGoesOnAsTheOriginalWould) {
  Rng rng = Rng::keyed(1, "node", "copy");
  rng.next();
  Rng copy = rng;
  for (int i = 0; i < 100; ++i) ASSERT_EQ(copy.next(), rng.next());
}

}  // namespace
}  // namespace shoal
