#include "node/dht/lookup.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "node/base/rng.h"
#include "node/secure/keys.h"

namespace shoal {
namespace {

Contact contact_at(std::uint8_t first_byte, std::uint32_t address) {
  Contact contact;
  contact.key.bytes[0] = first_byte;
  contact.key.bytes[31] = 1;
  contact.endpoint = Endpoint::v4(address, 4000);
  return contact;
}

class LookupTest : public ::testing::Test {
 protected:
  LookupTest() { self_.bytes[0] = 0xff; }
  Lookup make(LookupConfig config) { return Lookup(self_, Id{}, config, now_); }

  Id self_;
  Instant now_{};
  const Contact a_ = contact_at(1, 0x05000001);
  const Contact b_ = contact_at(2, 0x05010001);
  const Contact c_ = contact_at(3, 0x05020001);
  const Contact d_ = contact_at(4, 0x05030001);
};

TEST_F(LookupTest, AsksTheNearestFirstAndAtMostAlphaAtOnce) {
  Lookup lookup = make({.wanted = 3, .alpha = 2});
  const std::vector<Contact> known = {c_, a_, b_};
  lookup.add_known(known);
  EXPECT_EQ(lookup.contact(*lookup.next_to_ask(now_)), a_);
  EXPECT_EQ(lookup.contact(*lookup.next_to_ask(now_)), b_);
  EXPECT_FALSE(lookup.next_to_ask(now_));
}

TEST_F(LookupTest, AsksAnotherInPlaceOfASlowOneAndStillTakesItsAnswer) {
  Lookup lookup = make({.wanted = 2, .alpha = 1});
  const std::vector<Contact> known = {a_, b_};
  lookup.add_known(known);
  const auto slow = *lookup.next_to_ask(now_);
  lookup.on_slow(slow);
  const auto other = lookup.next_to_ask(now_);
  ASSERT_TRUE(other);
  EXPECT_EQ(lookup.contact(*other), b_);
  lookup.on_answer(*other, {}, now_ + 1s);
  EXPECT_FALSE(lookup.done());
  lookup.on_answer(slow, {}, now_ + 2s);
  EXPECT_TRUE(lookup.done());
  EXPECT_EQ(lookup.report(now_ + 2s).closest.front().contact, a_);
}

TEST_F(LookupTest, LooksBeyondASlowOneBeforeItsEndIsKnown) {
  const std::vector<Contact> known = {a_, b_, c_};
  const auto with_slow_first = [&] {
    Lookup lookup = make({.wanted = 1, .alpha = 2});
    lookup.add_known(known);
    EXPECT_EQ(lookup.contact(*lookup.next_to_ask(now_)), a_);
    EXPECT_FALSE(lookup.next_to_ask(now_));  // one is wanted, and may still answer in time
    lookup.on_slow(0);
    EXPECT_EQ(lookup.contact(*lookup.next_to_ask(now_)), b_);
    lookup.on_answer(1, {}, now_);
    EXPECT_FALSE(lookup.next_to_ask(now_));
    EXPECT_FALSE(lookup.done());
    return lookup;
  };
  Lookup answered = with_slow_first();
  answered.on_answer(0, {}, now_);
  EXPECT_TRUE(answered.done());
  EXPECT_EQ(answered.closest_answered(), (std::vector<std::uint16_t>{0}));
  Lookup failed = with_slow_first();
  failed.on_failed(0, LookupReport::Outcome::kTimedOut, now_);
  EXPECT_TRUE(failed.done());
  EXPECT_EQ(failed.closest_answered(), (std::vector<std::uint16_t>{1}));
}

TEST_F(LookupTest, ReturnsOnlyHostsThatAnswered) {
  Lookup lookup = make({.wanted = 2, .alpha = 3});
  const std::vector<Contact> known = {b_};
  lookup.add_known(known);
  const auto b = *lookup.next_to_ask(now_);
  const std::vector<Contact> told = {a_, c_};
  lookup.on_answer(b, told, now_);
  const auto a = *lookup.next_to_ask(now_);
  EXPECT_EQ(lookup.contact(a), a_);
  lookup.on_failed(a, LookupReport::Outcome::kTimedOut, now_);
  const auto c = *lookup.next_to_ask(now_);
  lookup.on_answer(c, {}, now_);
  ASSERT_TRUE(lookup.done());
  const LookupReport report = lookup.report(now_);
  ASSERT_EQ(report.closest.size(), 2u);
  EXPECT_EQ(report.closest[0].contact, b_);
  EXPECT_EQ(report.closest[1].contact, c_);
  EXPECT_EQ(report.steps[1].outcome, LookupReport::Outcome::kTimedOut);
}

TEST_F(LookupTest, CountsHopsAlongTheShortestChainOfTellers) {
  Lookup lookup = make({.wanted = 4, .alpha = 4});
  const std::vector<Contact> known = {d_, c_};
  lookup.add_known(known);
  const auto c = *lookup.next_to_ask(now_);
  const auto d = *lookup.next_to_ask(now_);
  const std::vector<Contact> c_tells = {b_};
  lookup.on_answer(c, c_tells, now_);
  const auto b = *lookup.next_to_ask(now_);
  const std::vector<Contact> b_tells = {a_};
  lookup.on_answer(b, b_tells, now_);
  const auto a = *lookup.next_to_ask(now_);
  lookup.on_answer(a, {}, now_);
  EXPECT_EQ(lookup.report(now_).closest.front().hops, 3);
  const std::vector<Contact> d_tells = {a_};
  lookup.on_answer(d, d_tells, now_);
  EXPECT_EQ(lookup.report(now_).closest.front().hops, 2);
}

TEST_F(LookupTest, NeverAsksItselfAndIgnoresWhatItKnows) {
  Lookup lookup = make({.wanted = 4, .alpha = 4});
  const std::vector<Contact> known = {Contact{self_, Endpoint::v4(1, 1)}, a_, a_};
  lookup.add_known(known);
  const auto a = *lookup.next_to_ask(now_);
  lookup.on_answer(a, known, now_);
  EXPECT_FALSE(lookup.next_to_ask(now_));
  EXPECT_TRUE(lookup.done());
}

TEST_F(LookupTest, TakesAtMostTwoOfOneSubnet) {
  Lookup lookup = make({.wanted = 4, .alpha = 8});
  const std::vector<Contact> known = {contact_at(1, 0x05000001), contact_at(2, 0x05000002),
                                      contact_at(3, 0x05000003), contact_at(4, 0x05010001)};
  lookup.add_known(known);
  std::vector<Contact> asked;
  while (const auto next = lookup.next_to_ask(now_)) asked.push_back(lookup.contact(*next));
  EXPECT_EQ(asked, (std::vector<Contact>{known[0], known[1], known[3]}));
}

TEST_F(LookupTest, IsDoneAtOnceWhenNobodyIsKnown) {
  EXPECT_TRUE(make({}).done());
}

// A network of hosts that know everyone's k closest neighbours and a few others: every lookup must find the
// truth.
TEST(LookupProperty, FindsTheTrueClosestInNetworksOfEverySize) {
  init_crypto();
  Rng rng = Rng::keyed(7, "test", "lookup");
  for (const std::size_t n : {1u, 2u, 5u, 50u, 300u}) {
    std::vector<Contact> hosts;
    for (std::size_t i = 0; i < n; ++i) {
      hosts.push_back({rng.id(), Endpoint::v4(static_cast<std::uint32_t>(0x05000000 + (i << 8)), 4000)});
    }
    const auto closest_to = [&](const Id& target, std::size_t count) {
      std::vector<Contact> sorted = hosts;
      std::sort(sorted.begin(), sorted.end(),
                [&](const Contact& x, const Contact& y) { return closer(target, x.key, y.key); });
      sorted.resize(std::min(count, sorted.size()));
      return sorted;
    };
    for (int round = 0; round < 20; ++round) {
      const Id target = rng.id();
      Lookup lookup(rng.id(), target, {.wanted = 20, .alpha = 3}, Instant{});
      const std::vector<Contact> start = {hosts[rng.below(n)]};
      lookup.add_known(start);
      while (!lookup.done()) {
        const auto next = lookup.next_to_ask(Instant{});
        ASSERT_TRUE(next);
        // A host tells what it knows nearest to the target: here, everyone's view is complete.
        lookup.on_answer(*next, closest_to(target, 20), Instant{});
      }
      const LookupReport report = lookup.report(Instant{});
      const std::vector<Contact> truth = closest_to(target, 20);
      ASSERT_EQ(report.closest.size(), truth.size());
      for (std::size_t i = 0; i < truth.size(); ++i) EXPECT_EQ(report.closest[i].contact, truth[i]);
    }
  }
}

}  // namespace
}  // namespace shoal
