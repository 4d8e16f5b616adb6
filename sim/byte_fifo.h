// ByteFifo: bytes in at the back, out at the front, readable in place.
#pragma once

#include <cstddef>
#include <cstdint>

#include "node/base/bytes.h"

namespace shoal::sim {

class ByteFifo {
 public:
  std::size_t size() const { return bytes_.size() - head_; }
  bool empty() const { return size() == 0; }
  ByteView view() const { return ByteView(bytes_).subspan(head_); }
  void append(ByteView bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  // Precondition: n <= size().
  void consume(std::size_t n) {
    head_ += n;
    if (empty()) {
      bytes_ = Bytes();  // an idle stream holds no memory
      head_ = 0;
    } else if (head_ > bytes_.size() / 2) {
      bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
  }

 private:
  Bytes bytes_;
  std::size_t head_ = 0;
};

}  // namespace shoal::sim
