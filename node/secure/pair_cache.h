// PairCache: the symmetric keys that we share with the hosts we lately exchanged datagrams with, at most
// `pairs_max` of them; the least recently used goes when there is no room. Hosts that we know are kept: they
// have three quarters of the places, which no stranger takes, however many keys it has. About 160 bytes a
// host, grown on demand; wiped from memory when they go.
#pragma once

#include <tsl/robin_map.h>

#include <cstddef>
#include <cstdint>
#include <deque>

#include "node/base/id.h"
#include "node/secure/keys.h"

namespace shoal {

struct PairKeys {
  SharedSecret sending{};    // from us to them
  SharedSecret receiving{};  // from them to us
};

class PairCache {
 public:
  // Precondition: 0 < pairs_max < 2^32. Hosts choose their own keys: `salt`, which nobody else may know,
  // keeps them from choosing ones that collide in the table.
  PairCache(std::size_t pairs_max, std::uint64_t salt);
  ~PairCache();
  PairCache(const PairCache&) = delete;
  PairCache& operator=(const PairCache&) = delete;

  bool contains(const Id& host) const;
  // The keys shared with `host`, now the most recently used, or nullptr. Valid until the next insert().
  const PairKeys* find(const Id& host);
  // Precondition: !contains(host).
  const PairKeys& insert(const Id& host, const PairKeys& keys);
  // From now on it is kept; the kept host that was used least recently is a stranger again when they are too
  // many. Nothing when it has no keys here.
  void keep(const Id& host);
  std::size_t size() const { return entries_.size(); }

 private:
  using Index = std::uint32_t;
  static constexpr Index kNone = UINT32_MAX;
  struct Entry {
    Id host;
    PairKeys keys;
    Index newer = kNone;
    Index older = kNone;
    bool kept = false;
  };
  // In the order of their last use.
  struct List {
    Index newest = kNone;
    Index oldest = kNone;
    std::size_t size = 0;
  };
  struct SameHash {  // the map's keys are hashes already
    std::size_t operator()(std::uint64_t hash) const { return hash; }
  };

  std::uint64_t hash(const Id& host) const;
  Index index_of(const Id& host) const;
  void link_newest(Index index);
  void unlink(Index index);
  Index make_room();
  List& list_of(const Entry& entry) { return entry.kept ? kept_ : strangers_; }

  const std::size_t pairs_max_;
  const std::uint64_t salt_;
  std::deque<Entry> entries_;  // a deque never moves them, so that no copy of a key stays behind
  // Two hosts of one 64-bit hash cannot both be held: the later one takes the earlier one's place.
  tsl::robin_map<std::uint64_t, Index, SameHash> by_hash_{0};
  List kept_;
  List strangers_;
};

}  // namespace shoal
