// A temporary data directory, and the SQLite stores in it.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "node/store/sqlite_stores.h"
#include "tests/unit/store/store_harness.h"

namespace shoal {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "shoal-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code none;
    std::filesystem::remove_all(path_, none);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class SqliteHarness {
 public:
  SqliteHarness() { open(); }

  ItemStore& items() { return stores_->items(); }
  IndexStore& index() { return stores_->index(); }
  HostStore& hosts() { return stores_->hosts(); }
  SqliteStores& stores() { return *stores_; }
  std::filesystem::path directory() const { return directory_.path(); }
  std::filesystem::path file() const { return directory_.path() / "shoal.sqlite"; }

  // Fewer than `count` only when the writer stays silent for a minute.
  std::vector<CommitCompletion> wait(std::size_t count) {
    std::vector<CommitCompletion> done = stores_->drain_completions();
    while (done.size() < count) {
      std::unique_lock lock(mutex_);
      if (!woken_.wait_for(lock, std::chrono::minutes(1), [this] { return is_woken_; })) break;
      is_woken_ = false;
      lock.unlock();
      for (CommitCompletion& completion : stores_->drain_completions()) done.push_back(std::move(completion));
    }
    return done;
  }

  void close() { stores_.reset(); }
  void open(const SqliteOptions& options = {}) {
    close();
    auto opened = SqliteStores::open(
        directory_.path(),
        [this] {
          const std::lock_guard lock(mutex_);
          is_woken_ = true;
          woken_.notify_one();
        },
        options);
    if (!opened) std::fprintf(stderr, "%s\n", opened.error().message.c_str());
    stores_ = std::move(opened.value());
  }

 private:
  TemporaryDirectory directory_;
  std::mutex mutex_;
  std::condition_variable woken_;
  bool is_woken_ = false;
  std::unique_ptr<SqliteStores> stores_;
};

}  // namespace shoal
