#include "sim/timing_wheel.h"

#include <algorithm>

#include "node/base/check.h"

namespace shoal::sim {

TimingWheel::TimingWheel() : fine_(std::make_unique<Wheel>()), coarse_(std::make_unique<Wheel>()) {}

void TimingWheel::insert(const Event& event) {
  const Entry entry{event, next_order_++};
  ++size_;
  const std::uint64_t fine = fine_of(entry);
  const std::uint64_t coarse = coarse_of(entry);
  const std::uint64_t coarse_now = fine_now_ >> kSlotBits;
  if (fine <= fine_now_) {
    late_.push_back(entry);
    std::push_heap(late_.begin(), late_.end(), later);
  } else if (coarse == coarse_now) {
    put(*fine_, fine & kSlotMask, entry);
  } else if (coarse - coarse_now < kSlots) {
    put(*coarse_, coarse & kSlotMask, entry);
  } else {
    push_far(entry);
  }
}

TimingWheel::Event TimingWheel::top() {
  advance();
  return top_is_late() ? late_.front().event : sorted_.back().event;
}

TimingWheel::Event TimingWheel::pop() {
  advance();
  --size_;
  if (top_is_late()) {
    std::pop_heap(late_.begin(), late_.end(), later);
    const Event event = late_.back().event;
    late_.pop_back();
    return event;
  }
  const Event event = sorted_.back().event;
  sorted_.pop_back();
  return event;
}

bool TimingWheel::top_is_late() const {
  return sorted_.empty() || (!late_.empty() && later(sorted_.back(), late_.front()));
}

void TimingWheel::advance() {
  while (sorted_.empty() && late_.empty()) {
    check(size_ > 0, "no event is pending");
    const std::size_t slot = fine_->filled.next(fine_now_ & kSlotMask);
    if (slot == kSlots) {
      enter_next_coarse_slot();
      continue;
    }
    fine_now_ = (fine_now_ & ~std::uint64_t{kSlotMask}) | slot;
    for (Chunk* chunk = take(*fine_, slot); chunk != nullptr;) {
      sorted_.insert(sorted_.end(), chunk->entries.begin(),
                     chunk->entries.begin() + static_cast<std::ptrdiff_t>(chunk->count));
      Chunk* next = chunk->next;
      free_chunk(chunk);
      chunk = next;
    }
    std::sort(sorted_.begin(), sorted_.end(), later);
  }
}

// The fine wheel is empty. Deals out the next coarse slot that holds anything, wherever it is.
void TimingWheel::enter_next_coarse_slot() {
  const std::uint64_t coarse_now = fine_now_ >> kSlotBits;
  const std::uint64_t turn = coarse_now & ~std::uint64_t{kSlotMask};
  std::uint64_t coarse = ~std::uint64_t{0};
  if (const std::size_t slot = coarse_->filled.next((coarse_now & kSlotMask) + 1); slot < kSlots) {
    coarse = turn | slot;
  } else if (const std::size_t wrapped = coarse_->filled.next(0); wrapped < kSlots) {
    coarse = (turn | wrapped) + kSlots;
  }
  if (!far_.empty()) coarse = std::min(coarse, coarse_of(far_.front()));
  fine_now_ = coarse << kSlotBits;
  for (Chunk* chunk = take(*coarse_, coarse & kSlotMask); chunk != nullptr;) {
    for (std::size_t i = 0; i < chunk->count; ++i) {
      put(*fine_, fine_of(chunk->entries[i]) & kSlotMask, chunk->entries[i]);
    }
    Chunk* next = chunk->next;
    free_chunk(chunk);
    chunk = next;
  }
  while (!far_.empty() && coarse_of(far_.front()) - coarse < kSlots) {
    const Entry entry = pop_far();
    if (coarse_of(entry) == coarse) {
      put(*fine_, fine_of(entry) & kSlotMask, entry);
    } else {
      put(*coarse_, coarse_of(entry) & kSlotMask, entry);
    }
  }
}

bool TimingWheel::remove(std::uint64_t when, std::uint32_t uid) {
  const Key key{when, uid};
  const std::size_t fine_slot = (when >> kFineShift) & kSlotMask;
  const std::size_t coarse_slot = (when >> kCoarseShift) & kSlotMask;
  bool found = remove_from(sorted_, key) || remove_from(*fine_, fine_slot, key) ||
               remove_from(*coarse_, coarse_slot, key);
  for (std::vector<Entry>* heap : {&late_, &far_}) {
    if (found || !remove_from(*heap, key)) continue;
    std::make_heap(heap->begin(), heap->end(), later);
    found = true;
  }
  if (found) --size_;
  return found;
}

bool TimingWheel::remove_from(std::vector<Entry>& entries, Key key) {
  const auto at =
      std::find_if(entries.begin(), entries.end(), [key](const Entry& entry) { return matches(entry, key); });
  if (at == entries.end()) return false;
  entries.erase(at);
  return true;
}

bool TimingWheel::remove_from(Wheel& wheel, std::size_t slot, Key key) {
  for (Chunk* chunk = wheel.slots[slot]; chunk != nullptr; chunk = chunk->next) {
    for (std::size_t i = 0; i < chunk->count; ++i) {
      if (!matches(chunk->entries[i], key)) continue;
      chunk->entries[i] = chunk->entries[--chunk->count];
      return true;
    }
  }
  return false;
}

void TimingWheel::put(Wheel& wheel, std::size_t slot, const Entry& entry) {
  Chunk*& head = wheel.slots[slot];
  if (head == nullptr || head->count == Chunk::kEntriesMax) {
    Chunk* chunk = new_chunk();
    chunk->next = head;
    head = chunk;
    wheel.filled.set(slot);
  }
  head->entries[head->count++] = entry;
}

TimingWheel::Chunk* TimingWheel::take(Wheel& wheel, std::size_t slot) {
  Chunk* chunks = wheel.slots[slot];
  wheel.slots[slot] = nullptr;
  wheel.filled.clear(slot);
  return chunks;
}

TimingWheel::Chunk* TimingWheel::new_chunk() {
  static constexpr std::size_t kSlabChunks = 256;
  if (free_chunks_ == nullptr) {
    slabs_.push_back(std::make_unique_for_overwrite<Chunk[]>(kSlabChunks));
    for (std::size_t i = 0; i < kSlabChunks; ++i) free_chunk(&slabs_.back()[i]);
  }
  Chunk* chunk = free_chunks_;
  free_chunks_ = chunk->next;
  chunk->count = 0;
  return chunk;
}

void TimingWheel::free_chunk(Chunk* chunk) {
  chunk->next = free_chunks_;
  free_chunks_ = chunk;
}

void TimingWheel::push_far(const Entry& entry) {
  far_.push_back(entry);
  std::push_heap(far_.begin(), far_.end(), later);
}

TimingWheel::Entry TimingWheel::pop_far() {
  std::pop_heap(far_.begin(), far_.end(), later);
  const Entry entry = far_.back();
  far_.pop_back();
  return entry;
}

}  // namespace shoal::sim
