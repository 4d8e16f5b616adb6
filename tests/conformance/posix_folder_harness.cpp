// The suite of folders on the machine's own disk, in a directory that is removed afterwards.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "node/os/posix_folders.h"
#include "node/os/system_clock.h"
#include "tests/conformance/folder_suite.h"

namespace shoal::conformance {
namespace {

namespace fs = std::filesystem;

class PosixFolderHarness final : public FolderHarness {
 public:
  PosixFolderHarness() : tick_(new uv_timer_t) {
    uv_timer_init(loop_.uv(), tick_.get());
    uv_timer_start(
        tick_.get(), [](uv_timer_t*) {}, 1, 1);
    std::string directory = (fs::temp_directory_path() / "shoal-folder-XXXXXX").string();
    EXPECT_NE(::mkdtemp(directory.data()), nullptr);
    base_ = directory;
  }
  ~PosixFolderHarness() override { fs::remove_all(base_); }

  Folders& folders() override { return folders_; }
  std::string absolute(const std::string& path) override { return (base_ / path).string(); }
  void write(const std::string& path, const std::string& text) override {
    fs::create_directories((base_ / path).parent_path());
    std::ofstream file(base_ / path, std::ios::binary);
    file << text;
    EXPECT_TRUE(file.flush());
  }
  std::string read(const std::string& path) override {
    std::ifstream file(base_ / path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void make_directory(const std::string& path) override { fs::create_directories(base_ / path); }
  void make_link(const std::string& path, const std::string& target) override {
    fs::create_symlink(target, base_ / path);
  }
  void make_other(const std::string& path) override { EXPECT_EQ(::mkfifo(absolute(path).c_str(), 0644), 0); }
  void rename(const std::string& from, const std::string& to) override {
    fs::rename(base_ / from, base_ / to);
  }
  void remove_tree(const std::string& path) override { fs::remove_all(base_ / path); }

  bool run_until(const std::function<bool()>& done, Duration at_most) override {
    const SystemClock clock;
    const Instant until = clock.now() + at_most;
    while (!done()) {
      if (clock.now() >= until) return false;
      uv_run(loop_.uv(), UV_RUN_ONCE);
    }
    return true;
  }
  Duration settle_time() const override { return 10ms; }
  // Closed by turns, so that no event is like the one before it, and nothing is written.
  void overflow(const std::string& watched) override {
    std::size_t queued_max = 0;
    std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> queued_max;
    write(watched + "/even", "");
    write(watched + "/odd", "");
    for (std::size_t i = 0; i <= queued_max; ++i) {
      const int file =
          ::open(absolute(watched + (i % 2 == 0 ? "/even" : "/odd")).c_str(), O_WRONLY | O_CLOEXEC);
      EXPECT_GE(file, 0);
      ::close(file);
    }
  }

 private:
  EventLoop loop_;
  UvHandle<uv_timer_t> tick_;
  fs::path base_;
  PosixFolders folders_{loop_, [this](const FolderEvent& event) { on_event(event); }};
};

SHOAL_CONFORM_FOLDERS(
    Posix, +[]() -> std::unique_ptr<FolderHarness> { return std::make_unique<PosixFolderHarness>(); });

}  // namespace
}  // namespace shoal::conformance
