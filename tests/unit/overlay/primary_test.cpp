// Who is primary among hosts that hear each other at once, or not at all.
#include "node/overlay/primary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <set>
#include <utility>
#include <vector>

namespace shoal {
namespace {

constexpr Duration kLease = 60s;

class PrimaryTest : public testing::Test {
 protected:
  static Id id(std::size_t i) {
    Id id;
    id.bytes[0] = static_cast<std::uint8_t>(i + 1);
    return id;
  }
  void add(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      hosts_.emplace_back(id(i), kLease);
      hosts_.back().set_has_peers(true, now_, rng_);
    }
    alive_.assign(count, true);
  }
  // Every claim reaches whoever is alive and on the same side; what is news there is passed on.
  void tell(std::size_t from, const PrimaryClaim& claim) {
    for (std::size_t to = 0; to < hosts_.size(); ++to) {
      if (to == from || !alive_[to] || !linked_(from, to)) continue;
      if (hosts_[to].on_claim(claim, now_)) tell(to, claim);
    }
  }
  void advance(Duration by) {
    for (const Instant end = now_ + by; now_ < end; now_ += 250ms) {
      for (std::size_t i = 0; i < hosts_.size(); ++i) {
        if (!alive_[i]) continue;
        if (const auto claim = hosts_[i].on_due(now_, rng_)) tell(i, *claim);
      }
    }
  }
  // Whom those alive take for the primary.
  std::set<std::optional<Id>> views(std::size_t first = 0, std::size_t last = 1000) {
    std::set<std::optional<Id>> out;
    for (std::size_t i = first; i < std::min(last, hosts_.size()); ++i) {
      if (alive_[i]) out.insert(hosts_[i].holder(now_));
    }
    return out;
  }
  std::size_t only_primary() {
    const auto seen = views();
    EXPECT_EQ(seen.size(), 1u);
    EXPECT_TRUE(seen.begin()->has_value());
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
      if (*seen.begin() == id(i)) return i;
    }
    return 0;
  }

  Rng rng_ = Rng::keyed(1, "test", "primary");
  Instant now_{};
  std::deque<Primary> hosts_;
  std::vector<bool> alive_;
  std::function<bool(std::size_t, std::size_t)> linked_ = [](std::size_t, std::size_t) { return true; };
};

TEST_F(PrimaryTest, OneIsFoundAndStays) {
  add(9);
  advance(kLease);
  const std::size_t first = only_primary();
  const std::uint64_t counter = hosts_[first].claim().epoch.counter;
  advance(1h);
  EXPECT_EQ(only_primary(), first);
  EXPECT_EQ(hosts_[first].claim().epoch.counter, counter);
}

TEST_F(PrimaryTest, AnotherTakesOverWithinTwoLeasesOfACrash) {
  add(9);
  advance(kLease);
  const std::size_t first = only_primary();
  alive_[first] = false;
  advance(kLease);
  advance(kLease);
  EXPECT_NE(only_primary(), first);
}

TEST_F(PrimaryTest, ACleanStopLeavesNoGap) {
  add(9);
  advance(kLease);
  const std::size_t first = only_primary();
  const std::size_t next = (first + 1) % hosts_.size();
  tell(first, hosts_[first].hand_over(id(next), now_));
  alive_[first] = false;
  EXPECT_EQ(only_primary(), next);
  advance(1h);
  EXPECT_EQ(only_primary(), next);
}

TEST_F(PrimaryTest, EachSideOfAPartitionHasOneAndTheHigherEpochWinsOnceItHeals) {
  add(9);
  advance(kLease);
  linked_ = [](std::size_t a, std::size_t b) { return (a < 4) == (b < 4); };
  advance(3 * kLease);
  ASSERT_EQ(views(0, 4).size(), 1u);
  ASSERT_EQ(views(4).size(), 1u);
  EXPECT_NE(views(0, 4), views(4));
  linked_ = [](std::size_t, std::size_t) { return true; };
  advance(kLease);
  EXPECT_EQ(views().size(), 1u);
}

TEST_F(PrimaryTest, ClaimsAtTheSameTimeEndWithTheHigherHost) {
  add(2);
  Primary& low = hosts_[0];
  Primary& high = hosts_[1];
  EXPECT_TRUE(low.on_claim({{7, id(0)}, 1}, now_));
  EXPECT_TRUE(high.on_claim({{7, id(1)}, 1}, now_));
  EXPECT_FALSE(high.on_claim({{7, id(0)}, 1}, now_));
  EXPECT_TRUE(low.on_claim({{7, id(1)}, 1}, now_));
  EXPECT_EQ(low.holder(now_), id(1));
}

TEST_F(PrimaryTest, NobodyClaimsAnythingAlone) {
  hosts_.emplace_back(id(0), kLease);
  alive_ = {true};
  advance(1h);
  EXPECT_EQ(hosts_[0].next_due(), kNever);
  EXPECT_EQ(hosts_[0].holder(now_), std::nullopt);
  hosts_[0].set_has_peers(true, now_, rng_);
  advance(kLease);
  EXPECT_TRUE(hosts_[0].is_self(now_));
  hosts_[0].set_has_peers(false, now_, rng_);
  advance(2 * kLease);
  EXPECT_FALSE(hosts_[0].is_self(now_));
}

TEST_F(PrimaryTest, OldClaimsAndThoseThatCouldNotBeToppedAreNotBelieved) {
  add(1);
  EXPECT_FALSE(hosts_[0].on_claim({{0, id(3)}, 9}, now_));
  EXPECT_FALSE(hosts_[0].on_claim({{Primary::kCounterMax + 1, id(3)}, 1}, now_));
  EXPECT_TRUE(hosts_[0].on_claim({{5, id(3)}, 2}, now_));
  EXPECT_FALSE(hosts_[0].on_claim({{5, id(3)}, 2}, now_));
  EXPECT_FALSE(hosts_[0].on_claim({{5, id(3)}, 1}, now_));
  EXPECT_FALSE(hosts_[0].on_claim({{4, id(9)}, 7}, now_));
}

}  // namespace
}  // namespace shoal
