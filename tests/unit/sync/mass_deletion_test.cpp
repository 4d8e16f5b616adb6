// The brake on mass deletions: what a person seems to delete by mistake is asked about first.
#include <gmock/gmock.h>

#include "tests/unit/sync/folder_cluster.h"

namespace shoal {
namespace {

using testing::Contains;
using testing::SizeIs;

class MassDeletionTest : public FolderCluster {
 protected:
  // Files d/0 to d/`count` - 1 on both of two hosts.
  void share_files(int count) {
    share_among(2);
    for (int i = 0; i < count; ++i) write(0, name(i), "file " + std::to_string(i));
    ASSERT_TRUE(converge());
  }
  static std::string name(int i) { return "d/" + std::to_string(i); }
  void remove_files(int from, int to) {
    for (int i = from; i < to; ++i) remove(0, name(i));
  }
  bool is_stopped() { return status(0).reason == "mass_deletion"; }
};

TEST_F(MassDeletionTest, FilesThatArePutBackLetTheFolderGoOnByItself) {
  share_files(60);
  for (int mistake = 0; mistake < 3; ++mistake) {
    ASSERT_TRUE(disk(0).rename(in_root("d"), "elsewhere"));
    cluster_.advance(10s);
    ASSERT_TRUE(is_stopped()) << mistake;
    cluster_.advance(60s);
    ASSERT_TRUE(is_stopped()) << mistake;
    EXPECT_THAT(paths(1), SizeIs(61));
    ASSERT_TRUE(disk(0).rename("elsewhere", in_root("d")));
    ASSERT_TRUE(converge(20s)) << mistake;
    expect_the_same();
    EXPECT_THAT(paths(1), SizeIs(61));
  }
}

TEST_F(MassDeletionTest, PuttingBackSomeIsNotEnough) {
  share_files(60);
  remove_files(0, 50);
  cluster_.advance(10s);
  ASSERT_TRUE(is_stopped());
  for (int i = 0; i < 10; ++i) write(0, name(i), "file " + std::to_string(i));
  cluster_.advance(30s);
  EXPECT_TRUE(is_stopped());
  EXPECT_THAT(paths(1), SizeIs(61));
  for (int i = 10; i < 45; ++i) write(0, name(i), "file " + std::to_string(i));
  ASSERT_TRUE(converge(60s));
  expect_the_same();
  EXPECT_THAT(paths(1), SizeIs(56)) << "five are missing still, which is no mass";
}

TEST_F(MassDeletionTest, OneThatWasConfirmedConfirmsNoOther) {
  share_files(100);
  for (int i = 0; i < 50; ++i) write(0, "e/" + std::to_string(i), "more");
  ASSERT_TRUE(converge());
  remove(0, "d");
  cluster_.advance(10s);
  ASSERT_TRUE(is_stopped());
  ASSERT_TRUE(command(0, Verb::kResume));
  ASSERT_TRUE(converge(60s));
  EXPECT_THAT(paths(1), SizeIs(51));
  remove(0, "e");
  cluster_.advance(10s);
  EXPECT_TRUE(is_stopped());
  EXPECT_THAT(paths(1), SizeIs(51));
}

TEST_F(MassDeletionTest, AConfirmationOfWhatWasPutBackIsNoneOfALaterDeletion) {
  share_files(60);
  ASSERT_TRUE(disk(0).rename(in_root("d"), "elsewhere"));
  cluster_.advance(10s);
  ASSERT_TRUE(is_stopped());
  ASSERT_TRUE(disk(0).rename("elsewhere", in_root("d")));
  ASSERT_TRUE(command(0, Verb::kResume));
  ASSERT_TRUE(converge(60s));
  ASSERT_TRUE(disk(0).rename(in_root("d"), "elsewhere"));
  cluster_.advance(10s);
  EXPECT_TRUE(is_stopped());
  EXPECT_THAT(paths(1), SizeIs(61));
}

// The directory goes after the person has confirmed that its files have gone.
TEST_F(MassDeletionTest, AConfirmedDeletionThatGoesOnIsNotAskedAboutTwice) {
  share_files(60);
  remove_files(0, 60);
  cluster_.advance(10s);
  ASSERT_TRUE(is_stopped());
  remove(0, "d");
  ASSERT_TRUE(command(0, Verb::kResume));
  ASSERT_TRUE(converge(60s));
  EXPECT_FALSE(is_stopped());
  EXPECT_THAT(paths(1), SizeIs(0));
}

TEST_F(MassDeletionTest, ADeletionShortlyBeforeDoesNotTakeTheBrakeOff) {
  share_files(3);
  remove_files(0, 1);
  cluster_.advance(5s);
  for (int i = 0; i < 200; ++i) write(0, "e/" + std::to_string(i), "new");
  ASSERT_TRUE(converge());
  remove(0, "e");
  cluster_.advance(10s);
  EXPECT_TRUE(is_stopped());
  EXPECT_THAT(paths(1), Contains("e/199"));
}

TEST_F(MassDeletionTest, OneThatTakesMinutesIsOne) {
  share_files(200);
  for (int i = 0; i < 200 && !is_stopped(); i += 10) {
    remove_files(i, i + 10);
    cluster_.advance(30s);
  }
  EXPECT_TRUE(is_stopped());
  EXPECT_GE(paths(1).size(), 100u);
}

TEST_F(MassDeletionTest, TemporaryFilesThatComeAndGoAreNone) {
  share_files(30);
  for (int i = 0; i < 100; ++i) {
    write(0, "temporary", "x");
    cluster_.advance(3s);
    remove(0, "temporary");
    cluster_.advance(5s);
    ASSERT_FALSE(is_stopped()) << i;
  }
}

TEST_F(MassDeletionTest, FilesOfAPeerThatComeAndGoAreNone) {
  share_files(3);
  for (int i = 0; i < 60; ++i) {
    write(1, "temporary", std::to_string(i));
    cluster_.advance(5s);
    remove(0, "temporary");
    cluster_.advance(5s);
    ASSERT_FALSE(is_stopped()) << i;
  }
}

TEST_F(MassDeletionTest, WhatPeersDeleteIsNotThePersons) {
  share_files(100);
  remove_files(0, 1);
  cluster_.advance(5s);
  for (int i = 1; i < 30; ++i) remove(1, name(i));
  cluster_.advance(5s);
  for (int i = 30; i < 55; ++i) remove(1, name(i));
  cluster_.advance(5s);
  EXPECT_EQ(status(1).reason, "mass_deletion");
  ASSERT_TRUE(command(1, Verb::kResume));
  ASSERT_TRUE(converge(60s));
  remove_files(60, 61);
  ASSERT_TRUE(converge(60s));
  EXPECT_THAT(paths(1), SizeIs(45));
}

TEST_F(MassDeletionTest, ARestartForgetsNothing) {
  share_files(60);
  remove(0, "d");
  cluster_.advance(10s);
  ASSERT_TRUE(is_stopped());
  cluster_.restart(0);
  cluster_.advance(10s);
  EXPECT_TRUE(is_stopped());
  EXPECT_THAT(paths(1), SizeIs(61));
}

}  // namespace
}  // namespace shoal
