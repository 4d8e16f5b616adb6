#include "node/sync/disk_room.h"

#include <gtest/gtest.h>

namespace shoal::sync {
namespace {

using Answer = DiskRoom::Answer;

constexpr Instant kStart = Instant(1h);

TEST(DiskRoom, IsMeasuredBeforeAnythingIsReserved) {
  DiskRoom room;
  EXPECT_EQ(room.reserve(1, kStart), Answer::kMeasureFirst);
  room.begin_measuring();
  EXPECT_EQ(room.reserve(1, kStart), Answer::kMeasureFirst) << "the measurement is not there yet";
  room.measured(DiskSpace{1000, 16'000}, 0, kStart);
  EXPECT_EQ(room.reserve(1000, kStart), Answer::kReserved);
  EXPECT_EQ(room.reserve(1, kStart), Answer::kTooLittle);
}

TEST(DiskRoom, KeepsTheFloorButOfASmallDiskOnlyASixteenth) {
  DiskRoom room;
  room.measured(DiskSpace{1000, 1'000'000}, 300, kStart);
  EXPECT_EQ(room.free_bytes(), 700u);
  room.measured(DiskSpace{1000, 1600}, 300, kStart);
  EXPECT_EQ(room.floor_bytes(), 100u);
  EXPECT_EQ(room.free_bytes(), 900u);
  room.measured(DiskSpace{100, 1'000'000}, 300, kStart);
  EXPECT_EQ(room.free_bytes(), 0u);
}

TEST(DiskRoom, WhatIsReservedIsNotFreeThoughItIsNotWrittenYet) {
  DiskRoom room;
  room.measured(DiskSpace{1000, 16'000}, 0, kStart);
  ASSERT_EQ(room.reserve(600, kStart), Answer::kReserved);
  room.begin_measuring();
  room.measured(DiskSpace{1000, 16'000}, 0, kStart + 1s);
  EXPECT_EQ(room.free_bytes(), 400u);
  room.begin_measuring();
  room.release(600);  // it was written meanwhile: whether before the measurement, nobody knows
  room.measured(DiskSpace{1000, 16'000}, 0, kStart + 2s);
  EXPECT_EQ(room.free_bytes(), 400u);
  room.begin_measuring();
  room.measured(DiskSpace{400, 16'000}, 0, kStart + 3s);
  EXPECT_EQ(room.free_bytes(), 400u);
}

TEST(DiskRoom, IsMeasuredAgainWhenTheMeasurementIsOldOrSaysNo) {
  DiskRoom room;
  room.measured(DiskSpace{1000, 16'000}, 0, kStart);
  EXPECT_EQ(room.reserve(1, kStart + DiskRoom::kMeasuredFor), Answer::kMeasureFirst);
  EXPECT_EQ(room.reserve(2000, kStart + DiskRoom::kRefusedFor), Answer::kMeasureFirst);
  EXPECT_EQ(room.reserve(2000, kStart), Answer::kTooLittle);
}

TEST(DiskRoom, OfADiskThatDoesNotSayThereIsEnough) {
  DiskRoom room;
  room.measured(std::nullopt, 1 << 20, kStart);
  EXPECT_EQ(room.reserve(1ull << 60, kStart), Answer::kReserved);
}

}  // namespace
}  // namespace shoal::sync
