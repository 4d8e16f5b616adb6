#include "node/jobs/job_queue.h"

#include <utility>

#include "node/base/check.h"

namespace shoal {
namespace {

// Jobs a class may run before the next one has its turn.
constexpr std::array<std::uint32_t, kJobClasses> kWeights = {16, 16, 8, 2, 4, 2, 1};

}  // namespace

void JobQueue::append(List& list, Job job) {
  std::uint32_t slot = free_;
  if (slot == kNone) {
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    free_ = slots_[slot].next;
  }
  slots_[slot] = Slot{std::move(job), kNone, list.last};
  if (list.last == kNone) {
    list.first = slot;
  } else {
    slots_[list.last].next = slot;
  }
  list.last = slot;
  ++size_;
}

Job JobQueue::remove(List& list, std::uint32_t slot) {
  Slot& s = slots_[slot];
  (s.previous == kNone ? list.first : slots_[s.previous].next) = s.next;
  (s.next == kNone ? list.last : slots_[s.next].previous) = s.previous;
  Job job = std::exchange(s.job, Job(HandleDeadlines{}));
  s.next = free_;
  free_ = slot;
  --size_;
  if (size_ == 0 && slots_.capacity() > kSlotsKept) {
    std::vector<Slot>().swap(slots_);
    free_ = kNone;
  }
  return job;
}

std::optional<Job> JobQueue::push(JobClass job_class, Job job) {
  const auto index = static_cast<std::size_t>(job_class);
  std::optional<Job> refused;
  if (size_ >= jobs_max_ && job_class != JobClass::kEssential) {
    std::size_t victim = kJobClasses - 1;
    while (victim > index && lists_[victim].last == kNone) --victim;
    if (victim == index) return job;
    refused = remove(lists_[victim], lists_[victim].last);
  }
  append(lists_[index], std::move(job));
  return refused;
}

std::optional<Job> JobQueue::pop() {
  if (size_ == 0) return std::nullopt;
  for (;;) {
    List& list = lists_[turn_];
    if (list.first != kNone && list.credit > 0) {
      --list.credit;
      return remove(list, list.first);
    }
    turn_ = (turn_ + 1) % kJobClasses;
    lists_[turn_].credit = kWeights[turn_];
  }
}

}  // namespace shoal
