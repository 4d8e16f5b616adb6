#include "node/os/thread_pool.h"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace shoal {

ThreadPool::ThreadPool(EventLoop& loop, std::function<void(std::unique_ptr<Work>)> on_done, unsigned width)
    : loop_(loop) {
  finished_->on_done = std::move(on_done);
  if (width == 0) width = std::clamp(std::thread::hardware_concurrency(), 2u, 16u);
  // Threads inherit the mask: signals are the loop's.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (unsigned i = 0; i < width; ++i) threads_.emplace_back([this] { run_works(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  finished_->on_done = nullptr;
  finished_->work.clear();
}

void ThreadPool::submit(std::unique_ptr<Work> work) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(work));
  }
  changed_.notify_one();
}

void ThreadPool::run_works() {
  for (;;) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    std::unique_ptr<Work> work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work->run();
    finish(std::move(work));
  }
}

void ThreadPool::finish(std::unique_ptr<Work> work) {
  {
    const std::lock_guard lock(finished_->mutex);
    finished_->work.push_back(std::move(work));
    if (finished_->work.size() > 1) return;  // a turn is coming already
  }
  loop_.post([finished = finished_] { finished->hand_back(); });
}

void ThreadPool::Finished::hand_back() {
  std::vector<std::unique_ptr<Work>> done;
  {
    const std::lock_guard lock(mutex);
    done.swap(work);
  }
  for (std::unique_ptr<Work>& one : done) {
    if (on_done) on_done(std::move(one));
  }
}

}  // namespace shoal
