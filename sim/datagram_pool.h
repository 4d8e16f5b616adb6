// DatagramPool: datagrams on their way, each an ns-3 event with its bytes behind it, in blocks that are used
// again. Blocks come in sizes of 128 bytes of payload, so that a million short ones stay small.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "node/base/bytes.h"
#include "node/ports/datagrams.h"
#include "sim/host_event.h"
#include "sim/host_index.h"

namespace shoal::sim {

class DatagramEvent;

// Whose datagrams they are.
class DatagramReceiver {
 public:
  virtual ~DatagramReceiver() = default;
  // The event's time has come. The receiver posts it again or gives it back to the pool.
  virtual void on_datagram_event(DatagramEvent& event) = 0;
  virtual void prefetch(HostIndex to, HostEvent::Step step) const = 0;
};

class DatagramEvent final : public HostEvent {
 public:
  explicit DatagramEvent(DatagramReceiver& receiver) : receiver_(receiver) {}
  void prefetch(Step step) const override { receiver_.prefetch(to, step); }

  HostIndex from = 0;
  HostIndex to = 0;
  std::uint32_t to_generation = 0;
  std::uint32_t from_address = 0;  // as they were when it was sent
  std::uint32_t to_address = 0;
  std::uint16_t from_port = 0;  // as the receiver's side sees it
  std::uint16_t to_port = 0;
  bool queued = false;  // has its turn on the down link already
  bool multicast = false;
  ByteView bytes() const { return {payload(), size_}; }

 private:
  friend class DatagramPool;
  void Notify() override { receiver_.on_datagram_event(*this); }
  const std::uint8_t* payload() const { return reinterpret_cast<const std::uint8_t*>(this + 1); }
  std::uint8_t* payload() { return reinterpret_cast<std::uint8_t*>(this + 1); }

  DatagramReceiver& receiver_;
  DatagramEvent* next_free_ = nullptr;
  std::uint16_t size_ = 0;
  std::uint16_t size_class_ = 0;
};

class DatagramPool {
 public:
  explicit DatagramPool(DatagramReceiver& receiver) : receiver_(receiver) {}
  DatagramPool(const DatagramPool&) = delete;
  DatagramPool& operator=(const DatagramPool&) = delete;

  // A copy of `bytes`, at most kDatagramBytesMax; all other members as new.
  DatagramEvent& take(ByteView bytes);
  void give_back(DatagramEvent& event);

 private:
  static constexpr std::size_t kGranule = 128;
  static constexpr std::size_t kClasses = (kDatagramBytesMax + kGranule - 1) / kGranule;

  void grow(std::size_t size_class);

  DatagramReceiver& receiver_;
  std::array<DatagramEvent*, kClasses> free_{};
  // The events are never destroyed: the pool's own reference outlives every one of ns-3's, and they own
  // nothing but their place here.
  std::vector<std::unique_ptr<std::byte[]>> slabs_;
};

}  // namespace shoal::sim
