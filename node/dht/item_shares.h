// ItemShares: whose items fill the store, and which of them gives way when it is full. Strangers can store as
// many items as they like, so none is refused because others came first: the network (voice_of) with the
// largest share gives way, with its item farthest from us in the id space. Within one network the nearer item
// stays. Items of our own operations give way to nobody.
//
// An item weighs its bytes and its part of the bound on their number, so one measure serves both bounds.
// About 150 bytes of memory for each item; all operations take logarithmic time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "node/ports/item_store.h"

namespace shoal {

class ItemShares {
 public:
  static constexpr std::uint64_t kOwn = 0;      // voice_of is never 0 or 1
  static constexpr std::uint64_t kUnknown = 1;  // kept from an earlier run
  struct Share {
    std::uint64_t voice = kUnknown;  // of the host that stored it first
    std::uint64_t distance = 0;      // from us, its first 64 bits
    std::uint64_t weight = 0;
  };

  // `name` stays where it is until remove().
  void add(const ItemName& name, const Share& share);
  void remove(const ItemName& name, const Share& share);
  void clear();
  // Those that may give way to this newcomer, in order, at most `count_max`.
  std::vector<const ItemName*> giving_way(const Share& newcomer, std::size_t count_max) const;

 private:
  struct Farthest {
    bool operator()(const std::pair<std::uint64_t, const ItemName*>& a,
                    const std::pair<std::uint64_t, const ItemName*>& b) const {
      return a.first != b.first ? a.first > b.first : *a.second < *b.second;
    }
  };
  struct Network {
    std::uint64_t weight = 0;
    std::set<std::pair<std::uint64_t, const ItemName*>, Farthest> items;
  };

  std::map<std::uint64_t, Network> networks_;                    // without our own
  std::set<std::pair<std::uint64_t, std::uint64_t>> by_weight_;  // (weight, voice)
};

}  // namespace shoal
