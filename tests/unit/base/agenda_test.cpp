// Deadlines come out by time, and by the order they were added where the times are equal.
#include "node/base/agenda.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "node/base/rng.h"

namespace shoal {
namespace {

Instant at(Duration since_start) {
  return Instant(since_start);
}

TEST(Agenda, AnEmptyOneIsNeverDue) {
  Agenda<int> agenda;
  EXPECT_EQ(agenda.next(), kNever);
  EXPECT_EQ(agenda.pop_due(kNever), std::nullopt);
}

TEST(Agenda, GivesWhatIsDueAndKeepsTheRest) {
  Agenda<int> agenda;
  agenda.add(at(2s), 2);
  agenda.add(at(1s), 1);
  EXPECT_EQ(agenda.next(), at(1s));
  EXPECT_EQ(agenda.pop_due(at(1s) - Duration(1)), std::nullopt);
  EXPECT_EQ(agenda.pop_due(at(1s)), 1);
  EXPECT_EQ(agenda.pop_due(at(1s)), std::nullopt);
  EXPECT_EQ(agenda.next(), at(2s));
  EXPECT_EQ(agenda.size(), 1u);
}

TEST(Agenda, EqualInstantsComeInTheOrderTheyWereAdded) {
  Agenda<int> agenda;
  for (int i = 0; i < 100; ++i) agenda.add(at(1s), i);
  for (int i = 0; i < 50; ++i) ASSERT_EQ(agenda.pop_due(at(1s)), i);
  for (int i = 100; i < 150; ++i) agenda.add(at(1s), i);
  for (int i = 50; i < 150; ++i) ASSERT_EQ(agenda.pop_due(at(1s)), i);
}

TEST(Agenda, DropsWhatIsOverDownToTheFirstThatIsNot) {
  Agenda<int> agenda;
  agenda.add(at(1s), 1);
  agenda.add(at(2s), 2);
  agenda.add(at(3s), 3);
  agenda.add(at(4s), 4);
  agenda.drop_while([](Instant, int what) { return what != 3; });
  EXPECT_EQ(agenda.next(), at(3s));
  EXPECT_EQ(agenda.size(), 2u);
  agenda.drop_while([](Instant when, int) { return when < at(9s); });
  EXPECT_EQ(agenda.next(), kNever);
}

TEST(Agenda, AgreesWithAStableSort) {
  Rng rng = Rng::keyed(1, "agenda", "");
  Agenda<int> agenda;
  std::vector<std::pair<Instant, int>> expected;
  for (int i = 0; i < 2000; ++i) {
    const Instant when = at(std::chrono::seconds(rng.below(50)));
    agenda.add(when, i);
    expected.emplace_back(when, i);
  }
  std::stable_sort(expected.begin(), expected.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [when, what] : expected) {
    ASSERT_EQ(agenda.next(), when);
    ASSERT_EQ(agenda.pop_due(kNever), what);
  }
}

TEST(Agenda, HoldsWhatCanOnlyBeMoved) {
  Agenda<std::unique_ptr<int>> agenda;
  agenda.add(at(2s), std::make_unique<int>(2));
  agenda.add(at(1s), std::make_unique<int>(1));
  EXPECT_EQ(**agenda.pop_due(at(2s)), 1);
  EXPECT_EQ(**agenda.pop_due(at(2s)), 2);
}

}  // namespace
}  // namespace shoal
