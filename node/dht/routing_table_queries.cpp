// RoutingTable: questions to the table. Changes to it are in routing_table.cpp.
#include <algorithm>

#include "node/dht/routing_table.h"

namespace shoal {
namespace {

bool bit_at(const Id& id, std::size_t place) {
  return (id.bytes[place / 8] >> (7 - place % 8) & 1) != 0;
}

// Does the id lie in (self, successor], going upwards and around the top?
bool lies_between(const Id& self, const Id& id, const Id& successor) {
  if (self < successor) return self < id && id <= successor;
  return self < id || id <= successor;
}

}  // namespace

// Where target differs from self, at the bits set in their distance, the bucket of that depth lies on the
// target's side: nearer than self, the more so the earlier the bit. The other buckets are farther than self,
// the more so the earlier their bit. So whole buckets come in order and only their contents need sorting.
void RoutingTable::closest(const Id& target, std::size_t n, std::vector<Contact>& out) const {
  out.clear();
  n = std::min<std::size_t>(n, contacts_);
  if (n == 0) return;
  out.reserve(n);
  const Id towards = distance(self_, target);
  std::size_t place = 0;
  for (std::size_t depth = 0; depth < shapes_.size(); ++depth) {
    const std::size_t waiting = place + shapes_[depth].contacts;
    const std::size_t end = waiting + shapes_[depth].replacements;
    if (bit_at(towards, depth)) {
      append_nearest({depth, place, waiting, end}, target, n - out.size(), out);
      if (out.size() == n) return;
    }
    place = end;
  }
  for (std::size_t depth = shapes_.size(); depth-- > 0;) {
    const std::size_t end = place;
    const std::size_t waiting = end - shapes_[depth].replacements;
    place = waiting - shapes_[depth].contacts;
    if (!bit_at(towards, depth)) {
      append_nearest({depth, place, waiting, end}, target, n - out.size(), out);
      if (out.size() == n) return;
    }
  }
}

// The contacts of one bucket agree in all bits up to its own, so the 32 bits after it, which the entry keeps,
// order them; only a tie needs the keys. These bits of random keys are uniform: to find n of many, those
// within the n-th part of the range, and some more, do.
void RoutingTable::append_nearest(const Bucket& bucket, const Id& target, std::size_t n,
                                  std::vector<Contact>& out) const {
  constexpr std::uint64_t kWholeRange = std::uint64_t{1} << 32;
  const std::size_t count = bucket.contacts();
  n = std::min(n, count);
  std::uint64_t ranks[kBucketSizeMax];  // distance in the upper half, index in the lower
  std::size_t ranked = 0;
  const std::size_t wanted = n + n / 2 + 4;
  if (wanted < count) ranked = rank(bucket, target, kWholeRange / count * wanted, ranks);
  if (ranked < n) ranked = rank(bucket, target, kWholeRange, ranks);
  std::sort(ranks, ranks + ranked);

  const Entry* const contacts = entries_.data() + bucket.first;
  const auto entry_of = [&](std::uint64_t rank) -> const Entry& {
    return contacts[static_cast<std::uint32_t>(rank)];
  };
  const auto tie = [](std::uint64_t a, std::uint64_t b) { return a >> 32 == b >> 32; };
  if (std::adjacent_find(ranks, ranks + ranked, tie) != ranks + ranked) [[unlikely]] {
    std::sort(ranks, ranks + ranked, [&](std::uint64_t a, std::uint64_t b) {
      return tie(a, b) ? closer(target, key_of(entry_of(a)), key_of(entry_of(b))) : a < b;
    });
  }
  for (std::size_t i = 0; i < n; ++i) out.push_back(book_[entry_of(ranks[i]).ref]);
}

// Those of the bucket whose 32 bits are nearer than `bound`, into `ranks`; how many they are.
std::size_t RoutingTable::rank(const Bucket& bucket, const Id& target, std::uint64_t bound,
                               std::uint64_t* ranks) const {
  const std::uint32_t target_bits = bits_from(target, bucket.depth + 1);
  const Entry* const contacts = entries_.data() + bucket.first;
  std::size_t ranked = 0;
  for (std::size_t i = 0; i < bucket.contacts(); ++i) {
    const std::uint32_t apart = contacts[i].key_bits ^ target_bits;
    ranks[ranked] = std::uint64_t{apart} << 32 | i;
    ranked += apart < bound ? 1 : 0;  // without a branch, which would be a coin's toss
  }
  return ranked;
}

std::optional<Contact> RoutingTable::next(const Id& target) const {
  if (target == self_ || contacts_ == 0) return std::nullopt;
  const Contact& up = book_[successor()->ref];
  if (lies_between(self_, target, up.key) && closer(target, up.key, self_)) return up;
  std::vector<Contact> nearest;
  closest(target, 1, nearest);
  if (!closer(target, nearest.front().key, self_)) return std::nullopt;
  return nearest.front();
}

// Precondition: the table is not empty. A bucket at a depth where self has a 0 lies above self, the deeper
// the nearer; where self has a 1, below, the shallower the farther down, and the farthest down is next around
// the top.
const RoutingTable::Entry* RoutingTable::successor() const {
  for (std::size_t depth = shapes_.size(); depth-- > 0;) {
    if (!bit_at(self_, depth) && shapes_[depth].contacts != 0) return lowest(bucket_at(depth));
  }
  std::size_t depth = 0;
  while (shapes_[depth].contacts == 0) ++depth;
  return lowest(bucket_at(depth));
}

const RoutingTable::Entry* RoutingTable::lowest(const Bucket& bucket) const {
  const Entry* const first = entries_.data() + bucket.first;
  return std::min_element(first, first + bucket.contacts(),
                          [&](const Entry& a, const Entry& b) { return key_of(a) < key_of(b); });
}

bool RoutingTable::contains(const Id& key) const {
  return contact_place(key) != kNowhere;
}

std::optional<Contact> RoutingTable::find(const Id& key) const {
  const std::size_t place = contact_place(key);
  if (place == kNowhere) return std::nullopt;
  return book_[entries_[place].ref];
}

// The neighbours are the contacts of the deepest buckets, and of the next one above those of them that are
// nearest.
std::vector<Id> RoutingTable::silent_since(Instant others_before, std::size_t neighbours,
                                           Instant neighbours_before) const {
  std::vector<Contact> nearest;
  closest(self_, neighbours, nearest);
  const auto is_neighbour = [&](const Id& key) {
    return !nearest.empty() && !closer(self_, nearest.back().key, key);
  };
  std::vector<Id> silent;
  std::size_t place = 0;
  for (const Shape& shape : shapes_) {
    for (std::size_t i = place; i < place + shape.contacts; ++i) {
      const Id& key = key_of(entries_[i]);
      const Instant before = is_neighbour(key) ? neighbours_before : others_before;
      if (seen_at(entries_[i]) < before || entries_[i].failures > 0) silent.push_back(key);
    }
    place += shape.contacts + shape.replacements;
  }
  return silent;
}

std::vector<int> RoutingTable::stale_buckets(Instant before, std::size_t nearest) const {
  std::size_t end = shapes_.size();  // of the buckets in question
  for (std::size_t beyond = 0; end > 0; --end) {
    beyond += shapes_[end - 1].contacts;
    if (beyond >= nearest) break;
  }
  std::vector<int> stale;
  std::size_t place = 0;
  for (std::size_t depth = 0; depth < end; ++depth) {
    const std::size_t waiting = place + shapes_[depth].contacts;
    const bool fresh = std::any_of(entries_.data() + place, entries_.data() + waiting,
                                   [&](const Entry& entry) { return seen_at(entry) >= before; });
    if (!fresh || waiting - place < capacity(depth)) stale.push_back(kIdBits - 1 - static_cast<int>(depth));
    place = waiting + shapes_[depth].replacements;
  }
  return stale;
}

std::size_t RoutingTable::size() const {
  return contacts_;
}

std::size_t RoutingTable::replacements() const {
  return entries_.size() - contacts_;
}

const Id& RoutingTable::self() const {
  return self_;
}

std::vector<RoutingTable::Row> RoutingTable::rows() const {
  std::vector<Row> rows;
  rows.reserve(contacts_);
  std::size_t place = 0;
  for (std::size_t depth = 0; depth < shapes_.size(); ++depth) {
    for (std::size_t i = place; i < place + shapes_[depth].contacts; ++i) {
      rows.push_back(row_of(entries_[i], depth));
    }
    place += shapes_[depth].contacts + shapes_[depth].replacements;
  }
  return rows;
}

std::optional<RoutingTable::Row> RoutingTable::row(const Id& key) const {
  const std::size_t place = contact_place(key);
  if (place == kNowhere) return std::nullopt;
  return row_of(entries_[place], depth_of(key));
}

RoutingTable::Row RoutingTable::row_of(const Entry& entry, std::size_t depth) const {
  return {.contact = book_[entry.ref],
          .last_seen = seen_at(entry),
          .rtt = entry.rtt * kRttUnit,
          .failures = entry.failures,
          .bucket = kIdBits - 1 - static_cast<int>(depth)};
}

std::size_t RoutingTable::memory_bytes() const {
  return sizeof *this + entries_.capacity() * sizeof(Entry) + shapes_.capacity() * sizeof(Shape) +
         first_bucket_count_ * sizeof(std::uint16_t);
}

void RoutingTable::set_own_is_local(bool own_is_local) {
  own_is_local_ = own_is_local;
}

}  // namespace shoal
