#include "sim/datagram_pool.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "node/base/check.h"

namespace shoal::sim {

DatagramEvent& DatagramPool::take(ByteView bytes) {
  check(bytes.size() <= kDatagramBytesMax, "the datagram is too large");
  const std::size_t size_class = bytes.empty() ? 0 : (bytes.size() - 1) / kGranule;
  if (free_[size_class] == nullptr) grow(size_class);
  DatagramEvent& event = *free_[size_class];
  free_[size_class] = event.next_free_;
  event.queued = false;
  event.multicast = false;
  event.size_ = static_cast<std::uint16_t>(bytes.size());
  if (!bytes.empty()) std::memcpy(event.payload(), bytes.data(), bytes.size());
  return event;
}

void DatagramPool::give_back(DatagramEvent& event) {
  event.next_free_ = free_[event.size_class_];
  free_[event.size_class_] = &event;
}

void DatagramPool::grow(std::size_t size_class) {
  static constexpr std::size_t kSlabBytes = std::size_t{64} * 1024;
  static_assert(sizeof(DatagramEvent) % alignof(DatagramEvent) == 0 &&
                kGranule % alignof(DatagramEvent) == 0);
  const std::size_t block = sizeof(DatagramEvent) + (size_class + 1) * kGranule;
  slabs_.push_back(std::make_unique_for_overwrite<std::byte[]>(kSlabBytes));
  for (std::size_t at = 0; at + block <= kSlabBytes; at += block) {
    auto* event = new (slabs_.back().get() + at) DatagramEvent(receiver_);
    event->size_class_ = static_cast<std::uint16_t>(size_class);
    give_back(*event);
  }
}

}  // namespace shoal::sim
