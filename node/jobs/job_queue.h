// JobQueue: the one queue of a node. Classes share the node by weight (deficit round robin, Shreedhar and
// Varghese 1995, with jobs as the unit), so that bulk work never delays a ping; within a class the order is
// that of arrival. Bounded: when full, the newest job of the least urgent class gives way.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "node/jobs/job.h"

namespace shoal {

// Most urgent first: the order in which classes give way is the reverse.
enum class JobClass : std::uint8_t {
  kEssential,  // deadlines, commits, streams: bounded by what they belong to, never refused
  kNetwork,    // datagrams of hosts we share a key with, and what they ask
  kControl,
  kStrangers,  // datagrams that need a key agreement to open
  kStorage,    // stores and gets
  kSync,
  kMaintenance,
};
inline constexpr std::size_t kJobClasses = 7;

class JobQueue {
 public:
  explicit JobQueue(std::size_t jobs_max) : jobs_max_(jobs_max) {}

  // The job that was refused for want of room, which may be this one or an older, less urgent one.
  std::optional<Job> push(JobClass job_class, Job job);
  std::optional<Job> pop();

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  // Jobs lie in one pool of slots, linked into a list for each class: an idle node holds no memory for empty
  // lists.
  static constexpr std::uint32_t kNone = 0xffff'ffff;
  struct Slot {
    Job job;
    std::uint32_t next = kNone;
    std::uint32_t previous = kNone;
  };
  struct List {
    std::uint32_t first = kNone;
    std::uint32_t last = kNone;
    std::uint32_t credit = 0;
  };

  static constexpr std::size_t kSlotsKept = 4;  // by an empty queue

  void append(List& list, Job job);
  Job remove(List& list, std::uint32_t slot);

  std::size_t jobs_max_;
  std::size_t size_ = 0;
  std::size_t turn_ = 0;
  std::uint32_t free_ = kNone;
  std::array<List, kJobClasses> lists_{};
  std::vector<Slot> slots_;
};

}  // namespace shoal
