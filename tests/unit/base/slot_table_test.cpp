// Work in flight: a name of work that has ended finds nothing, whoever has its slot now.
#include "node/base/slot_table.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "node/base/rng.h"

namespace shoal {
namespace {

TEST(SlotTable, FindsWhatWasInserted) {
  SlotTable<std::string> table(4);
  const Guid a = table.insert("a");
  const Guid b = table.insert("b");
  ASSERT_TRUE(a);
  EXPECT_NE(a, b);
  EXPECT_EQ(*table.find(a), "a");
  EXPECT_EQ(*table.find(b), "b");
  EXPECT_EQ(table.size(), 2u);
}

TEST(SlotTable, TheEmptyGuidNamesNothing) {
  SlotTable<int> table(4);
  EXPECT_EQ(table.find(Guid{}), nullptr);
  table.insert(1);
  EXPECT_EQ(table.find(Guid{}), nullptr);
  EXPECT_FALSE(table.erase(Guid{}));
}

TEST(SlotTable, AnOldNameFindsNothingInAReusedSlot) {
  SlotTable<int> table(1);
  const Guid old = table.insert(1);
  EXPECT_TRUE(table.erase(old));
  const Guid reused = table.insert(2);
  ASSERT_EQ(reused.slot, old.slot);
  EXPECT_EQ(table.find(old), nullptr);
  EXPECT_EQ(table.take(old), std::nullopt);
  EXPECT_FALSE(table.erase(old));
  EXPECT_EQ(*table.find(reused), 2);
}

TEST(SlotTable, ANameFromAnotherTableFindsNothing) {
  SlotTable<int> table(4);
  table.insert(1);
  EXPECT_EQ(table.find(Guid{3, 1}), nullptr);
  EXPECT_EQ(table.find(Guid{0xffffffff, 0xffffffff}), nullptr);
}

TEST(SlotTable, IsFullAtItsBoundAndHasRoomAgainAfterAnErase) {
  SlotTable<int> table(2);
  const Guid a = table.insert(1);
  table.insert(2);
  EXPECT_TRUE(table.full());
  EXPECT_FALSE(table.insert(3));
  EXPECT_EQ(table.size(), 2u);
  table.erase(a);
  EXPECT_FALSE(table.full());
  EXPECT_TRUE(table.insert(4));
}

TEST(SlotTable, TakeGivesTheValueAwayOnce) {
  SlotTable<std::unique_ptr<int>> table(2);
  const Guid a = table.insert(std::make_unique<int>(7));
  const auto taken = table.take(a);
  ASSERT_TRUE(taken);
  EXPECT_EQ(**taken, 7);
  EXPECT_EQ(table.take(a), std::nullopt);
  EXPECT_TRUE(table.empty());
}

TEST(SlotTable, IteratesInTheOrderOfSlots) {
  SlotTable<int> table(8);
  std::vector<Guid> guids;
  for (int i = 0; i < 5; ++i) guids.push_back(table.insert(i));
  table.erase(guids[1]);
  table.erase(guids[3]);
  table.insert(30);  // into the slot that came free last
  std::vector<int> seen;
  table.for_each([&](Guid guid, int& value) {
    EXPECT_EQ(table.find(guid), &value);
    seen.push_back(value);
  });
  EXPECT_EQ(seen, (std::vector<int>{0, 2, 30, 4}));
}

TEST(SlotTable, AgreesWithAMapOverManyOperations) {
  Rng rng = Rng::keyed(1, "slot table", "");
  SlotTable<int> table(50);
  std::map<Guid, int> model;
  std::vector<Guid> ended;
  for (int i = 0; i < 20'000; ++i) {
    if (rng.below(2) == 0) {
      const Guid guid = table.insert(i);
      ASSERT_EQ(static_cast<bool>(guid), model.size() < 50);
      if (guid) {
        ASSERT_TRUE(model.emplace(guid, i).second) << "a name was used twice";
      }
    } else if (!model.empty()) {
      const auto victim = std::next(model.begin(), static_cast<std::ptrdiff_t>(rng.below(model.size())));
      ASSERT_EQ(table.take(victim->first), victim->second);
      ended.push_back(victim->first);
      model.erase(victim);
    }
    ASSERT_EQ(table.size(), model.size());
  }
  for (const auto& [guid, value] : model) ASSERT_EQ(*table.find(guid), value);
  for (const Guid guid : ended) ASSERT_EQ(table.find(guid), nullptr);
}

}  // namespace
}  // namespace shoal
