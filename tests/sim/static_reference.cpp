// The static reference: see the header.
#include "tests/sim/static_reference.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "node/base/check.h"

namespace shoal::sim {
namespace {

// Steele, Lea and Flood 2014; enough for statistics.
class SplitMix {
 public:
  explicit SplitMix(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
  }
  std::size_t below(std::size_t bound) {
    return static_cast<std::size_t>(static_cast<unsigned __int128>(next()) * bound >> 64);
  }

 private:
  std::uint64_t state_;
};

using Node = std::uint32_t;  // index into the sorted ids
constexpr int kDepths = 64;  // ids of 64 bits are enough: 10^6 random ones differ within their first 40

struct Ranked {
  std::uint64_t distance;
  Node node;
  friend bool operator<(const Ranked& a, const Ranked& b) { return a.distance < b.distance; }
};

// All nodes and, implicitly, all their tables: the range of a bucket is a run of the sorted ids, and which of
// them the bucket holds is drawn anew, by the same numbers, whenever somebody looks.
class Tables {
 public:
  Tables(const StaticNetwork& network, SplitMix& random) : network_(network), seed_(random.next()) {
    ids_.resize(network.nodes);
    for (std::uint64_t& id : ids_) id = random.next();
    std::sort(ids_.begin(), ids_.end());
    check(std::adjacent_find(ids_.begin(), ids_.end()) == ids_.end(), "equal ids");
  }

  std::uint64_t id(Node node) const { return ids_[node]; }

  Node nearest(std::uint64_t target) const {
    std::size_t first = 0;
    std::size_t end = ids_.size();
    for (int depth = 0; depth < kDepths && end - first > 1; ++depth) {
      const std::size_t middle = split(first, end, depth);
      if (middle == first || middle == end) continue;
      ((target >> (63 - depth) & 1) != 0 ? first : end) = middle;
    }
    return static_cast<Node>(first);
  }

  // The n contacts of the node nearest to target, nearest first. Buckets on the target's side of the node are
  // nearer to the target than it, the farthest first; then come the others, in the opposite order.
  void closest(Node node, std::uint64_t target, std::size_t n, std::vector<Ranked>& out) {
    out.clear();
    const std::uint64_t towards = ids_[node] ^ target;
    const int depths = deepest(node) + 1;
    for (int i = 0; i < 2 * depths && out.size() < n; ++i) {
      const int depth = i < depths ? i : 2 * depths - 1 - i;
      const bool on_targets_side = (towards >> (63 - depth) & 1) != 0;
      if (on_targets_side == (i < depths)) append(node, depth, target, n, out);
    }
  }

 private:
  // The first of [first, end), all equal in their leading `depth` bits, that has the next bit set.
  std::size_t split(std::size_t first, std::size_t end, int depth) const {
    const std::uint64_t bit = std::uint64_t{1} << (63 - depth);
    const auto begin = ids_.begin();
    const auto middle = std::partition_point(begin + static_cast<std::ptrdiff_t>(first),
                                             begin + static_cast<std::ptrdiff_t>(end),
                                             [&](std::uint64_t id) { return (id & bit) == 0; });
    return static_cast<std::size_t>(middle - begin);
  }

  // The depth of the node's last bucket with anybody in its range: that of a neighbour in order.
  int deepest(Node node) const {
    int shared = 0;
    if (node > 0) shared = std::countl_zero(ids_[node] ^ ids_[node - 1]);
    if (node + 1 < ids_.size()) shared = std::max(shared, std::countl_zero(ids_[node] ^ ids_[node + 1]));
    return shared;
  }

  void append(Node node, int depth, std::uint64_t target, std::size_t n, std::vector<Ranked>& out) {
    const std::uint64_t bit = std::uint64_t{1} << (63 - depth);
    const std::uint64_t low = (ids_[node] ^ bit) & ~(bit - 1);
    const auto begin = std::lower_bound(ids_.begin(), ids_.end(), low);
    const auto end = std::upper_bound(begin, ids_.end(), low | (bit - 1));
    const auto first = static_cast<std::size_t>(begin - ids_.begin());
    draw(node, depth, first, static_cast<std::size_t>(end - begin));
    const auto tail = static_cast<std::ptrdiff_t>(out.size());
    for (const Node contact : drawn_) out.push_back({ids_[contact] ^ target, contact});
    std::sort(out.begin() + tail, out.end());
    if (out.size() > n) out.resize(n);
  }

  // Into drawn_: the bucket's contacts, from the `population` nodes of its range (Floyd's sampling).
  void draw(Node node, int depth, std::size_t first, std::size_t population) {
    const auto index = static_cast<std::size_t>(depth);
    const std::size_t size =
        index < network_.first_buckets.size() ? network_.first_buckets[index] : network_.bucket_size;
    drawn_.clear();
    if (population <= size) {
      for (std::size_t i = 0; i < population; ++i) drawn_.push_back(static_cast<Node>(first + i));
      return;
    }
    SplitMix random(SplitMix(seed_ ^ (std::uint64_t{node} << 8 | index)).next());
    for (std::size_t last = population - size; last < population; ++last) {
      const auto pick = static_cast<Node>(first + random.below(last + 1));
      const bool taken = std::find(drawn_.begin(), drawn_.end(), pick) != drawn_.end();
      drawn_.push_back(taken ? static_cast<Node>(first + last) : pick);
    }
  }

  const StaticNetwork& network_;
  std::uint64_t seed_;
  std::vector<std::uint64_t> ids_;
  std::vector<Node> drawn_;
};

// One iterative lookup after another over the same tables.
class Lookups {
 public:
  Lookups(const StaticNetwork& network, Tables& tables)
      : network_(network), tables_(tables), places_(network.nodes, kUnknown) {}

  struct Outcome {
    std::size_t hops;  // kUnknown: not found
    std::size_t messages;
  };
  static constexpr std::uint32_t kUnknown = std::numeric_limits<std::uint32_t>::max();

  Outcome run(Node origin, std::uint64_t target) {
    known_.clear();
    order_.clear();
    told_.clear();
    origin_ = origin;
    tables_.closest(origin, target, network_.k, answer_);
    for (const Ranked& contact : answer_) learn(contact, 1);
    std::size_t messages = 0;
    while (const std::size_t asked = ask_round(target)) messages += asked;
    const std::size_t hops = hops_to(tables_.nearest(target));
    for (const Known& known : known_) places_[known.contact.node] = kUnknown;
    return {hops, messages};
  }

 private:
  struct Known {
    Ranked contact;
    std::size_t hops;
    bool asked = false;
  };
  struct Told {
    std::uint32_t teller, of;  // places in known_
  };

  void learn(const Ranked& contact, std::size_t hops) {
    if (contact.node == origin_ || places_[contact.node] != kUnknown) return;
    const auto place = static_cast<std::uint32_t>(known_.size());
    places_[contact.node] = place;
    known_.push_back({contact, hops});
    const auto after = std::upper_bound(order_.begin(), order_.end(), place, [&](auto a, auto b) {
      return known_[a].contact < known_[b].contact;
    });
    order_.insert(after, place);
  }

  // Asks the nearest alpha of the k nearest that were not asked yet; how many there were.
  std::size_t ask_round(std::uint64_t target) {
    asking_.clear();
    const std::size_t within = std::min(network_.k, order_.size());
    for (std::size_t i = 0; i < within && asking_.size() < network_.alpha; ++i) {
      if (!known_[order_[i]].asked) asking_.push_back(order_[i]);
    }
    for (const std::uint32_t teller : asking_) {
      known_[teller].asked = true;
      tables_.closest(known_[teller].contact.node, target, network_.returned, answer_);
      for (const Ranked& contact : answer_) {
        learn(contact, kUnknown);
        if (contact.node != origin_) told_.push_back({teller, places_[contact.node]});
      }
    }
    return asking_.size();
  }

  // The shortest chain may run over who told of somebody later, so it is known only at the end.
  std::size_t hops_to(Node node) {
    if (places_[node] == kUnknown) return kUnknown;
    for (bool shorter = true; shorter;) {
      shorter = false;
      for (const Told& told : told_) {
        const std::size_t hops = known_[told.teller].hops;
        if (hops == kUnknown || hops + 1 >= known_[told.of].hops) continue;
        known_[told.of].hops = hops + 1;
        shorter = true;
      }
    }
    return known_[places_[node]].hops;
  }

  const StaticNetwork& network_;
  Tables& tables_;
  Node origin_ = 0;
  std::vector<Known> known_;           // in the order of learning
  std::vector<std::uint32_t> places_;  // of each node in known_, or kUnknown
  std::vector<std::uint32_t> order_;   // places, nearest first
  std::vector<Told> told_;
  std::vector<std::uint32_t> asking_;
  std::vector<Ranked> answer_;
};

// Nearest rank. Precondition: sorted and not empty.
double percentile(const std::vector<std::size_t>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
  return static_cast<double>(sorted[std::min(rank, sorted.size() - 1)]);
}

}  // namespace

HopStatistics simulate_static_lookups(const StaticNetwork& network, std::size_t samples, std::uint64_t seed) {
  check(network.nodes >= 2 && samples > 0);
  SplitMix random(seed);
  Tables tables(network, random);
  Lookups lookups(network, tables);
  std::vector<std::size_t> hops;
  std::size_t hops_sum = 0;
  std::size_t messages = 0;
  for (std::size_t done = 0; done < samples;) {
    const auto origin = static_cast<Node>(random.below(network.nodes));
    const std::uint64_t target = random.next();
    if (tables.nearest(target) == origin) continue;
    ++done;
    const Lookups::Outcome outcome = lookups.run(origin, target);
    messages += outcome.messages;
    if (outcome.hops == Lookups::kUnknown) continue;
    hops.push_back(outcome.hops);
    hops_sum += outcome.hops;
  }
  HopStatistics statistics;
  statistics.messages_mean = static_cast<double>(messages) / static_cast<double>(samples);
  statistics.found_ratio = static_cast<double>(hops.size()) / static_cast<double>(samples);
  if (hops.empty()) return statistics;
  std::sort(hops.begin(), hops.end());
  statistics.hops_mean = static_cast<double>(hops_sum) / static_cast<double>(hops.size());
  statistics.hops_p50 = percentile(hops, 0.50);
  statistics.hops_p90 = percentile(hops, 0.90);
  statistics.hops_p99 = percentile(hops, 0.99);
  return statistics;
}

}  // namespace shoal::sim
