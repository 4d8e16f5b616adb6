// Dots: how replicas name what they do. A replica of a folder is one host's copy of it; each change that it
// makes gets the next number of its own. After dotted version vectors (Almeida et al. 2014).
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "node/base/bytes.h"
#include "node/sync/bounds.h"

namespace shoal::sync {

inline constexpr std::size_t kReplicaIdBytes = 16;

// The first 16 bytes of SHA-256(the replica's Ed25519 public key): of one folder on one host, whatever the
// host's own key is at the time.
struct ReplicaId {
  std::array<std::uint8_t, kReplicaIdBytes> bytes{};
  // As the bytes, by words: as those of Id (base/id.h), for the maps of a folder.
  friend bool operator==(const ReplicaId& a, const ReplicaId& b) {
    return ((a.word(0) ^ b.word(0)) | (a.word(1) ^ b.word(1))) == 0;
  }
  friend std::strong_ordering operator<=>(const ReplicaId& a, const ReplicaId& b) {
    return a.word(0) != b.word(0) ? a.word(0) <=> b.word(0) : a.word(1) <=> b.word(1);
  }
  std::string hex() const { return to_hex(bytes); }
  std::string short_hex() const { return to_hex(ByteView(bytes).first(4)); }
  // Big-endian 64-bit word i of 2.
  std::uint64_t word(std::size_t i) const {
    std::uint64_t value;
    std::memcpy(&value, bytes.data() + 8 * i, 8);
    return __builtin_bswap64(value);
  }
};

// One change of one replica. Counters begin at 1; the dot of zeros names nothing, or a folder's root.
struct Dot {
  ReplicaId replica;
  std::uint64_t counter = 0;
  friend auto operator<=>(const Dot&, const Dot&) = default;
};

// An entry of a folder is named by the dot that created it, whatever it is called and wherever it lies.
using NodeId = Dot;
inline constexpr NodeId kRoot{};

// The id of the conflict copy that keeps what the change of this dot wrote: every replica names the same one,
// and no change of a replica has it. Counters of changes stay below this bit.
inline constexpr std::uint64_t kConflictBit = std::uint64_t{1} << 63;
inline constexpr std::uint64_t kCounterMax = (std::uint64_t{1} << 62) - 1;
constexpr NodeId conflict_id(const Dot& losing) {
  return {losing.replica, losing.counter | kConflictBit};
}
constexpr bool is_conflict_id(const NodeId& id) {
  return (id.counter & kConflictBit) != 0;
}

// A set of dots: of each replica all up to a counter (a version vector). Each entry of a folder has some, of
// few replicas: so one small array, not a tree.
class Knowledge {
 public:
  bool covers(const Dot& dot) const { return dot.counter != 0 && dot.counter <= of(dot.replica); }
  // Adds all dots of the replica up to the counter.
  void add(const ReplicaId& replica, std::uint64_t counter) {
    if (counter == 0) return;
    const auto at = std::ranges::lower_bound(counters_, replica, {}, &Dot::replica);
    if (at == counters_.end() || at->replica != replica) {
      counters_.insert(at, Dot{replica, counter});
    } else if (counter > at->counter) {
      at->counter = counter;
    }
  }
  void add(const Dot& dot) { add(dot.replica, dot.counter); }
  void add(const Knowledge& other) {
    for (const Dot& dot : other.counters_) add(dot);
  }
  bool covers(const Knowledge& other) const {
    return std::ranges::all_of(other.counters_, [&](const Dot& dot) { return covers(dot); });
  }
  std::uint64_t of(const ReplicaId& replica) const {
    const auto at = std::ranges::lower_bound(counters_, replica, {}, &Dot::replica);
    return at == counters_.end() || at->replica != replica ? 0 : at->counter;
  }
  bool empty() const { return counters_.empty(); }
  // Of each replica the last dot, in the order of replicas; no counter is 0.
  const std::vector<Dot>& counters() const { return counters_; }
  friend auto operator<=>(const Knowledge&, const Knowledge&) = default;

 private:
  std::vector<Dot> counters_;
};

// May this knowledge come to speak of the replica, or does it already?
inline bool has_room_for(const Knowledge& knowledge, const ReplicaId& replica) {
  return knowledge.counters().size() < kReplicasMax || knowledge.of(replica) != 0;
}

}  // namespace shoal::sync
