// Disks that change by themselves: the Verifier finds it, and peers repair it.
#include <gmock/gmock.h>

#include "tests/unit/sync/verify_cluster.h"

namespace shoal {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::Pair;

TEST_F(VerifyTest, IntactFoldersAreIntact) {
  share_among(2);
  write(0, "d/a", "some text");
  write(0, "empty", "");
  write(0, "large", ByteView(random_bytes(3'000'000)));
  ASSERT_TRUE(disk(0).make_link(in_root("link"), "d/a"));
  ASSERT_TRUE(converge());
  const FolderVerifyResult result = verify(1);
  EXPECT_FALSE(has_found_trouble(result.pass));
  EXPECT_EQ(result.pass.files, 3u);
  EXPECT_EQ(result.pass.files_checked, 3u);
  EXPECT_EQ(result.pass.bytes_checked, 3'000'009u);
  EXPECT_EQ(result.pass.files_damaged, 0u);
  EXPECT_EQ(result.pass.rows_repaired, 0u);
  EXPECT_EQ(result.pass.peers_equal, 1u);
  EXPECT_EQ(percent_done(result.pass), 100);
  ASSERT_TRUE(status(1).verified);
  EXPECT_FALSE(status(1).verifying);
}

TEST_F(VerifyTest, ADamagedFileIsRepairedFromAPeer) {
  share_among(2);
  write(0, "d/a", "some text");
  ASSERT_TRUE(converge());
  const Contents before = contents(0);
  const std::uint64_t written = writes(0);
  rot(0, "d/a", 3);
  const std::string damaged = read(0, "d/a");
  const FolderVerifyResult result = verify(0);
  EXPECT_EQ(result.pass.files_damaged, 1u);
  EXPECT_EQ(result.pass.files_repaired, 1u);
  EXPECT_THAT(result.damaged, IsEmpty());
  ASSERT_TRUE(converge());
  EXPECT_EQ(contents(0), before);
  EXPECT_EQ(contents(1), before);
  EXPECT_EQ(writes(0), written);  // it was told to nobody
  EXPECT_THAT(trash(0), Contains(damaged));
  EXPECT_THAT(trash(1), IsEmpty());
  EXPECT_EQ(counters(0).damage_found, 1u);
  EXPECT_EQ(counters(0).damage_repaired, 1u);
  EXPECT_EQ(status(0).state, State::kInSync);
}

TEST_F(VerifyTest, ItGoesThroughAllFilesByItself) {
  share_with(3, with_interval(20min));
  for (int i = 0; i < 100; ++i) write(0, "f" + std::to_string(i), "content " + std::to_string(i));
  ASSERT_TRUE(converge());
  const Contents before = contents(0);
  for (const char* path : {"f3", "f50", "f99"}) rot(1, path);
  rot(2, "f4");
  cluster_.advance(19min);
  EXPECT_EQ(counters(1).damage_found, 0u);
  cluster_.advance(4min);
  EXPECT_EQ(counters(1).damage_repaired, 3u);
  EXPECT_EQ(counters(2).damage_repaired, 1u);
  for (const std::size_t host : {0, 1, 2}) {
    EXPECT_EQ(contents(host), before) << host;
    ASSERT_TRUE(status(host).verified);
    EXPECT_EQ(status(host).verified->files_checked, 100u);
  }
  EXPECT_EQ(status(1).verified->files_damaged, 3u);
}

TEST_F(VerifyTest, ItDoesNothingByItselfWhenItIsTurnedOff) {
  share_with(2, with_interval(0s));
  write(0, "a", "some text");
  ASSERT_TRUE(converge());
  rot(0, "a");
  cluster_.advance(30min);
  EXPECT_EQ(counters(0).damage_found, 0u);
  EXPECT_FALSE(status(0).verified);
  EXPECT_EQ(verify(0).pass.files_repaired, 1u);
}

TEST_F(VerifyTest, ItReadsNoFasterThanItMay) {
  share_with(2, with_interval(1h, 10'000));
  write(0, "large", ByteView(random_bytes(6'000'000)));
  ASSERT_TRUE(converge());
  cluster_.advance(1h + 4min);
  ASSERT_TRUE(status(0).verifying);
  const std::uint64_t early = status(0).verifying->bytes_checked;
  EXPECT_GT(early, 0u);
  EXPECT_LE(early, 10'000u * 240 + (2 << 20));
  cluster_.advance(10min);
  ASSERT_TRUE(status(0).verified);
  EXPECT_EQ(status(0).verified->bytes_checked, 6'000'000u);
}

TEST_F(VerifyTest, OfALargeFileOnlyWhatIsDamagedIsFetched) {
  share_among(2);
  write(0, "large", ByteView(random_bytes(5'000'000)));
  ASSERT_TRUE(converge());
  const Contents before = contents(0);
  rot(0, "large", 1'000'000);
  rot(0, "large", 4'000'000);
  const FolderVerifyResult result = verify(0);
  EXPECT_EQ(result.pass.files_repaired, 1u);
  ASSERT_TRUE(converge());
  EXPECT_EQ(contents(0), before);
  EXPECT_EQ(counters(0).parts_fetched, 2u);
  EXPECT_LE(counters(0).part_bytes_fetched, 2u * 64 * 1024);
}

TEST_F(VerifyTest, AnEqualFileHereRepairsWithoutAPeer) {
  share_among(1);
  write(0, "a", "the same text");
  write(0, "b", "the same text");
  ASSERT_TRUE(converge());
  rot(0, "a");
  EXPECT_EQ(verify(0).pass.files_repaired, 1u);
  EXPECT_EQ(read(0, "a"), "the same text");
}

TEST_F(VerifyTest, WhatNobodyHasStaysDamagedAndIsSaidSo) {
  share_among(2);
  write(0, "a", "some text");
  write(0, "b", "more text");
  ASSERT_TRUE(converge());
  const std::uint64_t written = writes(0);
  rot(0, "a", 1);
  rot(1, "a", 2);
  for (const std::size_t host : {0, 1}) {
    const FolderVerifyResult result = verify(host);
    EXPECT_EQ(result.pass.files_damaged, 1u);
    EXPECT_EQ(result.pass.files_repaired, 0u);
    EXPECT_TRUE(has_found_trouble(result.pass));
    ASSERT_EQ(result.damaged.size(), 1u);
    EXPECT_EQ(result.damaged[0].path, "a");
  }
  cluster_.advance(1min);
  for (const std::size_t host : {0, 1}) {
    EXPECT_EQ(status(host).state, State::kWaiting);
    EXPECT_EQ(status(host).reason, "damaged");
    EXPECT_EQ(status(host).files_damaged, 1u);
    EXPECT_THAT(causes(host), testing::ElementsAre(Pair("a", "damaged")));
  }
  // Also after a restart, and after scans.
  cluster_.restart(0);
  cluster_.advance(1min);
  ASSERT_TRUE(command(0, Verb::kRescan));
  cluster_.advance(1min);
  EXPECT_EQ(status(0).reason, "damaged");
  EXPECT_EQ(writes(0), written);
  // A host that has it repairs both.
  add_host();
  write(2, "a", "some text");
  share(2);
  ASSERT_TRUE(converge(5min));
  for (const std::size_t host : {0, 1, 2}) EXPECT_EQ(read(host, "a"), "some text") << host;
  EXPECT_EQ(status(0).files_damaged, 0u);
}

// A cable or a controller that gave wrong bytes, and gives right ones again.
TEST_F(VerifyTest, DamageThatHasGoneIsNoneAnyLonger) {
  share_among(1);
  write(0, "a", "some text");
  write(0, "large", ByteView(random_bytes(300'000)));
  ASSERT_TRUE(converge());
  for (const char* path : {"a", "large"}) rot(0, path, 2);
  EXPECT_EQ(verify(0).pass.files_damaged, 2u);
  EXPECT_EQ(status(0).files_damaged, 2u);
  for (const char* path : {"a", "large"}) rot(0, path, 2);  // back
  const FolderVerifyResult result = verify(0);
  EXPECT_EQ(result.pass.files_damaged, 2u);
  EXPECT_EQ(result.pass.files_repaired, 2u);
  EXPECT_EQ(status(0).files_damaged, 0u);
  EXPECT_EQ(counters(0).damage_found, 2u);
  EXPECT_EQ(counters(0).damage_repaired, 2u);
  EXPECT_THAT(causes(0), IsEmpty());
}

TEST_F(VerifyTest, APathThatAPersonVerifiesDoesNotLoseThePassOfItsOwn) {
  share_with(2, with_interval(1h, 20'000));
  for (int i = 0; i < 300; ++i) write(0, "f" + std::to_string(i), ByteView(random_bytes(2000)));
  ASSERT_TRUE(converge());
  cluster_.advance(1h + 20s);
  ASSERT_TRUE(status(0).verifying);
  const std::uint64_t number = status(0).verifying->number;
  rot(0, "f7");
  EXPECT_EQ(verify(0, "f7").pass.files_repaired, 1u);
  ASSERT_TRUE(status(0).verifying);
  EXPECT_EQ(status(0).verifying->number, number);
  cluster_.advance(3min);
  ASSERT_TRUE(status(0).verified);
  EXPECT_EQ(status(0).verified->number, number);
  EXPECT_GE(status(0).verified->files_checked, 300u);
}

TEST_F(VerifyTest, TouchingADamagedFileKeepsIt) {
  share_among(2);
  write(0, "a", "some text");
  ASSERT_TRUE(converge());
  cut(0, 1);
  rot(0, "a", 1);
  const std::string damaged = read(0, "a");
  EXPECT_EQ(verify(0).pass.files_repaired, 0u);
  set(0, "a", 0600, std::nullopt);  // that alone is no edit of its bytes
  cluster_.advance(10s);
  EXPECT_EQ(status(0).files_damaged, 1u);
  set(0, "a", std::nullopt, 1'700'000'000'000'000'000);
  cluster_.advance(10s);
  EXPECT_EQ(status(0).files_damaged, 0u);
  heal(0, 1);
  ASSERT_TRUE(converge(5min));
  EXPECT_EQ(read(1, "a"), damaged);
  EXPECT_EQ(contents(0), contents(1));
}

TEST_F(VerifyTest, AnEditOfADamagedFileIsAnEdit) {
  share_among(2);
  write(0, "a", "some text");
  ASSERT_TRUE(converge());
  cut(0, 1);
  rot(0, "a");
  EXPECT_EQ(verify(0).pass.files_repaired, 0u);
  write(0, "a", "another text");
  cluster_.advance(10s);
  EXPECT_EQ(status(0).files_damaged, 0u);
  heal(0, 1);
  ASSERT_TRUE(converge(5min));
  EXPECT_EQ(read(1, "a"), "another text");
}

TEST_F(VerifyTest, APeersEditReplacesADamagedFile) {
  share_among(2);
  write(0, "a", "some text");
  ASSERT_TRUE(converge());
  rot(0, "a");
  const FolderVerifyResult begun = ask(0, {}, 0);
  write(1, "a", "edited");
  ASSERT_TRUE(converge(3min));
  EXPECT_EQ(read(0, "a"), "edited");
  EXPECT_EQ(read(1, "a"), "edited");
  cluster_.advance(2min);
  EXPECT_TRUE(ask(0, {}, begun.pass.number).pass.ended);
  EXPECT_EQ(status(0).state, State::kInSync);
}

TEST_F(VerifyTest, AnEditBetweenTheTwoReadingsIsNoDamage) {
  share_among(2);
  write(0, "a", "some text");
  ASSERT_TRUE(converge());
  rot(0, "a");
  const FolderVerifyResult begun = ask(0, {}, 0);
  cluster_.advance(2s);
  write(0, "a", "a new text");
  cluster_.advance(3min);
  EXPECT_TRUE(ask(0, {}, begun.pass.number).pass.ended);
  EXPECT_EQ(counters(0).damage_found, 0u);
  EXPECT_EQ(read(1, "a"), "a new text");
}

// As programs may do that write through a mapping: the bytes are there before their time.
TEST_F(VerifyTest, AWriteWhoseTimeComesLaterIsNoDamage) {
  share_among(2);
  write(0, "a", "some text");
  ASSERT_TRUE(converge());
  rot(0, "a", 5);
  const std::string written = read(0, "a");
  const FolderVerifyResult begun = ask(0, {}, 0);
  cluster_.advance(2s);
  const FileStat is = stat(0, "a");
  set(0, "a", std::nullopt, is.mtime_ns + 1'000'000'000);
  cluster_.advance(3min);
  EXPECT_TRUE(ask(0, {}, begun.pass.number).pass.ended);
  EXPECT_EQ(counters(0).damage_found, 0u);
  EXPECT_EQ(read(1, "a"), written);
}

TEST_F(VerifyTest, ADamagedFileThatIsRenamedIsRepairedThere) {
  share_among(2);
  write(0, "a", "some text");
  ASSERT_TRUE(converge());
  cut(0, 1);
  rot(0, "a");
  EXPECT_EQ(verify(0).pass.files_repaired, 0u);
  rename(0, "a", "b");
  cluster_.advance(10s);
  heal(0, 1);
  ASSERT_TRUE(converge(5min));
  EXPECT_EQ(read(0, "b"), "some text");
  EXPECT_EQ(read(1, "b"), "some text");
  EXPECT_EQ(paths(1), std::set<std::string>{"b"});
}

TEST_F(VerifyTest, ADamagedFileThatAPeerDeletesGoes) {
  share_among(2);
  write(0, "a", "some text");
  write(0, "b", "more text");
  ASSERT_TRUE(converge());
  cut(0, 1);
  rot(0, "a");
  EXPECT_EQ(verify(0).pass.files_repaired, 0u);
  remove(1, "a");
  cluster_.advance(10s);
  heal(0, 1);
  ASSERT_TRUE(converge(5min));
  EXPECT_EQ(paths(0), std::set<std::string>{"b"});
  EXPECT_EQ(status(0).files_damaged, 0u);
}

TEST_F(VerifyTest, TwoEqualFilesThatAreBothDamagedAreBothRepaired) {
  share_among(2);
  write(0, "a", "the same text");
  write(0, "b", "the same text");
  const Bytes large = random_bytes(300'000);
  write(0, "c", ByteView(large));
  write(0, "d", ByteView(large));
  ASSERT_TRUE(converge());
  const Contents before = contents(0);
  rot(0, "a", 1);
  rot(0, "b", 2);
  rot(0, "c", 1000);
  rot(0, "d", 200'000);
  EXPECT_EQ(verify(0).pass.files_repaired, 4u);
  ASSERT_TRUE(converge());
  EXPECT_EQ(contents(0), before);
}

TEST_F(VerifyTest, DamageIsNotServed) {
  share_among(2);
  write(0, "a", "some text");
  ASSERT_TRUE(converge());
  cut(0, 1);
  rot(0, "a");
  EXPECT_EQ(verify(0).pass.files_repaired, 0u);
  const std::uint64_t served = counters(0).parts_served;
  add_host();
  cut(1, 2);
  share(2);
  cluster_.advance(2min);
  EXPECT_EQ(counters(0).parts_served, served);
  EXPECT_EQ(counters(2).wrong_parts, 0u);
  EXPECT_THAT(paths(2), IsEmpty());
}

// Its host does not know of the damage yet.
TEST_F(VerifyTest, APeerWithADamagedFileStillGivesTheOthers) {
  share_among(1);
  write(0, "a", ByteView(random_bytes(2'000'000)));
  for (int i = 0; i < 10; ++i) write(0, "f" + std::to_string(i), ByteView(random_bytes(200'000)));
  ASSERT_TRUE(converge());
  for (std::uint64_t offset = 0; offset < 2'000'000; offset += 300'000) rot(0, "a", offset);
  add_host();
  share(1);
  cluster_.advance(2min);
  EXPECT_EQ(paths(1).size(), 10u);
  EXPECT_GT(counters(1).wrong_parts, 0u);
  EXPECT_LT(counters(1).wrong_parts, 30u);
  EXPECT_THAT(causes(1), testing::ElementsAre(Pair("a", "no_peer_has_it")));
}

TEST_F(VerifyTest, ALinkWhoseTargetHasChangedByItselfIsMadeAgain) {
  share_among(2);
  ASSERT_TRUE(disk(0).make_link(in_root("link"), "target"));
  ASSERT_TRUE(converge());
  const Contents before = contents(0);
  const std::uint64_t written = writes(0);
  rot(0, "link", 2);
  ASSERT_TRUE(command(0, Verb::kRescan));
  cluster_.advance(10s);
  EXPECT_EQ(writes(0), written);
  EXPECT_EQ(verify(0).pass.files_repaired, 1u);
  ASSERT_TRUE(converge());
  EXPECT_EQ(contents(0), before);
  EXPECT_EQ(contents(1), before);
}

TEST_F(VerifyTest, IgnoredFilesAreNotRead) {
  share_among(2);
  write(0, "a.tmp", "some text");
  ASSERT_TRUE(converge());
  FolderCommand ignore;
  ignore.verb = Verb::kIgnore;
  ignore.folder = "folder";
  ignore.patterns = {"*.tmp"};
  ASSERT_TRUE(cluster_.run(0, ignore));
  cluster_.advance(2s);
  rot(0, "a.tmp");
  const FolderVerifyResult result = verify(0);
  EXPECT_EQ(result.pass.files_damaged, 0u);
  EXPECT_EQ(counters(0).damage_found, 0u);
}

TEST_F(VerifyTest, OnlyWhatLiesAtAPathIsRead) {
  share_among(2);
  for (const char* path : {"d/a", "d/e/b", "other"}) write(0, path, path);
  ASSERT_TRUE(converge());
  for (const char* path : {"d/a", "d/e/b", "other"}) rot(0, path);
  const FolderVerifyResult result = verify(0, "d/e");
  EXPECT_EQ(result.pass.path, "d/e");
  EXPECT_EQ(result.pass.files, 1u);
  EXPECT_EQ(result.pass.files_repaired, 1u);
  EXPECT_EQ(counters(0).damage_found, 1u);
  EXPECT_EQ(verify(0, "other").pass.files_repaired, 1u);
  EXPECT_EQ(verify(0).pass.files_repaired, 1u);
  FolderCommand command;
  command.verb = Verb::kVerify;
  command.folder = "folder";
  command.path = "nothing";
  EXPECT_EQ(cluster_.run(0, command).error().code, ErrorCode::kNotFound);
}

TEST_F(VerifyTest, APassOfItsOwnGoesOnAfterARestart) {
  share_with(2, with_interval(1h, 20'000));
  for (int i = 0; i < 400; ++i) write(0, "f" + std::to_string(i), ByteView(random_bytes(2000)));
  ASSERT_TRUE(converge());
  cluster_.advance(1h + 70s);
  ASSERT_TRUE(status(0).verifying);
  const std::uint64_t checked = status(0).verifying->files_checked;
  EXPECT_GT(checked, 0u);
  EXPECT_LT(checked, 400u);
  cluster_.restart(0);
  cluster_.advance(10s);
  ASSERT_TRUE(status(0).verifying);
  EXPECT_GT(status(0).verifying->files_checked, 100u);
  cluster_.advance(3min);
  ASSERT_TRUE(status(0).verified);
  EXPECT_GE(status(0).verified->files_checked, 400u);
}

TEST_F(VerifyTest, WhatWasSuspectedBeforeARestartIsFoundAfterIt) {
  share_with(2, with_interval(1h, 20'000));
  for (int i = 0; i < 400; ++i) write(0, "f" + std::to_string(i), ByteView(random_bytes(2000)));
  ASSERT_TRUE(converge());
  const Contents before = contents(0);
  for (int i = 0; i < 400; i += 10) rot(0, "f" + std::to_string(i), 100);
  cluster_.advance(1h + 33s);
  cluster_.restart(0);
  cluster_.advance(10min);
  EXPECT_EQ(contents(0), before);
  EXPECT_EQ(status(0).files_damaged, 0u);
  EXPECT_EQ(status(0).verified->files_damaged, 40u);
  EXPECT_EQ(status(0).verified->files_repaired, 40u);
}

TEST_F(VerifyTest, APausedFolderIsNotVerified) {
  share_among(2);
  write(0, "a", "some text");
  ASSERT_TRUE(converge());
  ASSERT_TRUE(command(0, Verb::kPause));
  const CommandResult refused = command(0, Verb::kVerify);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("paused_by_user"));
}

TEST_F(VerifyTest, AStopInTheMidstGoesOnAfterwards) {
  share_among(2);
  write(0, "a", "some text");
  ASSERT_TRUE(converge());
  rot(0, "a");
  const FolderVerifyResult begun = ask(0, {}, 0);
  cluster_.advance(1s);
  ASSERT_TRUE(command(0, Verb::kPause));
  cluster_.advance(2min);
  ASSERT_TRUE(command(0, Verb::kResume));
  cluster_.advance(3min);
  const FolderVerification pass = ask(0, {}, begun.pass.number).pass;
  EXPECT_TRUE(pass.ended);
  EXPECT_EQ(pass.files_repaired, 1u);
}

}  // namespace
}  // namespace shoal
