// SlotTable<T>: values named by Guid, with a bound. Lookup is an index and a compare; iteration is in slot
// order, so it is the same in every run. A table that has become empty gives its memory back: a simulation
// has a million of them, most of them idle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "node/base/check.h"
#include "node/base/guid.h"

namespace shoal {

template <class T>
class SlotTable {
 public:
  explicit SlotTable(std::size_t size_max) : size_max_(size_max) {}

  // The new value's name, or the empty guid when the table is full.
  Guid insert(T value) {
    if (size_ == size_max_) return {};
    std::uint32_t slot;
    if (free_.empty()) {
      slot = static_cast<std::uint32_t>(slots_.size());
      slots_.emplace_back();
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    Slot& s = slots_[slot];
    s.value.emplace(std::move(value));
    s.generation = next_generation_++;
    if (next_generation_ == 0) next_generation_ = 1;
    ++size_;
    return {slot, s.generation};
  }

  // Valid until the next insert; nullptr when the guid's work has ended.
  T* find(Guid guid) {
    if (guid.slot >= slots_.size()) return nullptr;
    Slot& s = slots_[guid.slot];
    return s.generation == guid.generation && s.value ? &*s.value : nullptr;
  }

  const T* find(Guid guid) const { return const_cast<SlotTable*>(this)->find(guid); }

  std::optional<T> take(Guid guid) {
    T* value = find(guid);
    if (value == nullptr) return std::nullopt;
    std::optional<T> taken(std::move(*value));
    erase(guid);
    return taken;
  }

  bool erase(Guid guid) {
    if (find(guid) == nullptr) return false;
    Slot& s = slots_[guid.slot];
    s.value.reset();
    free_.push_back(guid.slot);
    --size_;
    if (size_ == 0 && slots_.capacity() > kSlotsKept) {
      std::vector<Slot>().swap(slots_);
      std::vector<std::uint32_t>().swap(free_);
    }
    return true;
  }

  template <class F>  // f(Guid, T&); f must not insert or erase
  void for_each(F&& f) {
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].value) f(Guid{i, slots_[i].generation}, *slots_[i].value);
    }
  }

  template <class F>
  void for_each(F&& f) const {
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].value) f(Guid{i, slots_[i].generation}, *slots_[i].value);
    }
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  bool full() const { return size_ == size_max_; }

 private:
  struct Slot {
    std::optional<T> value;
    std::uint32_t generation = 0;
  };
  static constexpr std::size_t kSlotsKept = 2;

  std::size_t size_max_;
  std::size_t size_ = 0;
  std::uint32_t next_generation_ = 1;  // one for the whole table, so that it outlives the slots
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace shoal
