// The pool of threads: every piece of work comes back once, on the loop's thread.
#include "node/os/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <functional>
#include <latch>
#include <memory>
#include <set>
#include <thread>
#include <utility>

namespace shoal {
namespace {

class Counted final : public Work {
 public:
  Counted(std::atomic<int>& alive, std::function<void()> body) : alive_(alive), body_(std::move(body)) {
    ++alive_;
  }
  ~Counted() override { --alive_; }
  void run() override { body_(); }

 private:
  std::atomic<int>& alive_;
  std::function<void()> body_;
};

std::unique_ptr<Work> counted(std::atomic<int>& alive, std::uint64_t number, std::function<void()> body) {
  auto work = std::make_unique<Counted>(alive, std::move(body));
  work->number = number;
  return work;
}

TEST(ThreadPool, HandsEachPieceBackOnceOnTheThreadOfTheLoop) {
  EventLoop loop;
  std::atomic<int> alive = 0;
  std::atomic<int> runs = 0;
  std::multiset<std::uint64_t> back;
  const std::thread::id here = std::this_thread::get_id();
  ThreadPool pool(loop, [&](std::unique_ptr<Work> work) {
    EXPECT_EQ(std::this_thread::get_id(), here);
    back.insert(work->number);
    if (back.size() == 1000) loop.stop();
  });
  for (std::uint64_t i = 0; i < 1000; ++i) {
    pool.submit(counted(alive, i, [&] {
      EXPECT_NE(std::this_thread::get_id(), here);
      ++runs;
    }));
  }
  loop.run();
  EXPECT_EQ(runs, 1000);
  EXPECT_EQ(alive, 0);
  for (std::uint64_t i = 0; i < 1000; ++i) EXPECT_EQ(back.count(i), 1u);
}

TEST(ThreadPool, RunsAsManyPiecesAtOnceAsItIsWide) {
  EventLoop loop;
  std::atomic<int> alive = 0;
  int back = 0;
  ThreadPool pool(
      loop,
      [&](std::unique_ptr<Work>) {
        if (++back == 3) loop.stop();
      },
      3);
  ASSERT_EQ(pool.width(), 3u);
  std::latch together(3);
  for (std::uint64_t i = 0; i < 3; ++i) pool.submit(counted(alive, i, [&] { together.arrive_and_wait(); }));
  loop.run();
  EXPECT_EQ(back, 3);
}

TEST(ThreadPool, HasAtLeastTwoThreadsByItself) {
  EventLoop loop;
  const ThreadPool pool(loop, [](std::unique_ptr<Work>) {});
  EXPECT_GE(pool.width(), 2u);
  EXPECT_LE(pool.width(), 16u);
}

TEST(ThreadPool, TakesNoSignals) {
  EventLoop loop;
  std::atomic<int> alive = 0;
  sigset_t mask;
  ThreadPool pool(loop, [&](std::unique_ptr<Work>) { loop.stop(); });
  pool.submit(counted(alive, 0, [&] { pthread_sigmask(SIG_BLOCK, nullptr, &mask); }));
  loop.run();
  EXPECT_EQ(sigismember(&mask, SIGTERM), 1);
  EXPECT_EQ(sigismember(&mask, SIGINT), 1);
}

TEST(ThreadPool, FinishesWhatRunsAndDropsTheRestWhenItEnds) {
  EventLoop loop;
  std::atomic<int> alive = 0;
  std::atomic<int> finished = 0;
  int back = 0;
  {
    ThreadPool pool(
        loop, [&](std::unique_ptr<Work>) { ++back; }, 1);
    std::latch started(1);
    pool.submit(counted(alive, 0, [&] {
      started.count_down();
      ++finished;
    }));
    for (std::uint64_t i = 1; i < 10; ++i) pool.submit(counted(alive, i, [&] { ++finished; }));
    started.wait();
  }
  EXPECT_GE(finished, 1);
  EXPECT_EQ(alive, 0);
  loop.post([&] { loop.stop(); });
  loop.run();
  EXPECT_EQ(back, 0);
}

}  // namespace
}  // namespace shoal
