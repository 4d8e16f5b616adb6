// ThreadPool: a WorkPool of threads, which hands finished work back on the loop's thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "node/os/event_loop.h"
#include "node/ports/work_pool.h"

namespace shoal {

class ThreadPool final : public WorkPool {
 public:
  // on_done must not end the pool. Width 0: as many threads as the machine runs at one time, from 2 to 16.
  ThreadPool(EventLoop& loop, std::function<void(std::unique_ptr<Work>)> on_done, unsigned width = 0);
  // From the loop's thread. Waits for what is running; the rest, and what was not handed back, is dropped.
  ~ThreadPool() override;
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  void submit(std::unique_ptr<Work> work) override;
  unsigned width() const override { return static_cast<unsigned>(threads_.size()); }

 private:
  // What a turn of the loop that is still to come holds on to.
  struct Finished {
    std::mutex mutex;
    std::vector<std::unique_ptr<Work>> work;             // guarded by mutex
    std::function<void(std::unique_ptr<Work>)> on_done;  // of the loop's thread; none when the pool is gone
    void hand_back();
  };
  void run_works();
  void finish(std::unique_ptr<Work> work);

  EventLoop& loop_;
  std::shared_ptr<Finished> finished_ = std::make_shared<Finished>();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Work>> waiting_;  // guarded by mutex_
  bool stopping_ = false;                      // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace shoal
