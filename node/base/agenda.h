// Agenda<T>: a node's deadlines, earliest first; equal instants in the order they were added. Nothing is ever
// cancelled: what a deadline was for is looked up by guid when it comes, and may be gone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "node/base/instant.h"

namespace shoal {

template <class T>
class Agenda {
 public:
  void add(Instant when, T what) {
    heap_.push_back(Entry{when, next_++, std::move(what)});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }

  // kNever when nothing is due at all.
  Instant next() const { return heap_.empty() ? kNever : heap_.front().when; }

  std::optional<T> pop_due(Instant now) {
    if (heap_.empty() || heap_.front().when > now) return std::nullopt;
    return pop();
  }

  // Drops the earliest deadlines for as long as is_over(when, what) says that nobody waits for them any
  // longer: they would only wake the host.
  template <class IsOver>
  void drop_while(IsOver&& is_over) {
    while (!heap_.empty() && is_over(heap_.front().when, heap_.front().what)) pop();
  }

  std::size_t size() const { return heap_.size(); }

 private:
  struct Entry {
    Instant when;
    std::uint64_t order;
    T what;
  };
  static bool later(const Entry& a, const Entry& b) {
    return a.when != b.when ? a.when > b.when : a.order > b.order;
  }
  T pop() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    T what = std::move(heap_.back().what);
    heap_.pop_back();
    if (heap_.capacity() > kEntriesKept && heap_.size() < heap_.capacity() / 4) heap_.shrink_to_fit();
    return what;
  }
  static constexpr std::size_t kEntriesKept = 32;

  std::vector<Entry> heap_;
  std::uint64_t next_ = 0;
};

}  // namespace shoal
