// What only the stores on a disk promise: durability, and what happens to files that are not as they should
// be.
#include "node/store/sqlite_stores.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "node/store/data_directory.h"
#include "tests/unit/store/sqlite_harness.h"

namespace shoal {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(SqliteStores, KeepEverythingOverACleanStop) {
  SqliteHarness harness;
  harness.items().commit({{item(1, 5000), item(2)}, {}});
  harness.items().commit({{item(3)}, {item(2).header.name}});
  HostIdentity identity;
  identity.boot_number = 7;
  harness.hosts().save_identity(identity);
  harness.hosts().save_hosts({{Contact{item(5).header.name.location, Endpoint::v4(1, 2)}, WallTime(9ms)}});
  const Id group = item(6).header.name.location;
  Endpoint link_local = Endpoint::v4(3, 4);
  link_local.interface = 5;
  const std::vector<KnownPeer> peers{
      {item(7).header.name.location, {Endpoint::v4(1, 2), link_local}, WallTime(8ms)},
      {item(8).header.name.location, {Endpoint::v4(6, 7)}, WallTime(7ms)}};
  const Id left = item(9).header.name.location;
  harness.hosts().save_peers(group, peers);
  harness.hosts().save_peers(left, {{item(8).header.name.location, {Endpoint::v4(6, 7)}, WallTime(7ms)}});
  harness.hosts().save_peers(left, {});
  harness.open();
  expect_same(harness.items().find(item(1).header.name), item(1, 5000));
  EXPECT_FALSE(harness.items().find(item(2).header.name).has_value());
  EXPECT_EQ(harness.items().totals().count, 2u);
  EXPECT_EQ(harness.items().totals().body_bytes, 5100u);
  EXPECT_EQ(harness.hosts().load_identity()->boot_number, 7u);
  EXPECT_EQ(harness.hosts().load_hosts().at(0).contact.endpoint, Endpoint::v4(1, 2));
  EXPECT_EQ(harness.hosts().load_peers(group), peers);
  EXPECT_TRUE(harness.hosts().load_peers(left).empty());
  EXPECT_TRUE(harness.stores().take_warnings().empty());
}

TEST(SqliteStores, LeaveNoBodyBehindThatNoNameLeadsTo) {
  SqliteHarness harness;
  for (int round = 0; round < 5; ++round) {
    harness.items().commit({{item(1, 100), item(2, 200)}, {}});
    harness.items().commit({{}, {item(2).header.name}});
  }
  harness.wait(10);
  SQLite::Database db(harness.file().string());
  EXPECT_EQ(db.execAndGet("SELECT count(*) FROM body").getInt(), 1);
  EXPECT_EQ(db.execAndGet("SELECT sum(body_bytes) FROM item").getInt(), 100);
}

TEST(SqliteStores, AreForTheirOwnerOnly) {
  SqliteHarness harness;
  harness.items().commit({{item(1)}, {}});
  harness.wait(1);
  for (const char* name : {"shoal.sqlite", "shoal.sqlite-wal", "shoal.sqlite-shm"}) {
    struct stat status {};
    ASSERT_EQ(::stat((harness.directory() / name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 0777, 0600u) << name;
  }
}

TEST(SqliteStores, FailACommitAndTakeItBackWhileAnotherProgramHoldsTheFile) {
  SqliteHarness harness;
  harness.open({.busy_timeout = 0ms});
  harness.items().commit({{item(1, 100)}, {}});
  harness.wait(1);
  {
    SQLite::Database other(harness.file().string(), SQLite::OPEN_READWRITE);
    SQLite::Transaction held(other, SQLite::TransactionBehavior::IMMEDIATE);
    harness.items().commit({{item(1, 300), item(2, 50)}, {}});
    const std::vector<CommitCompletion> done = harness.wait(1);
    ASSERT_EQ(done.size(), 1u);
    ASSERT_FALSE(done[0].outcome.has_value());
    EXPECT_EQ(done[0].outcome.error().code, ErrorCode::kBusy);
    EXPECT_THAT(done[0].outcome.error().message, HasSubstr("shoal.sqlite"));
  }
  expect_same(harness.items().find(item(1).header.name), item(1, 100));
  EXPECT_FALSE(harness.items().find(item(2).header.name).has_value());
  EXPECT_EQ(harness.items().totals().count, 1u);
  EXPECT_EQ(harness.items().totals().body_bytes, 100u);
  harness.items().commit({{item(2, 50)}, {}});
  EXPECT_TRUE(harness.wait(1).at(0).outcome.has_value());
}

TEST(SqliteStores, RefuseTheFileOfANewerVersion) {
  SqliteHarness harness;
  harness.close();
  SQLite::Database(harness.file().string(), SQLite::OPEN_READWRITE).exec("PRAGMA user_version = 99");
  const auto opened = SqliteStores::open(harness.directory(), [] {});
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(opened.error().message, HasSubstr("newer shoal (schema version 99"));
}

TEST(SqliteStores, RefuseTheFileOfAnotherProgram) {
  TemporaryDirectory directory;
  SQLite::Database((directory.path() / "shoal.sqlite").string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE)
      .exec("CREATE TABLE theirs (a)");
  const auto opened = SqliteStores::open(directory.path(), [] {});
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kUnsupported);
}

TEST(SqliteStores, MoveAFileAsideThatIsNoDatabase) {
  TemporaryDirectory directory;
  std::ofstream(directory.path() / "shoal.sqlite") << std::string(10'000, 'x');
  auto opened = SqliteStores::open(directory.path(), [] {});
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  const std::vector<std::string> warnings = (*opened)->take_warnings();
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0], HasSubstr("moved to shoal.sqlite.damaged-1"));
  EXPECT_EQ(fs::file_size(directory.path() / "shoal.sqlite.damaged-1"), 10'000u);
  EXPECT_EQ((*opened)->items().totals().count, 0u);
}

// Overwrites all but the first pages. Page 1 holds the schema, 2 to 6 the roots of the tables.
void damage(const fs::path& file, std::size_t pages_kept) {
  std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
  const std::size_t kept = 4096 * pages_kept;
  bytes.seekp(static_cast<std::streamoff>(kept));
  const std::string garbage(static_cast<std::size_t>(fs::file_size(file)) - kept, '\xee');
  bytes.write(garbage.data(), static_cast<std::streamsize>(garbage.size()));
}

TEST(SqliteStores, NoticeDamageWhileRunningAndMoveTheFileAsideAtTheNextStart) {
  SqliteHarness harness;
  for (int i = 0; i < 200; ++i) harness.items().commit({{item(i, 1000)}, {}});
  harness.wait(200);
  harness.close();
  damage(harness.file(), 7);
  harness.open();
  EXPECT_FALSE(harness.items().find(item(7).header.name).has_value());
  EXPECT_FALSE(harness.stores().take_warnings().empty());
  harness.open();
  EXPECT_TRUE(fs::exists(harness.directory() / "shoal.sqlite.damaged-1"));
  EXPECT_EQ(harness.items().totals().count, 0u);
  harness.items().commit({{item(1)}, {}});
  EXPECT_TRUE(harness.wait(1).at(0).outcome.has_value());
  EXPECT_THAT(harness.stores().take_warnings().at(0), HasSubstr("begun anew"));
}

TEST(SqliteStores, MoveADamagedFileAsideAtTheStart) {
  SqliteHarness harness;
  harness.items().commit({{item(1, 1000)}, {}});
  harness.wait(1);
  harness.close();
  damage(harness.file(), 1);
  harness.open();
  EXPECT_THAT(harness.stores().take_warnings().at(0), HasSubstr("moved to shoal.sqlite.damaged-1"));
  EXPECT_EQ(harness.items().totals().count, 0u);
}

// Commits without end, and writes each acknowledged number to `out`.
[[noreturn]] void commit_for_ever(const fs::path& directory, int out) {
  std::mutex mutex;
  std::condition_variable woken;
  bool is_woken = false;
  auto stores = SqliteStores::open(directory, [&] {
    const std::lock_guard lock(mutex);
    is_woken = true;
    woken.notify_one();
  });
  std::uint64_t next = 0;
  for (;;) {
    for (int i = 0; i < 5; ++i, ++next) {
      stores.value()->items().commit({{item(static_cast<int>(next), 2000)}, {}});
    }
    std::unique_lock lock(mutex);
    woken.wait(lock, [&] { return is_woken; });
    is_woken = false;
    lock.unlock();
    for (const CommitCompletion& done : stores.value()->drain_completions()) {
      if (!done.outcome || ::write(out, &done.commit.value, sizeof done.commit.value) < 0) ::_exit(1);
    }
  }
}

TEST(SqliteStores, HoldEveryAcknowledgedItemAfterSigkill) {
  TemporaryDirectory directory;
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) commit_for_ever(directory.path(), pipe_ends[1]);
  ::close(pipe_ends[1]);
  std::uint64_t acknowledged = 0;
  std::uint64_t commit = 0;
  while (::read(pipe_ends[0], &commit, sizeof commit) == static_cast<ssize_t>(sizeof commit)) {
    EXPECT_EQ(commit, ++acknowledged);
    if (acknowledged == 300) ::kill(child, SIGKILL);
  }
  ::close(pipe_ends[0]);
  ::waitpid(child, nullptr, 0);
  ASSERT_GE(acknowledged, 300u);
  auto stores = SqliteStores::open(directory.path(), [] {});
  ASSERT_TRUE(stores.has_value()) << stores.error().message;
  EXPECT_TRUE((*stores)->take_warnings().empty());
  for (std::uint64_t i = 0; i < acknowledged; ++i) {
    const StoredItem expected = item(static_cast<int>(i), 2000);
    expect_same((*stores)->items().find(expected.header.name), expected);
  }
}

TEST(DataDirectory, LetsOneNodeInAndTheNextAfterIt) {
  TemporaryDirectory parent;
  const fs::path path = parent.path() / "new" / "data";
  auto first = DataDirectory::open(path);
  ASSERT_TRUE(first.has_value()) << first.error().message;
  EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_all);
  const auto second = DataDirectory::open(path);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::kBusy);
  EXPECT_THAT(second.error().message, HasSubstr("(process " + std::to_string(::getpid()) + ")"));
  { const DataDirectory gone = std::move(*first); }
  EXPECT_TRUE(DataDirectory::open(path).has_value());
}

TEST(DataDirectory, IsPrivateHoweverItIsNamed) {
  TemporaryDirectory parent;
  const fs::path before = fs::current_path();
  fs::current_path(parent.path());
  for (const char* name : {"data", "./other", "one/more", "last/"}) {
    const auto opened = DataDirectory::open(name);
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    EXPECT_EQ(fs::status(name).permissions(), fs::perms::owner_all) << name;
  }
  fs::current_path(before);
}

TEST(DataDirectory, IsNotSharedWithOthers) {
  TemporaryDirectory parent;
  const fs::path data = parent.path() / "data";
  for (const fs::perms shared : {fs::perms::group_write, fs::perms::others_write}) {
    fs::create_directory(data);
    fs::permissions(data, fs::perms::owner_all | shared);
    const auto opened = DataDirectory::open(data);
    ASSERT_FALSE(opened.has_value());
    EXPECT_THAT(opened.error().message, HasSubstr("other users can write"));
    EXPECT_TRUE(fs::is_empty(data));
  }
}

TEST(DataDirectory, MakesItsOwnLockFile) {
  TemporaryDirectory parent;
  std::ofstream(parent.path() / "victim") << "precious";
  const fs::path data = parent.path() / "data";
  fs::create_directory(data);
  fs::create_symlink(parent.path() / "victim", data / "lock");
  const auto opened = DataDirectory::open(data);
  ASSERT_FALSE(opened.has_value());
  EXPECT_THAT(opened.error().message, HasSubstr("is a link"));
  EXPECT_EQ(fs::file_size(parent.path() / "victim"), 8u);
}

TEST(DataDirectory, SaysWhyItCannotBeMade) {
  TemporaryDirectory parent;
  std::ofstream(parent.path() / "file") << "x";
  const auto opened = DataDirectory::open(parent.path() / "file");
  ASSERT_FALSE(opened.has_value());
  EXPECT_THAT(opened.error().message, HasSubstr("cannot create the directory"));
}

}  // namespace
}  // namespace shoal
