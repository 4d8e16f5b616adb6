// RoutingTable: changes to the table. Questions to it are in routing_table_queries.cpp.
#include "node/dht/routing_table.h"

#include <algorithm>

#include "node/base/check.h"

namespace shoal {
namespace {

// Replacements seen within this time of the freshest one count as equally fresh: the nearest moves up.
constexpr std::uint32_t kEquallyFreshMs = 60'000;
// Room for this many entries at least is added when the array is full: growth by halves would waste more than
// the entries' own bookkeeping.
constexpr std::size_t kGrowthMin = 8;

std::uint8_t tag_of(std::uint64_t subnet) {
  return static_cast<std::uint8_t>(subnet * 0x9e3779b97f4a7c15u >> 56);
}

std::uint16_t quantised(Duration rtt, Duration unit) {
  const Duration::rep units = (std::max(rtt, Duration::zero()) + unit - 1ns) / unit;
  return static_cast<std::uint16_t>(std::min<Duration::rep>(units, 0xffff));
}

std::uint16_t bounded(std::size_t size, std::size_t least) {
  return static_cast<std::uint16_t>(std::clamp(size, least, kBucketSizeMax));
}

}  // namespace

RoutingTable::RoutingTable(const Id& self, ContactBook& book, TableConfig config)
    : self_(self),
      book_(book),
      first_bucket_count_(bounded(config.first_buckets.size(), 0)),
      k_(bounded(config.k, 1)),
      replacements_max_(bounded(config.replacements_max, 0)),
      per_subnet_max_(bounded(config.per_subnet_max, 0)),
      failures_max_(std::max<std::uint8_t>(config.failures_max, 1)),
      own_is_local_(config.own_is_local) {
  if (first_bucket_count_ == 0) return;
  first_buckets_ = std::make_unique<std::uint16_t[]>(first_bucket_count_);
  for (std::size_t i = 0; i < first_bucket_count_; ++i) {
    first_buckets_[i] = bounded(config.first_buckets[i], 1);
  }
}

RoutingTable::~RoutingTable() {
  for (const Entry& entry : entries_) book_.release(entry.ref);
}

RoutingTable::Added RoutingTable::add(const Contact& contact, Instant now, Duration rtt) {
  const std::size_t depth = depth_of(contact.key);
  if (depth == kIdBits) return Added::kSelf;
  const std::uint32_t seen_ms = stamp(now);
  Bucket bucket = bucket_at(depth);
  const std::size_t known = place_of(bucket, contact.key);
  if (known != kNowhere) return refresh(bucket, known, contact, seen_ms, quantised(rtt, kRttUnit));

  const std::uint64_t subnet = subnet_of(contact.endpoint.address);
  std::size_t yields = kNowhere;
  if (subnet_is_full(bucket, contact.endpoint, kNowhere)) {
    yields = worst_failed(bucket.first, bucket.waiting, subnet);
    if (yields == kNowhere) {
      const std::size_t waits = longest_silent(bucket.waiting, bucket.end, subnet);
      if (waits == kNowhere) return Added::kSubnetFull;
      forget_replacement(bucket, waits);
      --bucket.end;
    }
  }
  const Entry entry{.ref = book_.acquire(contact),
                    .key_bits = bits_from(contact.key, depth + 1),
                    .seen_ms = seen_ms,
                    .rtt = quantised(rtt, kRttUnit),
                    .failures = 0,
                    .subnet_tag = tag_of(subnet)};
  if (yields == kNowhere && !is_full(bucket)) {
    if (depth >= shapes_.size()) shapes_.resize(depth + 1);
    insert(bucket.waiting, entry);
    ++shapes_[depth].contacts;
    ++contacts_;
    return Added::kNew;
  }
  if (yields == kNowhere) yields = worst_failed(bucket.first, bucket.waiting);
  if (yields == kNowhere) return cache(bucket, entry);
  replace(yields, entry);
  return Added::kNew;
}

bool RoutingTable::wants(const Contact& contact) const {
  const std::size_t depth = depth_of(contact.key);
  if (depth == kIdBits) return false;
  const Bucket bucket = bucket_at(depth);
  if (place_of(bucket, contact.key) != kNowhere) return false;
  if (subnet_is_full(bucket, contact.endpoint, kNowhere)) {
    return worst_failed(bucket.first, bucket.waiting, subnet_of(contact.endpoint.address)) != kNowhere;
  }
  return !is_full(bucket) || worst_failed(bucket.first, bucket.waiting) != kNowhere;
}

// A contact or replacement that we know has answered again.
RoutingTable::Added RoutingTable::refresh(const Bucket& bucket, std::size_t place, const Contact& contact,
                                          std::uint32_t seen_ms, std::uint16_t rtt) {
  if (book_[entries_[place].ref].endpoint != contact.endpoint) {
    if (subnet_is_full(bucket, contact.endpoint, place)) return Added::kSubnetFull;
    const ContactRef ref = book_.acquire(contact);
    book_.release(entries_[place].ref);
    entries_[place].ref = ref;
    entries_[place].subnet_tag = tag_of(subnet_of(contact.endpoint.address));
  }
  if (entries_[place].failures > 0) lifetimes_.on_returned();
  lifetimes_.on_alive(std::chrono::milliseconds(seen_ms - std::min(seen_ms, entries_[place].seen_ms)));
  entries_[place].seen_ms = seen_ms;
  entries_[place].rtt = rtt;
  entries_[place].failures = 0;
  if (place < bucket.waiting) return Added::kRefreshed;
  const std::size_t failed = worst_failed(bucket.first, bucket.waiting);
  if (failed == kNowhere) return Added::kReplacement;
  std::swap(entries_[failed], entries_[place]);
  forget_replacement(bucket, place);
  return Added::kNew;
}

// The entry waits for a place; its count of the book goes with it.
RoutingTable::Added RoutingTable::cache(const Bucket& bucket, const Entry& entry) {
  if (replacements_max_ == 0) {
    book_.release(entry.ref);
  } else if (bucket.replacements() < replacements_max_) {
    insert(bucket.end, entry);
    ++shapes_[bucket.depth].replacements;
  } else {
    replace(longest_silent(bucket.waiting, bucket.end), entry);
  }
  return Added::kReplacement;
}

bool RoutingTable::failed(const Id& key) {
  const std::size_t depth = depth_of(key);
  const Bucket bucket = bucket_at(depth);
  const std::size_t place = place_of(bucket, key);
  if (place == kNowhere) return false;
  if (entries_[place].failures == 0) lifetimes_.on_silent();
  if (place >= bucket.waiting) {
    forget_replacement(bucket, place);
    return false;
  }
  if (++entries_[place].failures < failures_max_) return false;
  remove_contact(bucket, place);
  return true;
}

bool RoutingTable::remove(const Id& key) {
  const Bucket bucket = bucket_at(depth_of(key));
  const std::size_t place = place_of(bucket, key);
  if (place == kNowhere) return false;
  if (entries_[place].failures == 0) lifetimes_.on_silent();
  if (place >= bucket.waiting) {
    forget_replacement(bucket, place);
    return false;
  }
  remove_contact(bucket, place);
  return true;
}

void RoutingTable::insert(std::size_t place, const Entry& entry) {
  if (entries_.size() == entries_.capacity()) {
    entries_.reserve(entries_.size() + std::max(kGrowthMin, entries_.size() / 8));
  }
  entries_.insert(entries_.begin() + static_cast<std::ptrdiff_t>(place), entry);
}

void RoutingTable::replace(std::size_t place, const Entry& entry) {
  book_.release(entries_[place].ref);
  entries_[place] = entry;
}

void RoutingTable::forget_replacement(const Bucket& bucket, std::size_t place) {
  book_.release(entries_[place].ref);
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(place));
  --shapes_[bucket.depth].replacements;
}

void RoutingTable::remove_contact(const Bucket& bucket, std::size_t place) {
  book_.release(entries_[place].ref);
  if (bucket.replacements() != 0) {
    const std::size_t chosen = best_replacement(bucket);
    entries_[place] = entries_[chosen];
    entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(chosen));
    --shapes_[bucket.depth].replacements;
    return;
  }
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(place));
  --shapes_[bucket.depth].contacts;
  --contacts_;
  while (!shapes_.empty() && shapes_.back().contacts == 0) shapes_.pop_back();
}

std::size_t RoutingTable::worst_failed(std::size_t first, std::size_t end, Subnet subnet) const {
  std::size_t worst = kNowhere;
  for (std::size_t i = first; i < end; ++i) {
    const Entry& entry = entries_[i];
    if (entry.failures == 0 || (subnet && !in_subnet(entry, *subnet))) continue;
    if (worst == kNowhere || entry.failures > entries_[worst].failures ||
        (entry.failures == entries_[worst].failures && entry.seen_ms < entries_[worst].seen_ms)) {
      worst = i;
    }
  }
  return worst;
}

std::size_t RoutingTable::longest_silent(std::size_t first, std::size_t end, Subnet subnet) const {
  std::size_t oldest = kNowhere;
  for (std::size_t i = first; i < end; ++i) {
    if (subnet && !in_subnet(entries_[i], *subnet)) continue;
    if (oldest == kNowhere || entries_[i].seen_ms < entries_[oldest].seen_ms) oldest = i;
  }
  return oldest;
}

std::size_t RoutingTable::best_replacement(const Bucket& bucket) const {
  std::uint32_t freshest = 0;
  for (std::size_t i = bucket.waiting; i < bucket.end; ++i) {
    freshest = std::max(freshest, entries_[i].seen_ms);
  }
  std::size_t best = kNowhere;
  for (std::size_t i = bucket.waiting; i < bucket.end; ++i) {
    if (freshest - entries_[i].seen_ms > kEquallyFreshMs) continue;
    if (best == kNowhere || entries_[i].rtt < entries_[best].rtt) best = i;
  }
  return best;
}

// `now` as an entry keeps it. 2^32 ms are 49 days: then birth_ moves on, and whoever was silent for more than
// half of that is remembered as silent for just that.
std::uint32_t RoutingTable::stamp(Instant now) {
  constexpr std::int64_t kLast = 0xffff'ffff;
  constexpr std::int64_t kKept = 1ll << 31;
  if (birth_ == kNever) birth_ = now;
  const std::int64_t ms = std::chrono::floor<std::chrono::milliseconds>(now - birth_).count();
  if (ms <= kLast) return static_cast<std::uint32_t>(std::max<std::int64_t>(ms, 0));
  const std::int64_t shift = ms - kKept;
  birth_ += std::chrono::milliseconds(shift);
  for (Entry& entry : entries_) {
    entry.seen_ms = static_cast<std::uint32_t>(std::max<std::int64_t>(entry.seen_ms - shift, 0));
  }
  return static_cast<std::uint32_t>(kKept);
}

bool RoutingTable::in_subnet(const Entry& entry, std::uint64_t subnet) const {
  if (entry.subnet_tag != tag_of(subnet)) return false;
  const Endpoint& endpoint = book_[entry.ref].endpoint;
  return subnet_of(endpoint.address) == subnet;
}

bool RoutingTable::subnet_is_full(const Bucket& bucket, const Endpoint& endpoint, std::size_t except) const {
  if (per_subnet_max_ == 0 || is_exempt(endpoint)) return false;
  const std::uint64_t subnet = subnet_of(endpoint.address);
  std::size_t found = 0;
  for (std::size_t i = bucket.first; i < bucket.end; ++i) {
    if (i != except && in_subnet(entries_[i], subnet)) ++found;
  }
  return found >= per_subnet_max_;
}

std::uint32_t RoutingTable::bits_from(const Id& id, std::size_t first) {
  const std::size_t index = first / 64;
  const std::size_t offset = first % 64;
  std::uint64_t bits = index < 4 ? id.word(index) << offset : 0;
  if (offset != 0 && index + 1 < 4) bits |= id.word(index + 1) >> (64 - offset);
  return static_cast<std::uint32_t>(bits >> 32);
}

std::size_t RoutingTable::depth_of(const Id& key) const {
  return static_cast<std::size_t>(kIdBits - 1 - bucket_index(self_, key));
}

RoutingTable::Bucket RoutingTable::bucket_at(std::size_t depth) const {
  std::size_t first = 0;
  const std::size_t above = std::min(depth, shapes_.size());
  for (std::size_t i = 0; i < above; ++i) first += shapes_[i].contacts + shapes_[i].replacements;
  const Shape shape = depth < shapes_.size() ? shapes_[depth] : Shape{};
  return {depth, first, first + shape.contacts, first + shape.contacts + shape.replacements};
}

std::size_t RoutingTable::contact_place(const Id& key) const {
  const Bucket bucket = bucket_at(depth_of(key));
  const std::size_t place = place_of(bucket, key);
  return place < bucket.waiting ? place : kNowhere;
}

std::size_t RoutingTable::size_max() const {
  std::size_t contacts = 0;
  for (std::size_t depth = 0; depth < kIdBits; ++depth) contacts += capacity(depth);
  return contacts;
}

std::size_t RoutingTable::capacity(std::size_t depth) const {
  return depth < first_bucket_count_ ? first_buckets_[depth] : k_;
}

std::size_t RoutingTable::place_of(const Bucket& bucket, const Id& key) const {
  const std::uint32_t bits = bits_from(key, bucket.depth + 1);
  for (std::size_t i = bucket.first; i < bucket.end; ++i) {
    if (entries_[i].key_bits == bits && key_of(entries_[i]) == key) return i;
  }
  return kNowhere;
}

}  // namespace shoal
