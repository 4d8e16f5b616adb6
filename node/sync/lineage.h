// Lineages: tell two writes apart that have the same dot.
//
// A machine that is rolled back to a snapshot, or cloned, writes dots that its earlier self, or its other
// self, has written too. So the counters of a replica are divided into runs: a run begins with the first
// change after a start of the node, and has a random mark. Two lineages of a replica are the same up to where
// their runs differ: the fork.
//
//   runs of b as one host knows them    1:m1  10:m2                 up to 30
//   runs of b as another knows them     1:m1  10:m2  21:m3          up to 25     fork: 20
//
// A host that meets the other lineage closes the replica at the fork and renames: dots up to the fork stay;
// dots after it get another replica id, a hash of the fork and of the mark of the run that goes on after it.
// All hosts find the same names in any order of meeting: a dot's name depends only on the runs before it and
// on the set of forks. So both lineages are as if two replicas had written them, and no host joins entries of
// one with those of the other under the same dots.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "node/base/result.h"
#include "node/sync/disk_state.h"
#include "node/sync/entry.h"

namespace shoal::sync {

struct Run {
  std::uint64_t start = 0;  // its first counter
  std::uint64_t mark = 0;   // random; kClosedMark: no counter from here on is used
  friend bool operator==(const Run&, const Run&) = default;
};

// Of one replica.
struct Lineage {
  static constexpr std::uint64_t kClosedMark = ~std::uint64_t{0};
  // Of a run that began before runs had marks.
  static constexpr std::uint64_t kUnknownMark = 1;
  // A replica with so many takes another id.
  static constexpr std::size_t kRunsMax = 1000;

  std::vector<Run> runs;  // in the order of their starts; what comes before the first is of an unknown run
  std::uint64_t end = 0;  // the last counter that is known to be of these runs

  bool is_closed() const { return !runs.empty() && runs.back().mark == kClosedMark; }
  bool has_run(std::uint64_t mark) const;
  // The same for the same runs only: the last mark; of a closed one a hash. 0: nothing is known.
  std::uint64_t tip() const;
  // Says something of counters after this one.
  bool goes_beyond(std::uint64_t counter) const;
  friend bool operator==(const Lineage&, const Lineage&) = default;
};

// The last counter that both have in common, if they have different writes after it.
std::optional<std::uint64_t> fork_of(const Lineage& a, const Lineage& b);

// Dots after a fork, and their new names: of each closed replica in turn.
class Renaming {
 public:
  void add(const ReplicaId& replica, std::uint64_t fork, const ReplicaId& to);
  bool empty() const { return steps_.empty(); }

  Dot operator()(Dot dot) const;
  Knowledge operator()(const Knowledge& knowledge) const;
  Entry operator()(const Entry& entry) const;
  DiskEntry operator()(DiskEntry entry) const;

 private:
  struct Step {
    ReplicaId replica;
    std::uint64_t fork = 0;
    ReplicaId to;
  };
  template <class V, class Rename>
  Register<V> renamed(const Register<V>& reg, Rename rename_value) const;

  std::vector<Step> steps_;
};

// What a peer says of a lineage: the runs from number `first` on, before which it has those of the asker.
struct LineageTail {
  ReplicaId replica;
  std::size_t first = 0;
  Lineage lineage;
  friend bool operator==(const LineageTail&, const LineageTail&) = default;
};
struct LineageTails {
  std::vector<LineageTail> tails;  // in the order of replicas
  bool more = false;
};
Bytes encode_tails(const std::vector<LineageTail>& tails);
// Checks every rule of Lineage; error kMalformed.
Result<std::vector<LineageTail>> decode_tails(ByteView bytes);
std::size_t encoded_bytes(const LineageTail& tail);

// Of all replicas of a folder; or what is different from those.
class Lineages {
 public:
  // Nothing is different from `base`, which stays where it is.
  static Lineages over(const Lineages& base) {
    Lineages lineages;
    lineages.base_ = &base;
    return lineages;
  }

  // An empty one when nothing is known.
  const Lineage& find(const ReplicaId& replica) const;
  void put(const ReplicaId& replica, Lineage lineage);
  // What is different from the base, in the order of replicas.
  const std::map<ReplicaId, Lineage>& changed() const { return lineages_; }
  // Takes over what `changes` has, whose base this is.
  void take(const Lineages& changes);

  // Replicas that have forked.
  std::size_t closed() const;
  // Equal for the same runs. 0: there are none, as at a peer of a version without runs.
  std::uint64_t hash() const;
  // Of each replica in `knowledge` the tip: 8 bytes each.
  Bytes tips(const Knowledge& knowledge) const;
  // What an asker who knows `known`, with these tips, lacks of the lineages of replicas after `after`:
  // about `bytes_max` bytes of it, one tail at least. `known` and `tips` come from a peer.
  LineageTails tails(const Knowledge& known, ByteView tips, const ReplicaId& after,
                     std::size_t bytes_max) const;

  // Forgets runs that begin after what is known, except of replicas that are closed.
  void trim(const Knowledge& known);

  struct Reconciled {
    Renaming ours;
    Renaming theirs;
  };
  // Joins what a peer says. Replicas that have forked are closed; what must be renamed is returned. Error
  // kMalformed: the tails do not go on from these lineages.
  Result<Reconciled> reconcile(const std::vector<LineageTail>& tails);

 private:
  // Returns the new name of what comes after the fork, if there is anything.
  std::optional<ReplicaId> close(const ReplicaId& replica, std::uint64_t fork, Renaming& renaming);

  const Lineages* base_ = nullptr;
  std::map<ReplicaId, Lineage> lineages_;
};

}  // namespace shoal::sync
