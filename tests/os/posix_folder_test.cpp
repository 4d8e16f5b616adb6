// What only real disks, threads and mounts show of folders.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "node/os/posix_folders.h"

namespace shoal {
namespace {

namespace fs = std::filesystem;

class PosixFolderOnDisk : public testing::Test {
 protected:
  PosixFolderOnDisk() {
    std::string directory = (fs::temp_directory_path() / "shoal-folder-XXXXXX").string();
    EXPECT_NE(::mkdtemp(directory.data()), nullptr);
    base_ = directory;
    fs::create_directories(base_ / "folder");
    fs::create_directories(base_ / "outside");
    folder_ = folders_.open(Id{}, (base_ / "folder").string()).value();
  }
  ~PosixFolderOnDisk() override { fs::remove_all(base_); }

  EventLoop loop_;
  PosixFolders folders_{loop_, [](const FolderEvent&) {}};
  fs::path base_;
  std::shared_ptr<Folder> folder_;
};

TEST_F(PosixFolderOnDisk, DoesNotTouchAPipe) {
  const std::string pipe = (base_ / "folder/pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0644), 0);
  EXPECT_FALSE(folder_->open("pipe", OpenMode::kRead));
  EXPECT_FALSE(folder_->open("pipe", OpenMode::kWrite));
  // Nobody has ever read there: a writer that does not wait is refused.
  EXPECT_EQ(::open(pipe.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC), -1);
  EXPECT_EQ(errno, ENXIO);
}

TEST_F(PosixFolderOnDisk, StopsAtAMountPoint) {
  const std::string place = (base_ / "folder/mounted").string();
  fs::create_directories(place);
  std::ofstream(base_ / "outside/secret") << "s";
  if (::mount((base_ / "outside").c_str(), place.c_str(), nullptr, MS_BIND, nullptr) != 0)
    GTEST_SKIP() << "mounting is not permitted here";
  const auto entries = folder_->list("", ListMode::kOnce);
  const auto code = [](const auto& result) { return result ? ErrorCode::kNone : result.error().code; };
  const ErrorCode read = code(folder_->open("mounted/secret", OpenMode::kRead));
  const ErrorCode listed = code(folder_->list("mounted", ListMode::kOnce));
  const ErrorCode removed = code(folder_->change(Remove{"mounted/secret"}));
  const ErrorCode removed_it = code(folder_->change(Remove{"mounted"}));
  const ErrorCode set = code(folder_->change(SetMetadata{"mounted", 0711, {}}));
  const Result<FileStat> stat = folder_->stat("mounted");
  ASSERT_EQ(::umount(place.c_str()), 0);
  ASSERT_TRUE(entries && stat);
  EXPECT_EQ(entries->at(0).stat.kind, FileKind::kMount);
  EXPECT_EQ(stat->kind, FileKind::kMount);
  for (const ErrorCode refused : {read, listed, removed, removed_it, set})
    EXPECT_EQ(refused, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(fs::exists(base_ / "outside/secret"));
}

TEST_F(PosixFolderOnDisk, IsNotListedWhileSomethingIsMountedOverIt) {
  const std::string place = (base_ / "folder").string();
  ASSERT_TRUE(folder_->list("", ListMode::kOnce));
  if (::mount((base_ / "outside").c_str(), place.c_str(), nullptr, MS_BIND, nullptr) != 0)
    GTEST_SKIP() << "mounting is not permitted here";
  const auto covered = folder_->list("", ListMode::kOnce);
  ASSERT_EQ(::umount(place.c_str()), 0);
  ASSERT_FALSE(covered);
  EXPECT_EQ(covered.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(folder_->list("", ListMode::kOnce));
}

TEST_F(PosixFolderOnDisk, NeverLeavesWhileOthersSwapDirectoriesForLinks) {
  fs::create_directories(base_ / "folder/a");
  std::ofstream(base_ / "folder/a/f") << "in";
  std::ofstream(base_ / "outside/f") << "out";
  fs::create_directory_symlink("../outside", base_ / "folder/b");
  const std::string a = (base_ / "folder/a").string();
  const std::string b = (base_ / "folder/b").string();
  std::atomic<bool> stop = false;
  std::thread swapper([&] {
    while (!stop) ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE);
  });
  int read = 0;
  // On a busy machine the swapper may rest for long while `a` is the link: until it was a directory once.
  for (int i = 0; i < 5000 || read == 0; ++i) {
    const auto file = folder_->open("a/f", OpenMode::kRead);
    if (!file) continue;
    Bytes bytes(3);
    const Result<std::size_t> size = (*file)->read(0, bytes);
    EXPECT_EQ(text(ByteView(bytes).first(size.value())), "in");
    ++read;
  }
  stop = true;
  swapper.join();
}

TEST_F(PosixFolderOnDisk, ServesSeveralThreadsAtOnce) {
  std::atomic<int> failures = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, own = "t" + std::to_string(t)] {
      const auto expect = [&](bool good) { failures += good ? 0 : 1; };
      for (int i = 0; i < 100; ++i) {
        expect(folder_->change(MakeDirectory{own}).has_value());
        expect(folder_->list(own, ListMode::kWatched).has_value());
        const auto file = folder_->open(own + "/f", OpenMode::kCreate);
        expect(file && (*file)->write(0, view(own)));
        expect(folder_->change(Rename{own + "/f", own + "/g"}).has_value());
        expect(folder_->list("", ListMode::kWatched).has_value());
        expect(folder_->change(Remove{own + "/g"}).has_value());
        expect(folder_->change(Remove{own}).has_value());
        expect(!folder_->list(own, ListMode::kWatched));
      }
    });
  }
  for (int turn = 0; turn < 100; ++turn) uv_run(loop_.uv(), UV_RUN_NOWAIT);
  for (std::thread& thread : threads) thread.join();
  uv_run(loop_.uv(), UV_RUN_NOWAIT);
  EXPECT_EQ(failures, 0);
}

}  // namespace
}  // namespace shoal
