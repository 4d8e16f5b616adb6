// The suite of folders on a disk in memory.
#include "node/store/memory_folder.h"
#include "tests/conformance/folder_suite.h"

namespace shoal::conformance {
namespace {

class MemoryFolderHarness final : public FolderHarness {
 public:
  Folders& folders() override { return folders_; }
  std::string absolute(const std::string& path) override { return "/" + path; }
  void write(const std::string& path, const std::string& text) override {
    EXPECT_TRUE(disk_.write_file(path, view(text)));
  }
  std::string read(const std::string& path) override {
    const Result<Bytes> bytes = disk_.read_file(path);
    return bytes ? std::string(text(*bytes)) : std::string();
  }
  void make_directory(const std::string& path) override { EXPECT_TRUE(disk_.make_directories(path)); }
  void make_link(const std::string& path, const std::string& target) override {
    EXPECT_TRUE(disk_.make_link(path, target));
  }
  void make_other(const std::string& path) override { EXPECT_TRUE(disk_.make_other(path)); }
  void rename(const std::string& from, const std::string& to) override {
    EXPECT_TRUE(disk_.rename(from, to));
  }
  void remove_tree(const std::string& path) override { EXPECT_TRUE(disk_.remove_tree(path)); }
  bool run_until(const std::function<bool()>& done, Duration) override { return done(); }
  Duration settle_time() const override { return 0ms; }
  void overflow(const std::string&) override { folders_.overflow(); }

 private:
  MemoryDisk disk_;
  MemoryFolders folders_{disk_, [this](const FolderEvent& event) { on_event(event); }};
};

SHOAL_CONFORM_FOLDERS(
    Memory, +[]() -> std::unique_ptr<FolderHarness> { return std::make_unique<MemoryFolderHarness>(); });

}  // namespace
}  // namespace shoal::conformance
