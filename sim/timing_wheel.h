// TimingWheel: pending events in the order of (time, order of insertion), for millions of them.
//
//   now's slot          fine wheel                 coarse wheel                 far
//   sorted when entered │ 4,096 slots of 262 µs  │ 4,096 slots of 1.07 s      │ heap
//                       │ = one coarse slot      │ = 73 minutes               │
//
// Insertion is an append to a slot's list of pooled chunks; a coarse slot is dealt out to the fine wheel when
// its time comes, a fine slot is sorted when its time comes (Varghese and Lauck 1987, scheme 7). What is
// inserted into the slot under way goes to a small heap. Bitmaps skip empty slots, so a sparse queue is cheap
// too. The order of insertion is a 64-bit number of our own: ns-3's 32-bit uid wraps after 4.3e9 events.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "sim/slot_bitmap.h"

namespace shoal::sim {

class TimingWheel {
 public:
  struct Event {
    void* what;
    std::uint64_t when;     // ns
    std::uint32_t uid;      // the caller's; names the event in remove()
    std::uint32_t context;  // the caller's
  };

  TimingWheel();
  TimingWheel(const TimingWheel&) = delete;
  TimingWheel& operator=(const TimingWheel&) = delete;

  void insert(const Event& event);
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  // The earliest; preconditions: not empty.
  Event top();
  Event pop();
  // What comes n-th after the earliest, as far as that is known without looking for it, and if nothing is
  // inserted before; nullptr: not known. 0: the earliest itself.
  const Event* peek(std::size_t n) const {
    return n < sorted_.size() ? &sorted_[sorted_.size() - 1 - n].event : nullptr;
  }
  // False when no such event (by when and uid) is pending. Linear in its slot, so for rare use.
  bool remove(std::uint64_t when, std::uint32_t uid);

 private:
  static constexpr unsigned kFineShift = 18;
  static constexpr unsigned kSlotBits = 12;
  static constexpr unsigned kCoarseShift = kFineShift + kSlotBits;
  static constexpr std::size_t kSlots = std::size_t{1} << kSlotBits;
  static constexpr std::size_t kSlotMask = kSlots - 1;

  struct Entry {
    Event event;
    std::uint64_t order;
  };
  struct Chunk {
    static constexpr std::size_t kEntriesMax = 15;
    Chunk* next;
    std::size_t count;
    std::array<Entry, kEntriesMax> entries;
  };
  struct Wheel {
    std::array<Chunk*, kSlots> slots{};
    SlotBitmap<kSlots> filled;
  };

  static bool later(const Entry& a, const Entry& b) {
    return a.event.when != b.event.when ? a.event.when > b.event.when : a.order > b.order;
  }
  static std::uint64_t fine_of(const Entry& entry) { return entry.event.when >> kFineShift; }
  static std::uint64_t coarse_of(const Entry& entry) { return entry.event.when >> kCoarseShift; }

  void put(Wheel& wheel, std::size_t slot, const Entry& entry);
  Chunk* take(Wheel& wheel, std::size_t slot);
  Chunk* new_chunk();
  void free_chunk(Chunk* chunk);
  void push_far(const Entry& entry);
  Entry pop_far();
  // Makes the earliest event one of sorted_ or late_.
  void advance();
  void enter_next_coarse_slot();
  bool top_is_late() const;
  struct Key {
    std::uint64_t when;
    std::uint32_t uid;
  };
  static bool matches(const Entry& entry, Key key) {
    return entry.event.uid == key.uid && entry.event.when == key.when;
  }
  static bool remove_from(std::vector<Entry>& entries, Key key);
  static bool remove_from(Wheel& wheel, std::size_t slot, Key key);

  std::size_t size_ = 0;
  std::uint64_t next_order_ = 0;
  std::uint64_t fine_now_ = 0;  // the fine slot under way; its events are in sorted_ and late_
  std::vector<Entry> sorted_;   // latest first
  std::vector<Entry> late_;     // heap: inserted when their slot was under way or past
  std::vector<Entry> far_;      // heap: beyond the coarse wheel
  std::unique_ptr<Wheel> fine_;
  std::unique_ptr<Wheel> coarse_;
  std::vector<std::unique_ptr<Chunk[]>> slabs_;
  Chunk* free_chunks_ = nullptr;
};

}  // namespace shoal::sim
