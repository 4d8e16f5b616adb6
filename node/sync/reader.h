// Reader: takes fixed layouts apart. What runs over the end reads as zeros and is told once, by at_end().
// Beside it what puts together that of which big_endian.h knows nothing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "node/base/big_endian.h"
#include "node/base/bytes.h"
#include "node/base/id.h"
#include "node/sync/dot.h"

namespace shoal::sync {

// As Reader::dot() takes it.
inline void append_dot(const Dot& dot, Bytes& out) {
  out.insert(out.end(), dot.replica.bytes.begin(), dot.replica.bytes.end());
  append_u64(dot.counter, out);
}
// The same as a key of the index.
inline Bytes key_of(const Dot& dot) {
  Bytes key;
  append_dot(dot, key);
  return key;
}
// As Reader::text() takes it.
inline void append_text(std::string_view text, Bytes& out) {
  append_u32(static_cast<std::uint32_t>(text.size()), out);
  out.insert(out.end(), text.begin(), text.end());
}

class Reader {
 public:
  explicit Reader(ByteView bytes) : rest_(bytes) {}

  // Everything was there, and nothing is left.
  bool at_end() const { return !overrun_ && rest_.empty(); }
  bool overrun() const { return overrun_; }

  ByteView take(std::size_t count) {
    if (count > rest_.size()) {
      overrun_ = true;
      rest_ = {};
      return {};
    }
    const ByteView taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  std::uint8_t u8() {
    const ByteView taken = take(1);
    return taken.empty() ? std::uint8_t{0} : taken[0];
  }
  std::uint32_t u32() {
    const ByteView taken = take(4);
    return taken.empty() ? 0 : read_u32(taken);
  }
  std::uint64_t u64() {
    const ByteView taken = take(8);
    return taken.empty() ? 0 : read_u64(taken);
  }
  Id id() {
    const ByteView taken = take(kIdBytes);
    return taken.empty() ? Id{} : Id::from_bytes(taken);
  }
  ReplicaId replica() {
    ReplicaId id;
    const ByteView taken = take(kReplicaIdBytes);
    std::copy(taken.begin(), taken.end(), id.bytes.begin());
    return id;
  }
  Dot dot() {
    const ReplicaId of = replica();
    return {of, u64()};
  }
  // A length of 4 bytes, and as many bytes.
  std::string text(std::size_t bytes_max) {
    const std::uint32_t length = u32();
    if (length > bytes_max) {
      overrun_ = true;
      return {};
    }
    const ByteView taken = take(length);
    return {taken.begin(), taken.end()};
  }

 private:
  ByteView rest_;
  bool overrun_ = false;
};

}  // namespace shoal::sync
